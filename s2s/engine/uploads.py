"""The body of a request: multipart form data, streamed to disk. Memory is flat for bodies of any size."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from s2s.engine.errors import Refusal

_CHUNK_BYTES = 256 * 1024
_MOST_FIELDS = 32
_MOST_FIELD_BYTES = 64 * 1024
_AUDIO = "audio"
# Ours (docs/engine.md): what is spoken elsewhere in the recording of which `audio` is a passage.
_SOURCE_SPEECH = "source_speech"
_SAMPLE = "files"  # of a voice, once for each
_MOST_SPEECH_BYTES = 16 * 1024 * 1024
# A refusal given while the client still sends is lost with some clients: the rest is read, up to here.
_DRAIN_BYTES = 64 * 1024 * 1024

Read = Callable[[int], bytes]


@dataclass(slots=True)
class Upload:
    """Form fields as text, and what is sound as anonymous temporary files at position 0.

    File name and content type are ignored: they say nothing about the content.
    """

    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, BinaryIO] = field(default_factory=dict)
    samples: list[BinaryIO] = field(default_factory=list)

    @property
    def audio(self) -> BinaryIO | None:
        return self.files.get(_AUDIO)

    @property
    def source_speech(self) -> BinaryIO | None:
        return self.files.get(_SOURCE_SPEECH)

    def close(self) -> None:
        for file in (*self.files.values(), *self.samples):
            file.close()


def receive(read: Read, content_type: str, content_length: int | None, max_bytes: int) -> Upload:
    """Read and take apart a multipart body. `content_length` None: until the end, counting.

    Raises Refusal: 413 over `max_bytes` (before reading when the length is announced), 400 for a body that is
    not what it says it is, 422 for fields that are given twice.
    """
    if content_length is not None and content_length > max_bytes:
        raise _too_large(max_bytes)
    kind, options = parse_options_header(content_type)
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not boundary:
        raise Refusal.of_parameter("body", _AUDIO, msg="Send a multipart/form-data body with the file in 'audio'.")
    upload = Upload()
    try:
        _parse(_limited(read, content_length, max_bytes), boundary, upload)
    except ParserLimitReached as error:
        upload.close()
        raise Refusal.because(400, "invalid_form", "The form has too many or too large fields.") from error
    except MultipartError as error:
        upload.close()
        raise Refusal.because(400, "invalid_form", "The form data is broken or incomplete.") from error
    except BaseException:
        upload.close()
        raise
    return upload


def drain(read: Read, content_length: int | None) -> None:
    """Read what the client is still sending, within reason, so that it gets to see the answer."""
    left = _DRAIN_BYTES
    if content_length is not None and content_length > left:
        return
    while left > 0 and (chunk := read(min(_CHUNK_BYTES, left))):
        left -= len(chunk)


def _too_large(max_bytes: int) -> Refusal:
    return Refusal.because(
        413, "file_too_large", f"The upload is larger than {max_bytes // 1_000_000:,} MB. Send it in shorter parts."
    )


def _limited(read: Read, content_length: int | None, max_bytes: int) -> Read:
    """`read` that ends at the announced length and refuses to go past `max_bytes`."""
    taken = 0

    def limited(size: int) -> bytes:
        nonlocal taken
        if content_length is not None:
            size = min(size, content_length - taken)
        chunk = read(size) if size > 0 else b""
        taken += len(chunk)
        if taken > max_bytes:
            raise _too_large(max_bytes)
        return chunk

    return limited


def _parse(read: Read, boundary: str, upload: Upload) -> None:
    with PushMultipartParser(boundary, max_segment_count=_MOST_FIELDS) as parser:
        name: str | None = None
        text, sound = bytearray(), None
        for event in parser.parse_blocking(read, _CHUNK_BYTES):
            if isinstance(event, MultipartSegment):
                name = event.name or ""
                text.clear()
                sound = _begin(name, upload)
            elif name is None:
                continue
            elif event is None:
                _end(name, text, sound, upload)
                name = None
            elif sound is not None:
                _add(name, event, sound)
            else:
                text += event
                if len(text) > _MOST_FIELD_BYTES:
                    raise ParserLimitReached("a form field is too large")


def _begin(name: str, upload: Upload) -> BinaryIO | None:
    """Where what is sound goes, closed by Upload.close."""
    if name in upload.fields or name in upload.files:
        raise Refusal.of_parameter("body", name[:100], msg="This field is given twice.")
    if name not in (_AUDIO, _SOURCE_SPEECH, _SAMPLE):
        return None
    file = cast(BinaryIO, tempfile.TemporaryFile(prefix="timbre-upload-"))  # noqa: SIM115
    if name == _SAMPLE:
        upload.samples.append(file)
    else:
        upload.files[name] = file
    return file


def _add(name: str, data: bytes | bytearray, file: BinaryIO) -> None:
    file.write(data)
    if name == _SOURCE_SPEECH and file.tell() > _MOST_SPEECH_BYTES:
        raise ParserLimitReached("the speech of the source is too large")


def _end(name: str, text: bytearray, sound: BinaryIO | None, upload: Upload) -> None:
    if sound is not None:
        sound.seek(0)
        return
    try:
        upload.fields[name] = text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal.of_parameter("body", name[:100], msg="This field is not UTF-8 text.") from error
