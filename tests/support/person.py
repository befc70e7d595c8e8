"""A person with a browser that has no JavaScript: signs in, uploads, waits, downloads. For tests of whole paths."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import BinaryIO

import httpx

from s2s.closing import Closing
from tests.support.product import Product

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_STATE = re.compile(r'data-state="([a-z]+)"')
_VOICE = re.compile(r'name="voice"[^>]*value="(\d+)"|value="(\d+)"[^>]*name="voice"')
UNFINISHED = {"waiting", "preparing", "converting", "assembling"}


class Person(Closing):
    """Signed in as the product's admin."""

    def __init__(self, product: Product, *, keep_alive: bool = False) -> None:
        # Unless asked to, no connection is kept: the product may be killed and started again between two requests.
        limits = httpx.Limits(max_keepalive_connections=4 if keep_alive else 0)
        self.http = httpx.Client(base_url=product.url, timeout=30, trust_env=False, limits=limits)
        answer = self.http.post(
            "/accounts/login/",
            data={
                "login": product.admin_email,
                "password": product.admin_password,
                "csrfmiddlewaretoken": self._token("/accounts/login/"),
            },
        )
        assert answer.status_code == 302, answer.text

    def close(self) -> None:
        self.http.close()

    def _token(self, page: str) -> str:
        found = _TOKEN.search(self.http.get(page).text)
        assert found, f"no form on {page}"
        return found.group(1)

    def submit(
        self, audio: bytes, name: str = "recording.wav", output_format: str = "wav_16000", *, voice: int | None = None
    ) -> str:
        """The address of the new conversion. `voice`: its key in the database, else the first that is offered."""
        form = self.form()
        return self.send(form if voice is None else {**form, "voice": str(voice)}, audio, name, output_format)

    def submit_file(self, path: Path) -> str:
        """The same for a file of any size, which is streamed."""
        with path.open("rb") as file:
            return self.send(self.form(), file, path.name)

    def form(self) -> dict[str, str]:
        """What the Studio's form holds before anything is typed: its token and the first voice."""
        page = self.http.get("/").text
        voice = _VOICE.search(page)
        token = _TOKEN.search(page)
        assert voice, "no voice is offered"
        assert token
        return {"voice": voice.group(1) or voice.group(2), "csrfmiddlewaretoken": token.group(1)}

    def send(self, form: dict[str, str], audio: bytes | BinaryIO, name: str, output_format: str = "wav_16000") -> str:
        answer = self.http.post("/", data={**form, "output_format": output_format}, files={"audio": (name, audio)})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def read(self, address: str, headers: dict[str, str] | None = None) -> int:
        """Reads a file to its end without keeping it; how many bytes came."""
        with self.http.stream("GET", address, headers=headers) as answer:
            assert answer.status_code in (200, 206)
            return sum(len(chunk) for chunk in answer.iter_bytes())

    def state(self, address: str) -> str:
        found = _STATE.search(self.http.get(address).text)
        assert found, f"no state on {address}"
        return found.group(1)

    def wait(self, address: str, *, timeout_s: float = 60.0) -> str:
        """The state in which it ends."""
        give_up_at = time.monotonic() + timeout_s
        while (state := self.state(address)) in UNFINISHED:
            assert time.monotonic() < give_up_at, f"still {state} after {timeout_s:g} s"
            time.sleep(0.1)
        return state

    def download(self, address: str) -> bytes:
        answer = self.http.get(f"{address}download/")
        assert answer.status_code == 200
        return answer.content
