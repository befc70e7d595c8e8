"""What nobody should send, at the real web server with either database: bytes that are hardly a request any more, and
every address with odd paths, queries, cookies, headers and forms. Refused or dropped, and the next are answered."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote_from_bytes

import httpx
import pytest
from django.conf import settings as site_settings
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.conversions.url_map import values
from tests.conversions.url_map.addresses import Address, all_addresses
from tests.conversions.url_map.asking import Asked
from tests.conversions.url_map.drawing import Drawing
from tests.conversions.url_map.forms import Forms
from tests.conversions.url_map.requests import Request, Row, Wire
from tests.faults.conftest import fresh_database
from tests.support.person import Person
from tests.support.product import Product
from tests.support.sound import wav

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


# They end the session: what comes after them would be a stranger's.
SIGN_OUT = {"/accounts/logout/", "/admin/logout/"}
QUERIES = {"q", "next", "before", "page", "o", "e", "term", "format", "month", "id__exact", "_to_field"}
# They stand in the header as they are: the server refuses some, Django reads the rest. Half are as long as a session's
# key is, because no other is looked for.
RAW_COOKIES = [b"\0", b"a" * 31 + b"\0", b'"' + b"a" * 31 + b'\\000"', b'"\\000"' + b"a" * 31, b"a" * 32 + b"\x01"]
RAW_COOKIES += [b"\xff", b"\xff" * 32, b"a\rb", b'"\\012"', b"a" * 40]


@pytest.fixture(scope="module")
def product(
    database: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Product]:
    """One of their own: nothing else may write into what it prints."""
    with Product(tmp_path_factory.mktemp("bytes") / "data", fresh_database(database, request)) as product:
        yield product
    assert "Internal Server Error" not in product.output()
    assert "Traceback" not in product.output()


@pytest.fixture(scope="module")
def person(product: Product) -> Iterator[Person]:
    with Person(product) as person:
        yield person


def answered(product: Product, sent: bytes, *, to_the_end: bool = True) -> list[int]:
    """The statuses of all that is answered until the server hangs up."""
    said = b""
    connection = socket.create_connection(("127.0.0.1", product.port), timeout=30)
    with connection, contextlib.suppress(ConnectionError):
        connection.sendall(sent)
        while to_the_end and (more := connection.recv(65536)):
            said += more
    return [int(status) for status in _STATUS.findall(said)]


def test_whatever_bytes_come_the_next_request_is_answered(product: Product, person: Person) -> None:
    cookies = dict(person.http.cookies.items())
    token = next(value for name, value in cookies.items() if "csrf" in name)
    jar = "; ".join(f"{name}={value}" for name, value in cookies.items())
    own = [f"Cookie: {jar}".encode(), f"X-CSRFToken: {token}".encode()]
    with httpx.Client(base_url=product.url, trust_env=False) as other:

        @settings(max_examples=settings.default.max_examples * 2, phases=[Phase.generate, Phase.shrink])
        @given(REQUESTS)
        def send(request: Bytes) -> None:
            found = answered(product, request.written(own), to_the_end=request.is_whole)
            assert all(status < 500 for status in found), found
            assert other.get("/healthz").status_code == 200
            seen.update(found)

        seen: set[int] = set()
        send()
    assert {200, 302, 400, 422} <= seen
    assert person.http.get("/").status_code == 200
    assert product.restarts("web") == 0


class Writer:
    """Writes the requests of the url map's tests out as bytes, with this person's cookies."""

    def __init__(self, product: Product, person: Person) -> None:
        cookies = dict(person.http.cookies.items())
        self.names = (
            next(name for name in cookies if "session" in name),
            next(name for name in cookies if "csrf" in name),
        )
        session, csrf = (cookies[name] for name in self.names)
        conversion_id = person.submit(wav(0.2)).strip("/").rpartition("/")[2]
        of_uuids = {name for kind in ("conversion", "batch", "recording", "uuid") for name in values.IDS[kind]}
        rows = {row.name: conversion_id if row.name in of_uuids else "1" for row in values.EVERY_ID}
        rows |= dict.fromkeys(values.IDS["user"], "0")  # who asks should be there to the end
        rows |= {"uidb36": "1", "key": "set-password", "token": "1-x"}
        # Nobody shared anything here: links that open a page are asked in the url map's own tests.
        rows |= {row.name: "a" * 43 for row in values.NAMED["link"] if isinstance(row, Row)}
        self._wire = Wire(rows, dict.fromkeys(("alice", "root"), session), self.names, csrf)

    def written(self, request: Request, raw: bytes) -> bytes:
        """`raw`: what comes last among its cookies."""
        environ = self._wire.environ(request, [])
        cookies = environ.pop("HTTP_COOKIE")
        for ours, theirs in zip(
            (site_settings.SESSION_COOKIE_NAME, site_settings.CSRF_COOKIE_NAME), self.names, strict=True
        ):
            cookies = cookies.replace(f"{ours}=", f"{theirs}=")
        host = environ.pop("HTTP_HOST")
        headers = {"Host": "127.0.0.1" if host == "testserver" else host}
        headers |= {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
        headers |= {"Content-Type": environ["CONTENT_TYPE"], "Content-Length": environ["CONTENT_LENGTH"]}
        path = quote_from_bytes(environ["PATH_INFO"].encode("latin-1"))
        line = f"{environ['REQUEST_METHOD']} {path}?{environ['QUERY_STRING']} HTTP/1.1"
        lines = [
            line,
            "Connection: close",
            *(f"{name}: {value}" for name, value in headers.items()),
            f"Cookie: {cookies}",
        ]
        return "\r\n".join(lines).encode("latin-1") + raw + b"\r\n\r\n" + environ["wsgi.input"].read()


def as_it_is(request: Request) -> Request:
    return request


def nul_in_the_path(request: Request) -> Request:
    return replace(request, places=("a\0",) * len(request.places))


def nul_in_the_query(request: Request) -> Request:
    """Beside what an address must be asked for the rest to be looked at."""
    asked = (("app_label", "teams"), ("model_name", "membership"), ("field_name", "user"))
    return replace(request, query=(*asked, *((name, "a\0") for name in QUERIES)))


def nul_in_the_form(request: Request) -> Request:
    return replace(request, method="POST", form=(*request.form, ("name", "a\0")))


NULS = st.sampled_from([*[as_it_is] * 3, nul_in_the_path, nul_in_the_query, nul_in_the_form])


def test_no_address_errs_whatever_comes_with_it(product: Product, person: Person) -> None:
    writer = Writer(product, person)
    addresses = [address for address in all_addresses() if address.template not in SIGN_OUT]
    drawings = [Drawing(address, asked(address, person)) for address in addresses]
    raw_cookies = st.sampled_from([f"; {name}=".encode() + value for name in writer.names for value in RAW_COOKIES])

    @settings(max_examples=settings.default.max_examples * 6, phases=[Phase.generate, Phase.shrink])
    @given(st.sampled_from(drawings).flatmap(lambda drawing: drawing.requests), NULS, st.just(b"") | raw_cookies)
    def send(drawn: Request, nul: Callable[[Request], Request], raw: bytes) -> None:
        request = nul(drawn)
        kept = tuple(pair for pair in request.headers if pair[0] not in ("CONTENT_LENGTH", "REMOTE_ADDR"))
        who = {None: None, "root": "root"}.get(request.who, "alice")
        found = answered(product, writer.written(replace(request, headers=kept, who=who), raw))
        assert all(status < 500 for status in found), found
        seen.update(found)

    seen: set[int] = set()
    send()
    assert {200, 302, 400, 403, 404, 405} <= seen
    assert person.http.get("/").status_code == 200, "the session holds"
    assert product.restarts("web") == 0


def asked(address: Address, person: Person) -> Asked:
    """What its form offers; which names a query may have only a page knows that is listened to from within."""
    asked = Asked(in_queries=QUERIES, methods=["GET", "POST"])
    if address.places:
        return asked
    answer = person.http.get(address.template)
    forms = Forms(answer.text if answer.headers.get("content-type", "").startswith("text/html") else "")
    return replace(asked, in_forms=forms.names, words=forms.words, files=forms.take_files)
