"""Our own copies of the voices' previews, so that no page loads anything from another host.

Where a preview lies is what an endpoint says, and whoever is signed in hears the copy: it may name a place of its own
or one of the public internet, never one in our network, and only sound is kept.
"""

from __future__ import annotations

import hashlib
import io
import logging
import socket
import time
from ipaddress import IPv6Address, ip_address
from typing import Any

import httpx
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection

from s2s.audio import AudioError, Limits, examine
from s2s.client.abort import Line, LineCut
from s2s.client.address import Http, client_settings
from s2s.client.wires import finish
from voices.models import Endpoint, Voice

logger = logging.getLogger(__name__)

MAX_BYTES = 5 * 1024**2
DEADLINE_S = 10.0  # of each, from connecting to its last byte
ALL_OF_THEM_S = 120.0  # what is left then has its turn with the next sync
_LIMITS = Limits(cpu_s=20, idle_s=20)


class NotKept(Exception):
    """Why a preview isn't copied, for the log."""


def fetch_all(endpoint: Endpoint) -> None:
    """In any order: those that take long must not take the time of the same others again and again."""
    ends = time.monotonic() + ALL_OF_THEM_S
    for voice in list(endpoint.voices.filter(hidden=False).select_related("endpoint").order_by("?")):
        if time.monotonic() > ends:
            return
        fetch(voice)


def fetch(voice: Voice) -> None:
    """Nothing to do where there is a copy of this address. One that can't be had leaves the copy of the one before."""
    key = _key(voice)
    if key == voice.preview:
        return
    connection.close()  # never held over a call
    if key:
        try:
            sound = _download(voice.preview_url, own=voice.endpoint.base_url)
            examine(io.BytesIO(sound), limits=_LIMITS)
        except (httpx.HTTPError, httpx.InvalidURL, LineCut, AudioError, NotKept) as error:
            logger.warning("preview of voice %s could not be copied: %s", voice.pk, error)
            return
        default_storage.save(key, ContentFile(sound))
    # The row last: whoever dies before that leaves work for the next sync, and no file that nobody knows.
    if voice.preview:
        default_storage.delete(voice.preview)
    Voice.objects.filter(pk=voice.pk).update(preview=key)


def _key(voice: Voice) -> str:
    """Says of which address it is a copy; "" for a voice without a preview."""
    if not voice.preview_url:
        return ""
    return f"previews/{voice.pk}-{hashlib.sha256(voice.preview_url.encode()).hexdigest()[:16]}"


def _download(address: str, *, own: str) -> bytes:
    """Raises an error of httpx's, LineCut or NotKept."""
    url = httpx.URL(address)
    if url.scheme not in ("http", "https") or not url.host:
        raise NotKept("its address is not of the web")
    guard = None if _origin(url) == _origin(httpx.URL(own)) else _Guard(url)
    line = Line(DEADLINE_S)

    def trace(event: str, info: dict[str, Any]) -> None:
        if guard is not None:
            guard.watch(event, info)
        finish(line.trace(event, info))

    http = Http(follow_redirects=False, timeout=DEADLINE_S, **client_settings(url, None))
    try:
        with http, http.stream("GET", url, extensions={"trace": trace}) as response:
            response.raise_for_status()
            sound = _body(response)
        line.check()  # a body without a length ends well where it is cut
        return sound
    finally:
        line.close()


def _body(response: httpx.Response) -> bytes:
    sound = bytearray()
    for chunk in response.iter_raw():
        sound += chunk
        if len(sound) > MAX_BYTES:
            raise NotKept(f"it has more than {MAX_BYTES} bytes")
    return bytes(sound)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


class _Guard:
    """Lets a connection lead to the public internet alone: by all that the host's name says before it is made, and by
    where it has led, before anything is sent. The name may say something else the second time.

    Where the environment names a proxy, it is the proxy that looks for the host again.
    """

    def __init__(self, url: httpx.URL) -> None:
        """Raises NotKept."""
        self._host = url.raw_host.decode("ascii")
        self._direct = True
        try:
            found = socket.getaddrinfo(self._host, url.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NotKept(f"{self._host} is not found: {error}") from error
        for *_, place in found:
            _refuse_unless_public(str(place[0]))

    def watch(self, event: str, info: dict[str, Any]) -> None:
        """httpx's `trace` request extension. Raises NotKept."""
        step = event.partition(".")[2]
        if step == "connect_tcp.started":
            self._direct = info["host"] == self._host
        elif step == "connect_tcp.complete" and self._direct:
            stream = info["return_value"]
            try:
                _refuse_unless_public(stream.get_extra_info("server_addr")[0])
            except NotKept:
                stream.close()
                raise


def _refuse_unless_public(place: str) -> None:
    address = ip_address(place)
    if isinstance(address, IPv6Address):  # those that stand for another one are what that is
        address = address.ipv4_mapped or address.sixtofour or address
    if not address.is_global or address.is_multicast:
        raise NotKept(f"{place} is neither the endpoint's own address nor a public one")
