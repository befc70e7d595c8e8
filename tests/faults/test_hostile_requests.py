"""Requests that break the rules, at the real web server: answered with a sentence or dropped, never a 500, and
nothing is left on the disk."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.person import Person
from tests.support.product import Product, wait_for
from tests.support.sound import wav

BOUNDARY = b"----x"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One of their own: nothing else may write into what it prints."""
    folder = tmp_path_factory.mktemp("hostile") / "data"
    with ScriptedEndpoint() as endpoint, Product(folder, {"ENGINE_URL": endpoint.url}) as product:
        product.wait_until_up()
        yield product


@pytest.fixture(scope="module")
def person(product: Product) -> Iterator[Person]:
    """Signed in once: so many signing in within a minute would be refused."""
    with Person(product) as person:
        yield person


def part(name: str, value: bytes, filename: str | None = None) -> bytes:
    extra = f'; filename="{filename}"' if filename is not None else ""
    head = f'--{BOUNDARY.decode()}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'
    return head.encode() + value + b"\r\n"


def whole(person: Person, *parts: bytes, voice: bool = True) -> bytes:
    form = person.form()
    given = [part("csrfmiddlewaretoken", form["csrfmiddlewaretoken"].encode())]
    if voice:
        given.append(part("voice", form["voice"].encode()))
    return b"".join([*given, *parts, b"--" + BOUNDARY + b"--\r\n"])


class Raw:
    """A connection on which we say exactly what we want."""

    def __init__(self, product: Product, person: Person) -> None:
        self.socket = socket.create_connection(("127.0.0.1", product.port), timeout=30)
        self.cookies = "; ".join(f"{name}={value}" for name, value in person.http.cookies.items())

    def head(
        self,
        length: int | str,
        content_type: bytes = b"multipart/form-data; boundary=" + BOUNDARY,
        more: str = "",
        address: str = "/",
    ) -> None:
        self.socket.sendall(
            f"POST {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {self.cookies}\r\nConnection: close\r\n{more}"
            f"Content-Length: {length}\r\nContent-Type: {content_type.decode()}\r\n\r\n".encode()
        )

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def status(self) -> int:
        """0 when the server hung up without an answer."""
        try:
            line = self.socket.recv(65536).split(b"\r\n", 1)[0]
        except ConnectionError:
            return 0
        return int(line.split(b" ")[1]) if line else 0


@contextlib.contextmanager
def opened(product: Product, person: Person) -> Iterator[Raw]:
    connection = Raw(product, person)
    with connection.socket:
        yield connection


@pytest.fixture
def raw(product: Product, person: Person) -> Iterator[Raw]:
    with opened(product, person) as connection:
        yield connection
    uploads = product.data_dir / "uploads"
    wait_for(lambda: not list(uploads.iterdir()), "nothing is left in the upload folder")
    assert "Internal Server Error" not in product.output()
    assert "Traceback" not in product.output()
    assert person.http.get("/").status_code == 200


