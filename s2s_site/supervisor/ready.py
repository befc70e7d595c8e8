"""Asks the product whether it answers, in a thread, so that the supervisor's loop never waits for the network."""

from __future__ import annotations

import http.client
import os
import threading
import time
import urllib.parse

_POLL_S = 0.3
_TIMEOUT_S = 5.0


class Readiness:
    """Turns true once every address answered 200; until then `waiting_for` says for what."""

    def __init__(self, addresses: dict[str, str]) -> None:
        self.waiting_for = ""
        self._ready = threading.Event()
        threading.Thread(target=self._ask, args=(addresses,), name="readiness", daemon=True).start()

    @property
    def is_reached(self) -> bool:
        return self._ready.is_set()

    def _ask(self, addresses: dict[str, str]) -> None:
        for name, url in addresses.items():
            while (answer := ask(url)) != "":
                self.waiting_for = f"{name} ({answer})"
                time.sleep(_POLL_S)
        self._ready.set()


def site_host() -> str:
    """A name under which the site answers: with ALLOWED_HOSTS set it refuses the address of its own machine."""
    return os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".*") or "localhost"


def ask(url: str) -> str:
    """Empty if `url` answers 200, else what it answered. http.client, because a proxy set for the outside world must
    not be asked about our own machine."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", parts.path, headers={"Host": site_host()})
        response = connection.getresponse()
        body = response.read(300).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException):
        return "no answer yet"
    finally:
        connection.close()
    return "" if response.status == 200 else " ".join(f"{response.status} {body}".split())
