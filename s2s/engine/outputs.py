"""The converted recording in its format, in pieces that can be sent before the rest is there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import BinaryIO, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from s2s.audio import Encoder
from s2s.audio.resampling import Resampler
from s2s.closing import Closing
from s2s.engine.vocoder import FULL_BAND_HZ, SAMPLE_RATE_HZ
from s2s.formats import OutputFormat

_PIECE_BYTES = 64 * 1024


class Output(Protocol):
    """Takes what `working_rate_hz` says. A context manager."""

    def write(self, block: NDArray[np.float32]) -> None: ...

    def ready(self) -> bytes:
        """What can be sent now, and is given only once. Not asked for: all of it is `rest`."""

    def rest(self, length: int | None) -> Iterator[bytes]:
        """What is left, when all has been written. The whole has `length` samples; None: as it comes."""

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def working_rate_hz(form: OutputFormat) -> int:
    """At which the engine converts for this format: what has no room for more than the vocoder's band needs no more."""
    return FULL_BAND_HZ if form.sample_rate_hz > SAMPLE_RATE_HZ else SAMPLE_RATE_HZ


def output(form: OutputFormat, length: int | None) -> Output:
    """Of a whole file. `length` in samples is needed now where the header says it (`wav_*`)."""
    return _Tagged(form) if form.codec == "mp3" else Flowing(form, length)


class _Encoding(Closing):
    """Encodes what comes at `working_rate_hz`, and ends after as many samples as it is told.

    Rounding twice, to that rate and from there, may be a sample off. Until the end it gives fewer: the resampler holds
    some back.
    """

    def __init__(self, form: OutputFormat, sink: BinaryIO | None = None, length: int | None = None) -> None:
        rate_hz = form.sample_rate_hz
        self._resampler = Resampler(working_rate_hz(form), rate_hz)
        self._encoder = Encoder(form.codec, rate_hz, form.bitrate_kbps, input_rate_hz=rate_hz, sink=sink, length=length)

    def encode(self, block: NDArray[np.float32]) -> bytes:
        return self._encoder.write(self._resampler.write(block))

    def finish(self, length: int | None) -> bytes:
        rest = self._resampler.finish()
        if length is not None:
            missing = max(0, length - self._encoder.samples)
            rest = np.pad(rest[:missing], (0, max(0, missing - len(rest))))
        return self._encoder.write(rest) + self._encoder.finish()


class Flowing(_Encoding):
    """What needs nothing of its end at its beginning."""

    def __init__(self, form: OutputFormat, length: int | None = None) -> None:
        super().__init__(form, length=length)
        self._ready = bytearray()

    def write(self, block: NDArray[np.float32]) -> None:
        self._ready += self.encode(block)

    def ready(self) -> bytes:
        taken = bytes(self._ready)
        self._ready.clear()
        return taken

    def rest(self, length: int | None) -> Iterator[bytes]:
        self._ready += self.finish(length)
        yield self.ready()

    def close(self) -> None:
        """Nothing is open."""


class _Tagged(_Encoding):
    """MP3 that decodes to the sample. Its first frame says how many samples to leave out at the end.

    So all of it goes when it is finished, from a temporary file. What is ready before is a tag (ID3v2.4.0, 3.1 to 3.3)
    whose padding says nothing: a byte each time. A recording that is finished at once has the encoder's own tag.
    """

    _PADDING_BYTES = 4096  # for as many blocks: more than eleven hours of speech

    def __init__(self, form: OutputFormat) -> None:
        self._file = tempfile.TemporaryFile(prefix="timbre-output-")  # noqa: SIM115 - closed by close()
        super().__init__(form, self._file)
        self._padding: int | None = None  # bytes to come, once the tag has begun

    def write(self, block: NDArray[np.float32]) -> None:
        self.encode(block)

    def ready(self) -> bytes:
        if self._padding is None:
            self._padding = self._PADDING_BYTES
            return _tag(self._padding)
        sent = min(1, self._padding)
        self._padding -= sent
        return bytes(sent)

    def rest(self, length: int | None) -> Iterator[bytes]:
        self.finish(length)
        self._file.seek(0)
        if self._padding is not None:
            yield bytes(self._padding)
            self._file.seek(_tag_bytes(self._file.read(10)))
        while piece := self._file.read(_PIECE_BYTES):
            yield piece

    def close(self) -> None:
        self._file.close()


def _tag(padding_bytes: int) -> bytes:
    """A tag up to its padding. It names the encoder: a tag without a frame is none."""
    text = b"\x03Timbre"  # UTF-8
    frame = b"TSSE" + _synchsafe(len(text)) + bytes(2) + text
    return b"ID3\x04\x00\x00" + _synchsafe(len(frame) + padding_bytes) + frame


def _synchsafe(number: int) -> bytes:
    """Seven bits a byte (ID3v2.4.0, 6.2)."""
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def _tag_bytes(head: bytes) -> int:
    """How long the tag is that begins with these ten bytes; 0: none does."""
    if head[:3] != b"ID3":
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte
    return 10 + size