def test_a_body_that_breaks_off(raw: Raw, person: Person) -> None:
    body = whole(person, part("audio", wav(5.0), "a.wav"))
    raw.head(len(body))
    raw.send(body[: len(body) // 2])
    time.sleep(0.3)


def test_a_length_that_is_too_small(raw: Raw, person: Person) -> None:
    body = whole(person, part("audio", wav(1.0), "a.wav"))
    raw.head(len(body) // 2)
    raw.send(body)
    assert raw.status() in (0, 303, 400, 403, 422)


@pytest.mark.parametrize("length", ["-1", "abc", "9" * 30, ""])
def test_a_length_that_is_no_length(raw: Raw, person: Person, length: str) -> None:
    raw.head(length)
    assert raw.status() in (0, 400, 403, 413, 422)


@pytest.mark.parametrize("size", [48_000, 8_000_000])
def test_whoever_is_refused_before_the_end_of_the_body_reads_the_answer(raw: Raw, size: int) -> None:
    """A page whose person was signed out meanwhile: the answer is known at once, and the browser sends on."""
    raw.cookies = ""
    raw.head(size)
    for _ in range(8):
        time.sleep(0.05)
        raw.send(b"a" * (size // 8))
    assert raw.status() == 302


@pytest.mark.parametrize(
    "address",
    [
        *("/accounts/login/", "/accounts/signup/", "/accounts/logout/", "/accounts/password/reset/"),
        *("/admin/login/", "/healthz", "/nowhere/"),
    ],
)
def test_a_strangers_file_is_not_written_down(raw: Raw, product: Product, address: str) -> None:
    cookie = httpx.get(f"{product.url}/accounts/login/", trust_env=False).headers["set-cookie"]
    raw.cookies = cookie.split(";")[0]
    raw.head(900 * 10**9, address=address)
    raw.send(part("audio", bytes(40_000_000), "a.wav"))  # most of it has been read when all has been sent
    assert not list((product.data_dir / "uploads").iterdir())


def test_whoever_asks_before_sending_is_answered_at_once(raw: Raw) -> None:
    raw.cookies = ""
    raw.head(48_000, more="Expect: 100-continue\r\n")
    assert raw.status() == 302


def test_a_hundred_slow_uploads_keep_nobody_waiting(raw: Raw, product: Product, person: Person) -> None:
    """Of 128 threads, which is what there is for them without a proxy."""
    body = whole(person, part("audio", wav(1.0), "a.wav"))
    with contextlib.ExitStack() as others:
        for slow in (raw, *(others.enter_context(opened(product, person)) for _ in range(99))):
            slow.head(len(body))
            slow.send(body[:5])
        for _ in range(5):
            assert person.http.get("/history/").status_code == 200
        raw.send(body[5:])
        assert raw.status() == 303


@pytest.mark.usefixtures("raw")
def test_more_slow_senders_than_threads_who_are_refused_keep_nobody_waiting(product: Product, person: Person) -> None:
    """Most are hung up on: to hear out whoever is refused is a courtesy, for a few at a time."""
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(opened(product, person)) for _ in range(140)]
        for sender in slow:
            sender.cookies = ""
            sender.head(48_000)
            sender.send(b"a")
        sockets = [sender.socket for sender in slow]
        wait_for(lambda: len(select.select(sockets, [], [], 0)[0]) >= 124, "all but a few are hung up on")
        assert person.http.get("/history/").status_code == 200
        assert person.http.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([part("audio", wav(0.1), "a.wav"), part("audio", wav(0.1), "b.wav")], {303}),
        ([part("audio", wav(0.1), "a.wav"), part("voice", b"0")], {422}),
        ([part("audio", wav(0.1), "a.wav"), part("seed", b"9" * 100_000)], {422}),
        ([part("audio", wav(0.1), "a.wav"), part("title", b"x" * 5_000_000)], {400}),
        ([part("audio", wav(0.1), "a.wav"), *[part(f"f{n}", b"") for n in range(500)]], {400}),
        ([part(f"audio{n}", wav(0.1), "a.wav") for n in range(200)], {400}),
        ([part("audio", b"text instead of a file")], {422}),
        ([part("audio", b"", "a.wav")], {422}),
        ([part("audio", wav(0.1), "a.wav"), part("output_format", b"\xff\xfe\x00")], {400}),
        ([part("audio", wav(0.1), "a\x00b.wav")], {303, 422}),
        ([part("audio", wav(0.1), "")], {422}),
    ],
)
def test_fields_that_are_missing_doubled_huge_or_of_the_wrong_kind(
    raw: Raw, person: Person, parts: list[bytes], expected: set[int]
) -> None:
    body = whole(person, *parts)
    raw.head(len(body))
    raw.send(body)
    assert raw.status() in expected


@pytest.mark.parametrize(
    "content_type", [b"multipart/form-data", b"multipart/form-data; boundary=", b"text/plain", b"application/json"]
)
def test_bodies_of_another_kind(raw: Raw, person: Person, content_type: bytes) -> None:
    body = whole(person, part("audio", wav(0.1), "a.wav"))
    raw.head(len(body), content_type)
    raw.send(body)
    assert raw.status() in (400, 403)


class Dripping:
    """Somebody who is refused, and sends a few bytes a second as long as anybody listens, while other tests run."""

    def __init__(self, connection: Raw) -> None:
        self._connection = connection
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._drip)
        self._thread.start()

    def status(self) -> int:
        self._thread.join(120)
        assert not self._thread.is_alive(), "it is still listened to"
        return self._connection.status()

    def stop(self) -> None:
        self._enough.set()
        self._thread.join()

    def _drip(self) -> None:
        with contextlib.suppress(ConnectionError):
            self._connection.head(48_000)
            while not self._enough.is_set() and not select.select([self._connection.socket], [], [], 0.25)[0]:
                self._connection.send(b"a")


@pytest.fixture(scope="module", autouse=True)
def dripping(product: Product, person: Person) -> Iterator[Dripping]:
    """From the first test on: it is listened to for half a minute, which nobody needs to wait for."""
    with opened(product, person) as connection:
        connection.cookies = ""
        sender = Dripping(connection)
        yield sender
        sender.stop()


NAMES = [
    "../../etc/passwd.wav",
    "quotes \" and ' in it.wav",
    "two\nlines\r\nand more.wav",
    "émigré 🎙️ 录音.wav",
    "\u202egnp.wav",
    "n" * 300 + ".wav",
    "<img src=x onerror=alert(1)>.wav",
    "%00%2e%2e%2f.wav",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_would_like_to_be_paths_or_markup(product: Product, person: Person, name: str) -> None:
    address = person.submit(wav(0.2), name)
    assert person.wait(address) == "ready"
    page = person.http.get(address)
    assert page.status_code == 200
    assert "<img src=x" not in page.text
    assert "\u202e" not in page.text
    answer = person.http.get(f"{address}source/")
    assert answer.status_code == 200
    disposition = answer.headers["content-disposition"]
    assert "\n" not in disposition
    assert "etc/" not in disposition
    conversion_id = address.strip("/").rpartition("/")[2]
    stored = {path.name for path in (product.data_dir / "media" / "conversions" / conversion_id).iterdir()}
    assert "source" in stored
    assert all(stored_name == "source" or stored_name.split("-")[0].isdigit() for stored_name in stored)


@pytest.mark.usefixtures("raw")
def test_who_is_refused_and_sends_a_few_bytes_a_second_is_not_heard_for_hours(dripping: Dripping) -> None:
    assert dripping.status() in (0, 302)
