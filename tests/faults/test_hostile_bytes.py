"""Bytes that are hardly a request any more, at the real web server: refused or dropped, and the next are answered."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.support.person import Person
from tests.support.product import Product

LINES = [
    *(b"GET / HTTP/1.1", b"GET /history/ HTTP/1.1", b"POST / HTTP/1.1", b"POST /account/choices/ HTTP/1.1"),
    *(b"HEAD /healthz HTTP/1.1", b"GET /healthz HTTP/1.0", b"POST /accounts/login/ HTTP/1.1", b"get / HTTP/1.1"),
]
ODD_LINES = [
    *(b"GET", b"GET /", b"GET  / HTTP/1.1", b"GET / HTTP/9.9", b"GET / HTTP/1.1 HTTP/1.1", b"\0 / HTTP/1.1", b""),
    *(
        b"GET /\0 HTTP/1.1",
        b"GET /%00 HTTP/1.1",
        b"GET /\xff\xfe HTTP/1.1",
        b"GET /%ff%fe HTTP/1.1",
        b"GET /% HTTP/1.1",
    ),
    *(b"GET /%ED%A0%80/ HTTP/1.1", b"GET // HTTP/1.1", b"GET //evil.example/ HTTP/1.1", b"GET /?q=\xff HTTP/1.1"),
    *(b"GET http://[/ HTTP/1.1", b"GET http://evil.example/ HTTP/1.1", b"GET * HTTP/1.1", b"OPTIONS * HTTP/1.1"),
    *(
        b"CONNECT evil.example:443 HTTP/1.1",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1",
        b"GET /?" + b"a&" * 9000 + b" HTTP/1.1",
    ),
    *(b"M" * 900 + b" / HTTP/1.1", b"GET /../../etc/passwd HTTP/1.1", b"GET /static/..%2f..%2fdoor.py HTTP/1.1"),
    *(b"GET /admin/?next=%0d%0aSet-Cookie:a=b HTTP/1.1", b"GET /static/css/%00 HTTP/1.1", b"GET /healthz#a HTTP/1.1"),
]
HEADERS = [
    *(b"Host: [", b"Host: a, b", b"Host: \xff", b"Host:", b"Cookie: \xff=\xff", b"Cookie: a=\0", b'Cookie: a="\\000"'),
    *(b"Cookie: " + b"a=b; " * 9000, b"X: " + b"y" * 100_000, b"\0: x", b"X\0: x", b"X: \0", b"no colon", b": x"),
    *(b" folded", b"X : y", b"X: a\rb", b"X: \xe2\x98\x83", b"Range: bytes=\xb2-", b"Accept-Language: \xff"),
    *(
        b"Content-Type: multipart/form-data; boundary=\xff",
        b"Content-Type: multipart/form-data; boundary=b; charset=hex",
    ),
    *(
        b"Content-Type: \xff",
        b"Referer: http://[",
        b"Origin: http://[",
        b"X-Forwarded-For: \xff",
        b"Upgrade: websocket",
    ),
    *(
        b"Upgrade: h2c",
        b"Connection: Upgrade, HTTP2-Settings",
        b"Expect: 100-continue",
        b"Expect: \xff",
        b"TE: trailers",
    ),
    *(
        b"X: y\r\n" * 150 + b"X: y",
        b"If-Modified-Since: Sun, 06 Nov 9999999 08:49:37 GMT",
        b"Authorization: bearer \xff",
    ),
]
USUAL = [b"Host: 127.0.0.1", b"Content-Type: application/x-www-form-urlencoded", b"Connection: close"]
FORM = b"name=shortcuts&value=on"
# What frames the body, and the body.
WHOLE = [
    (b"Content-Length: 23", FORM),
    (b"Content-Length: 4", FORM),
    (b"Content-Length: -1", FORM),
    (b"Content-Length: +5", FORM),
    (b"Content-Length: 5, 6", FORM),
    (b"Content-Length: 5\r\nContent-Length: 6", FORM),
    (b"Content-Length: " + b"9" * 30, FORM),
    (b"Content-Length: \xb2", FORM),
    (b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"0\r\n\r\n"),
    (b"Transfer-Encoding: chunked", b"17\r\n" + FORM + b"\r\n0\r\n\r\n"),
    (b"Transfer-Encoding: chunked", b"17\r\n" + FORM + b"\r\n0\r\nX: \0\r\n\r\n"),
    (b"Transfer-Encoding: gzip, chunked", b"17\r\n" + FORM + b"\r\n0\r\n\r\n"),
    (b"Transfer-Encoding: identity", FORM),
]
CUT = [  # the server may wait for the rest: nobody waits for the server
    (b"Content-Length: 900", FORM),
    (b"Transfer-Encoding: chunked", b"17\r\n" + FORM[:9]),
    (b"Transfer-Encoding: chunked", b"17\r\n" + FORM + b"\r\n"),
    (b"Transfer-Encoding: chunked", b"zz\r\n" + FORM),
    (b"Transfer-Encoding: chunked", b"-1\r\n" + FORM),
    (b"Transfer-Encoding: chunked", b"f" * 17 + b"\r\n" + FORM),
    (b"Transfer-Encoding: chunked", b"17;" + b"x" * 20_000 + b"\r\n" + FORM),
    (b"Transfer-Encoding: \xff", FORM),
]
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


@dataclass(frozen=True)
class Bytes:
    line: bytes
    headers: tuple[bytes, ...]
    body: tuple[bytes, bytes]
    signed_in: bool

    @property
    def is_whole(self) -> bool:
        return self.body in WHOLE

    def written(self, own: list[bytes]) -> bytes:
        frame, body = self.body
        return b"\r\n".join([self.line, *(own if self.signed_in else []), *USUAL, *self.headers, frame, b"", body])


REQUESTS = st.builds(
    Bytes,
    line=st.sampled_from(LINES) | st.sampled_from(LINES) | st.sampled_from(ODD_LINES),
    headers=st.lists(st.sampled_from(HEADERS), max_size=2).map(tuple),
    body=st.sampled_from(WHOLE) | st.sampled_from(CUT),
    signed_in=st.booleans(),
)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One of their own: nothing else may write into what it prints."""
    with Product(tmp_path_factory.mktemp("bytes") / "data") as product:
        yield product


