"""A request as data, which Hypothesis can draw, shrink and show, and as the server hands it to the site."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from tests.conversions.url_map.addresses import Address


@dataclass(frozen=True)
class Row:
    """The id of something that there is, by the name that `site` gives it: of its own, ids differ each time."""

    name: str


Value = str | bytes | Row
Pairs = tuple[tuple[Value, Value], ...]


@dataclass(frozen=True)
class File:
    field: str
    name: str  # what follows `filename`, with its equals sign
    content: bytes


@dataclass(frozen=True)
class Request:
    """`query` may be text that is no pairs; `form` comes on top of what the page's own forms hold, if it `fills_in`."""

    address: Address
    who: str | None = None
    method: str = "GET"
    places: tuple[Value, ...] = ()
    query: Pairs | str = ()
    cookies: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    fills_in: bool = False
    form: Pairs = ()
    files: tuple[File, ...] = ()
    kind: str = "application/x-www-form-urlencoded"
    cut: int | None = None  # of the body, from its end
    behind_proxy: bool = False

    @property
    def brings_a_body(self) -> bool:
        return self.method not in ("GET", "HEAD", "get")


class Wire:
    """Writes requests out. `rows` has the ids, `sessions` the keys of who is signed in; `secret` is a CSRF token."""

    def __init__(self, rows: Mapping[str, str], sessions: Mapping[str, str], names: tuple[str, str], secret: str):
        self.rows = rows
        self.secret = secret
        session_name, csrf_name = names
        own = f"{csrf_name}={secret}"
        self._cookies = {who: f"{own}; {session_name}={key}" for who, key in sessions.items()} | {None: own}

    def environ(self, request: Request, own_form: list[tuple[str, str]]) -> dict[str, Any]:
        """After PEP 3333: the path is decoded, text is Latin-1 for what were bytes."""
        places = [self._bytes(value).decode("latin-1") for value in request.places]
        names = [name for name, _kind in request.address.places]
        body = self._body(request, own_form) if request.brings_a_body else b""
        environ = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": request.address.template % dict(zip(names, places, strict=True)),
            "QUERY_STRING": self._query(request),
            "CONTENT_TYPE": request.kind if request.brings_a_body else "",
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "testserver",
            "HTTP_X_CSRFTOKEN": self.secret,  # for bodies that can't be read
            "HTTP_COOKIE": "; ".join(filter(None, (self._cookies[request.who], request.cookies))),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        return environ | dict(request.headers)

    def _query(self, request: Request) -> str:
        if isinstance(request.query, str):
            return request.query
        return urlencode([(self._bytes(name), self._bytes(value)) for name, value in request.query])

    def _body(self, request: Request, own_form: list[tuple[str, str]]) -> bytes:
        said = {name for name, _value in request.form}
        token: Pairs = () if "csrfmiddlewaretoken" in said else (("csrfmiddlewaretoken", self.secret),)
        own = [pair for pair in own_form if pair[0] not in said | {"csrfmiddlewaretoken"}]
        pairs = [(self._bytes(name), self._bytes(value)) for name, value in (*own, *token, *request.form)]
        whole = _multipart(pairs, request.files) if "multipart" in request.kind else urlencode(pairs).encode()
        return whole if request.cut is None else whole[: -request.cut]

    def _bytes(self, value: Value) -> bytes:
        if isinstance(value, Row):
            return self.rows[value.name].encode()
        return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")


def _multipart(pairs: list[tuple[bytes, bytes]], files: tuple[File, ...]) -> bytes:
    parts = [
        b'--b\r\nContent-Disposition: form-data; name="' + name + b'"\r\n\r\n' + value + b"\r\n"
        for name, value in pairs
    ]
    for file in files:
        head = f'--b\r\nContent-Disposition: form-data; name="{file.field}"; filename{file.name}\r\n'
        head += "Content-Type: audio/wav\r\n\r\n"
        parts.append(head.encode("utf-8", "surrogatepass") + file.content + b"\r\n")
    return b"".join(parts) + b"--b--\r\n"
