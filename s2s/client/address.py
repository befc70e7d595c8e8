"""Where an endpoint is, and what every request to it has in common."""

from __future__ import annotations

import ssl
from functools import cache, lru_cache
from ipaddress import ip_address
from typing import TypedDict
from urllib.parse import quote

import httpx

from s2s.client.errors import Rejected


class ClientSettings(TypedDict):
    """Of an httpx client, sync or async."""

    headers: dict[str, str]
    verify: ssl.SSLContext
    trust_env: bool
    limits: httpx.Limits


class _NoCookies(httpx.Cookies):
    """What an answer sets isn't sent with the next request, which may be for other people."""

    def extract_cookies(self, response: httpx.Response) -> None:
        pass


class Http(httpx.Client):
    cookies = _NoCookies()  # type: ignore[override]


class AsyncHttp(httpx.AsyncClient):
    cookies = _NoCookies()  # type: ignore[override]


def read_address(base_url: str) -> httpx.URL:
    """Raises ValueError for what isn't an http(s) address of a server."""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise ValueError(f"the endpoint's address cannot be read: {error}") from error
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise ValueError("the endpoint's address must look like https://host or http://host:port/path")
    return url


def client_settings(address: httpx.URL, api_key: str | None) -> ClientSettings:
    """Raises ValueError for a key that cannot stand in a header."""
    return {
        "headers": _headers(api_key),
        "verify": _trusted(),
        # Its proxies are for other machines, and to look for them takes as long as the rest of a client.
        "trust_env": not _is_loopback(address),
        # A connection serves one call. One that idled may be closed by the other side while we send: a reset after
        # sending began, that is a call that may have been billed. A new one can only fail before.
        "limits": httpx.Limits(max_connections=None, max_keepalive_connections=0),
    }


@lru_cache(maxsize=256)
def url_of(address: str, query: tuple[tuple[str, str], ...]) -> httpx.URL:
    """Read once: most requests go where others have gone."""
    return httpx.URL(address, params=query or None)


def path_segment(name: str, what: str) -> str:
    """Raises `Rejected` for what cannot stand in a path: empty, or a step up in it. `what` is e.g. `voice`."""
    if name in ("", ".", ".."):
        raise Rejected(
            f"There is no such {what.replace('_', ' ')}. Nothing was sent.", code=f"{what}_id", message=repr(name)
        )
    return quote(name, safe="")


@cache
def _trusted() -> ssl.SSLContext:
    """Reading the certificates takes longer than a call to this machine: once is enough."""
    return httpx.create_ssl_context()


def _headers(api_key: str | None) -> dict[str, str]:
    # Stored as it comes: no coding that would have to be undone, and that would hide a cut.
    headers = {"accept-encoding": "identity"}
    if api_key:
        if not (api_key.isascii() and api_key.isprintable()) or " " in api_key:
            raise ValueError("the API key has characters that cannot be sent: was something else pasted with it?")
        headers["xi-api-key"] = api_key
    return headers


def _is_loopback(address: httpx.URL) -> bool:
    try:
        return ip_address(address.host).is_loopback
    except ValueError:
        return address.host == "localhost" or address.host.endswith(".localhost")
