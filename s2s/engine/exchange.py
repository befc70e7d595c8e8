"""A request and its answer, as the routes see them; how they travel is `asgi`'s business."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import parse_qsl

from s2s.engine import uploads
from s2s.engine.errors import Refusal


class ClientLeft(Exception):
    """Nobody waits for the answer any more."""


class Line(Protocol):
    """The client's end of a request, as a thread uses it."""

    def read(self, size: int) -> bytes:
        """At most `size` bytes of the body; empty at its end. Raises ClientLeft."""

    def check(self) -> None:
        """Raises ClientLeft when the client has. What was not read of the body is given up."""


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is decoded, `query_string` is not; names of `headers` are in lower case."""

    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    scheme: str
    line: Line
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def query(self) -> dict[str, str]:
        """Raises Refusal 422 for a parameter that is given twice."""
        found: dict[str, str] = {}
        for name, value in parse_qsl(self.query_string, keep_blank_values=True):
            if name in found:
                raise Refusal.of_parameter("query", name[:100], msg="This parameter is given twice.")
            found[name] = value
        return found

    @property
    def base_url(self) -> str:
        """Where the client reached us, so that links in listings lead back the same way."""
        return f"{self.scheme}://{self.headers.get('host', 'localhost')}"

    @property
    def content_length(self) -> int | None:
        text = self.headers.get("content-length", "")
        return int(text) if text.isascii() and text.isdigit() else None

    def upload(self, max_bytes: int) -> uploads.Upload:
        """Raises Refusal as `uploads.receive` does, and ClientLeft."""
        return uploads.receive(self.line.read, self.headers.get("content-type", ""), self.content_length, max_bytes)

    def drain(self) -> None:
        """Raises ClientLeft."""
        if self.method == "POST":
            uploads.drain(self.line.read, self.content_length)


@dataclass(slots=True)
class Response:
    """`body` is closed by who sends it, when it has a `close`. `length` None: it is not known yet."""

    body: Iterable[bytes]
    content_type: str
    status_code: int = 200
    length: int | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_json(cls, content: object, status_code: int = 200, headers: dict[str, str] | None = None) -> Response:
        body = json.dumps(content, ensure_ascii=False).encode()
        return cls([body], "application/json", status_code, len(body), headers or {})

    def all_headers(self) -> dict[str, str]:
        length = {} if self.length is None else {"content-length": str(self.length)}
        return {"content-type": self.content_type, **self.headers, **length}