def statuses(product: Product, request: Bytes, own: list[bytes]) -> list[int]:
    """Of all that is answered until the server hangs up."""
    said = b""
    connection = socket.create_connection(("127.0.0.1", product.port), timeout=30)
    with connection, contextlib.suppress(ConnectionError):
        connection.sendall(request.written(own))
        while request.is_whole and (more := connection.recv(65536)):
            said += more
    return [int(status) for status in _STATUS.findall(said)]


def test_whatever_bytes_come_the_next_request_is_answered(product: Product) -> None:
    with Person(product) as person, httpx.Client(base_url=product.url, trust_env=False) as other:
        cookies = dict(person.http.cookies.items())
        token = next(value for name, value in cookies.items() if "csrf" in name)
        jar = "; ".join(f"{name}={value}" for name, value in cookies.items())
        own = [f"Cookie: {jar}".encode(), f"X-CSRFToken: {token}".encode()]

        @settings(max_examples=settings.default.max_examples * 2, phases=[Phase.generate, Phase.shrink])
        @given(REQUESTS)
        def send(request: Bytes) -> None:
            found = statuses(product, request, own)
            assert all(status < 500 for status in found), found
            assert other.get("/healthz").status_code == 200
            seen.update(found)

        seen: set[int] = set()
        send()
        assert {200, 302, 400, 422} <= seen
        assert person.http.get("/").status_code == 200
    assert product.restarts("web") == 0
    assert "Internal Server Error" not in product.output()
    assert "Traceback" not in product.output()
