"""The Studio's form, taken apart as it arrives: what was put in is found, wherever a read ends."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from hypothesis import example, given
from hypothesis import strategies as st

from conversions.forms import formdata
from conversions.forms.uploads import RecordingUploadHandler

# Where an end of what was read is hard to get right: whole, begun and doubled boundaries.
BYTES = st.lists(
    st.sampled_from(
        [b"\r", b"\n", b"-", b"--", b"\r\n--", b"\r\n--xY", b"--xYz", b"\r\n--xY\r\n--xYy", b"x", b"\0\xff"]
    ),
    max_size=12,
).map(b"".join)
DISPOSITION = b'Content-Disposition: form-data; name="%s"'


def field(name: bytes, value: bytes) -> bytes:
    return b"--xYz\r\n" + DISPOSITION % name + b"\r\n\r\n" + value + b"\r\n"


def file(name: bytes, value: bytes, filename: bytes = b'filename="a.wav"', headers: bytes = b"") -> bytes:
    start = b"--xYz\r\n" + DISPOSITION % name + b"; " + filename + b"\r\n" + headers
    return start + b"Content-Type: audio/wav\r\n\r\n" + value + b"\r\n"


def whole(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--xYz--\r\n"


def parsed(body: bytes, handler: Any) -> tuple[dict[str, list[str]], dict[str, list[tuple[str, str, bytes]]]]:
    meta = {"CONTENT_TYPE": "multipart/form-data; boundary=xYz", "CONTENT_LENGTH": str(len(body))}
    post, files = MultiPartParser(meta, BytesIO(body), [handler]).parse()
    found = {name: [(one.name, one.content_type, one.read()) for one in several] for name, several in files.lists()}
    for several in files.lists():
        for one in several[1]:
            one.close()
    return dict(post.lists()), found


@given(parts=st.lists(st.tuples(st.booleans(), BYTES), max_size=4), size=st.integers(1, 64))
@example(parts=[(True, b"\r\n--xY"), (False, b"")], size=1)
def test_whatever_a_form_holds_and_wherever_a_read_ends(parts: list[tuple[bool, bytes]], size: int) -> None:
    if any(b"\r\n--xYz" in b"\r\n" + value for _is_file, value in parts):
        return  # that is another form than the one that was meant
    body = whole(*(file(b"audio", value) if is_file else field(b"title", value) for is_file, value in parts))
    titles = [value.decode(errors="replace") for is_file, value in parts if not is_file]
    files = [("a.wav", "audio/wav", value) for is_file, value in parts if is_file]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(formdata, "CHUNK_BYTES", size)
        found = parsed(body, RecordingUploadHandler())
    assert found == ({"title": titles} if titles else {}, {"audio": files} if files else {})


@pytest.mark.parametrize("before", range(10))
def test_an_end_that_lies_across_two_large_reads(before: int) -> None:
    start = len(file(b"audio", b"")) - len(b"\r\n")
    sound = b"\xff" * (4 * formdata.CHUNK_BYTES - start - before)
    found = parsed(whole(file(b"audio", sound), field(b"a", b"b")), RecordingUploadHandler())
    assert found == ({"a": ["b"]}, {"audio": [("a.wav", "audio/wav", sound)]})


SAYS_SO = field(b"last", b"audio")


@given(sound=BYTES, size=st.integers(1, 64), ends_with=st.sampled_from([b"--xYz--\r\n", b"--xYz--"]))
def test_a_file_with_which_the_form_ends_as_it_has_said(sound: bytes, size: int, ends_with: bytes) -> None:
    """Wherever a read ends, and whatever is in it."""
    body = SAYS_SO + field(b"title", b"a") + file(b"audio", sound) + ends_with
    if b"\r\n--xYz" in b"\r\n" + sound:
        return  # what is read in one piece with the end is looked through
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(formdata, "CHUNK_BYTES", size)
        fields, files = parsed(body, RecordingUploadHandler())
    assert fields == {"last": ["audio"], "title": ["a"]}
    assert files == {"audio": [("a.wav", "audio/wav", sound)]}


@pytest.mark.parametrize(
    ("says", "most"),
    [(SAYS_SO, 0), (field(b"last", b"other"), 10), (b"", 10)],
    ids=["says so", "says it of another", "says nothing"],
)
def test_its_end_is_not_looked_for_where_it_is_known(monkeypatch: pytest.MonkeyPatch, says: bytes, most: int) -> None:
    looked: list[bytes] = []

    def look(within: bytes, what: bytes) -> bool:
        looked.append(within)
        return what in within

    monkeypatch.setattr(formdata, "CHUNK_BYTES", 1000)
    monkeypatch.setattr(formdata, "_is_within", look)
    sound = b"\xff" * (10_000 - len(whole(says, file(b"audio", b""))))
    assert parsed(whole(says, file(b"audio", sound)), RecordingUploadHandler())[1]["audio"][0][2] == sound
    assert max(0, most - 5) <= len(looked) <= most


def test_who_says_so_and_goes_on_has_sent_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """No page does; what they meant by it is in their own file."""
    monkeypatch.setattr(formdata, "CHUNK_BYTES", 500)
    first, second = file(b"audio", b"a" * 5000), file(b"audio", b"b" * 5000)
    _fields, files = parsed(whole(SAYS_SO, first, second), RecordingUploadHandler())
    assert files == {"audio": [("a.wav", "audio/wav", b"a" * 5000 + b"\r\n" + second.removesuffix(b"\r\n"))]}


def test_a_file_that_says_its_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formdata, "CHUNK_BYTES", 500)
    sound = b"a" * 5000
    found = parsed(whole(file(b"audio", sound, headers=b"Content-Length: 5000\r\n")), RecordingUploadHandler())
    assert found == ({}, {"audio": [("a.wav", "audio/wav", sound)]})


def test_what_was_read_is_handed_on_without_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    read, taken = [], []

    class Body(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            read.append(super().read(size))
            return read[-1]

    class Handler(RecordingUploadHandler):
        def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
            taken.append(raw_data)

    monkeypatch.setattr(formdata, "CHUNK_BYTES", 1000)
    body = whole(file(b"audio", b"a" * 10_000))
    meta = {"CONTENT_TYPE": "multipart/form-data; boundary=xYz", "CONTENT_LENGTH": str(len(body))}
    MultiPartParser(meta, Body(body), [Handler()]).parse()
    assert len(taken) > 9
    assert all(mine is its for mine, its in zip(taken[1:9], read[1:9], strict=True))


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        (b'filename="a \xc3\xa9.wav"', "a é.wav"),
        (b"filename*=utf-8''a%20%C3%A9.wav", "a é.wav"),
        (b'filename="../../a\x00b.wav"', "ab.wav"),
        (b'filename="C:\\sound\\a.wav"', "a.wav"),
        (b'filename="a%22b.wav"', 'a"b.wav'),
    ],
)
def test_a_files_name_is_a_name(given_name: bytes, name: str) -> None:
    fields, files = parsed(whole(file(b"audio", b"sound", given_name)), RecordingUploadHandler())
    assert (fields, files) == ({}, {"audio": [(name, "audio/wav", b"sound")]})


@pytest.mark.parametrize("given_name", [b'filename=""', b'filename=".."', b'filename="/"'])
def test_no_name_is_no_file(given_name: bytes) -> None:
    assert parsed(whole(file(b"audio", b"sound", given_name), field(b"a", b"b")), RecordingUploadHandler()) == (
        {"a": ["b"]},
        {},
    )


@pytest.mark.parametrize(
    "broken",
    [
        file(b"audio", b"first") + file(b"audio", b"it ends in the mid"),
        SAYS_SO + file(b"audio", b"\xff" * 3 * formdata.CHUNK_BYTES),
        file(b"audio", b"first") + b"--xYz\r\nno header\r\n\r\n",
        whole(file(b"audio", b"first"), file(b"audio", b"YWJj", headers=b"Content-Transfer-Encoding: base64\r\n")),
        whole(file(b"audio", b"first"), b"--xYz\r\nContent-Type: audio/wav\r\n\r\nof no field\r\n"),
        whole(file(b"audio", b"first"), file(b"audio", b"a", headers=b"Content-Length: 7\r\n")),
        whole(file(b"audio", b"first"), file(b"audio", b"a", headers=b"X: " + b"x" * 5000 + b"\r\n")),
    ],
    ids=[
        "cut",
        "cut though it said that it ends so",
        "no header",
        "encoded",
        "of no field",
        "another length",
        "a large header",
    ],
)
def test_a_broken_form_leaves_nothing_on_the_disk(broken: bytes, settings: Any) -> None:
    handler = RecordingUploadHandler()
    with pytest.raises((MultiPartParserError, RequestDataTooBig)):
        parsed(broken, handler)
    handler.upload_interrupted()
    assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []
