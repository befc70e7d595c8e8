"""Sound that needs no codec: 16-bit PCM of one or two channels, without a header or in a WAV that says the truth.

Reading it is counting bytes. Nothing in it can crash or hang, memory is flat, and the work follows the size of the
file, so no child process stands between: starting one takes longer than reading half a minute. Whatever is unusual
about a file is left to the decoders, who know more and are fenced in.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final, Self

import numpy as np
from numpy.typing import NDArray

from s2s.audio.apart import ChannelLevels
from s2s.audio.limiter import Limiter
from s2s.audio.limits import Limits, RawPcm
from s2s.audio.mixing import Mix, only, usual
from s2s.audio.places import PLACE_S, listened

_PCM: Final = 1  # WAVE_FORMAT_PCM
_SAMPLE_BYTES: Final = 2
_FMT: Final = struct.Struct("<HHIIHH")  # tag, channels, rate, bytes a second, bytes a frame, bits a sample
_CHUNK: Final = struct.Struct("<4sI")
_CHUNKS_AT_MOST: Final = 64  # a file of a million empty ones is nobody's recording
# A film's sound may hide in a WAV: the first words of DTS frames, 16 or 14 bits in either order, and of IEC 61937.
_HIDDEN: Final = tuple(map(bytes.fromhex, ("7ffe8001", "fe7f0180", "1fffe800", "ff1f00e8", "72f81f4e")))
# So may a codec's frames, one after the other: MPEG audio (with a bitrate and a rate that exist, or the smallest noise
# would look like it), ADTS, AC-3 in either order, LOAS.
_RATES: Final = b"[" + re.escape(bytes(byte for byte in range(0x10, 0xF0) if byte & 0x0C != 0x0C)) + b"]"
_FRAMES: Final = re.compile(
    rb"\0*(?:\xff[\xe2-\xff]" + _RATES + rb"|\xff[\xf0\xf1\xf8\xf9][\x10-\xef]|\x0b\x77|\x77\x0b|\x56[\xe0-\xff]|ID3)",
    re.DOTALL,
)
_SEARCHED_BYTES: Final = 1 << 14


@dataclass(frozen=True, slots=True)
class Plain:
    """Where in a file the samples are, interleaved and little-endian."""

    container: str
    sample_rate_hz: int
    channels: int
    start: int
    samples: int

    codec: ClassVar[str] = "pcm_s16le"

    @classmethod
    def found_in(cls, fd: int, limits: Limits, raw: RawPcm | None) -> Self | None:
        """None for anything else, and for what is beyond `limits`: the decoders say what is wrong with it."""
        found = cls._wav(fd) if raw is None else cls._headerless(fd, raw)
        if found is None or found.samples == 0 or not 1 <= found.channels <= min(2, limits.max_channels):
            return None
        if not limits.min_sample_rate_hz <= found.sample_rate_hz <= limits.max_sample_rate_hz:
            return None
        if found.samples > limits.max_duration_s * found.sample_rate_hz:
            return None
        beginning = os.pread(fd, _SEARCHED_BYTES, found.start) if raw is None else b""
        hidden = _FRAMES.match(beginning) or any(word in beginning for word in _HIDDEN)
        return None if hidden else found

    @classmethod
    def _headerless(cls, fd: int, raw: RawPcm) -> Self | None:
        if raw.encoding != "s16le":
            return None
        frame_bytes = _SAMPLE_BYTES * raw.channels
        return cls("s16le", raw.sample_rate_hz, raw.channels, 0, os.fstat(fd).st_size // frame_bytes)

    @classmethod
    def _wav(cls, fd: int) -> Self | None:
        """The one `data` chunk behind the one `fmt ` chunk of a whole RIFF file."""
        fmt: tuple[int, ...] | None = None
        found: Self | None = None
        for name, at, length in _chunks(fd):
            if name == b"":  # not RIFF, cut off, or too many
                return None
            if name == b"fmt ":
                fields = os.pread(fd, _FMT.size, at)
                if fmt or found or length != _FMT.size or len(fields) < _FMT.size:
                    return None
                fmt = _FMT.unpack(fields)
            elif name == b"data":
                if found or fmt is None:
                    return None
                tag, channels, rate_hz, _, frame_bytes, bits = fmt
                if channels == 0 or (tag, bits, frame_bytes) != (_PCM, 8 * _SAMPLE_BYTES, _SAMPLE_BYTES * channels):
                    return None
                # A length of nothing was written before anybody knew it.
                if length == 0 or length % frame_bytes:
                    return None
                found = cls("wav", rate_hz, channels, at, length // frame_bytes)
        return found

    def listen(self, fd: int) -> Mix:
        """How its channels are mixed."""
        names = ("FL", "FR")[: self.channels]
        if self.channels == 1:
            return usual(names)
        rate_hz = self.sample_rate_hz
        place = max(1, round(PLACE_S * rate_hz))

        def at(moments: Iterable[float]) -> Iterator[NDArray[np.float32]]:
            for moment in moments:
                yield self._planes(fd, min(round(moment * rate_hz), max(0, self.samples - place)), place)

        def everything() -> Iterator[NDArray[np.float32]]:
            for first in range(0, self.samples, rate_hz):
                yield self._planes(fd, first, rate_hz)

        return listened(names, rate_hz, self.samples / rate_hz, at, everything)

    def _planes(self, fd: int, first: int, count: int) -> NDArray[np.float32]:
        """`(channels, n)` samples from `first` on, `count` of them or what there is."""
        frame_bytes = _SAMPLE_BYTES * self.channels
        data = os.pread(fd, min(count, self.samples - first) * frame_bytes, self.start + first * frame_bytes)
        whole = data[: len(data) // frame_bytes * frame_bytes]
        planes: NDArray[np.float32] = np.frombuffer(whole, "<i2").reshape(-1, self.channels).T * np.float32(2.0**-15)
        return planes

    def blocks(self, fd: int, mix: Mix, channel_levels: ChannelLevels | None = None) -> Iterator[NDArray[np.float32]]:
        """Mono `(n,)` blocks of a second at the sound's own rate, -1..1; `channel_levels` hears every channel.

        All in the same memory, or the system would bring new pages for each: a block is gone when the next one comes.
        """
        frame_bytes = _SAMPLE_BYTES * self.channels
        most = min(self.samples, self.sample_rate_hz)
        data = np.empty(most * self.channels, "<i2")
        frames, mixed = np.empty((most, self.channels), np.float32), np.empty(most, np.float32)
        share = mix.weights * np.float32(2.0**-15)
        limiter = Limiter(self.sample_rate_hz) if mix.limits else None
        for first in range(0, self.samples, most):
            count = min(most, self.samples - first)
            read = os.preadv(fd, [data[: count * self.channels].data], self.start + first * frame_bytes) // frame_bytes
            if self.channels == 1:
                yield np.multiply(data[:read], share[0], out=mixed[:read])
                continue
            if channel_levels is not None:
                planes = _parted(data[: 2 * read], frames.reshape(2, -1)[:, :read])
                channel_levels.write(planes, self.sample_rate_hz)
                np.matmul(mix.weights, planes, out=mixed[:read])
            else:
                frames.reshape(-1)[: read * self.channels] = data[: read * self.channels]
                np.matmul(frames[:read], share, out=mixed[:read])
            yield limiter.write(mixed[:read]) if limiter else mixed[:read]
        if limiter:
            yield limiter.finish()

    def resampled(self, fd: int, sample_rate_hz: int, channel: int | None = None) -> Iterator[NDArray[np.float32]]:
        """The same at another rate, or at its own, of all channels or of one; each block in memory of its own."""
        from s2s.audio.resampling import Resampler  # who only looks at recordings needs no soxr

        resampler = Resampler(self.sample_rate_hz, sample_rate_hz)
        mix = self.listen(fd) if channel is None else only(channel, self.channels)
        for block in self.blocks(fd, mix):
            yield resampler.write(block.copy())
        yield resampler.finish()


def _parted(pairs: NDArray[np.int16], planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """`(2 n,)` interleaved samples as `(2, n)`, -1..1. By halves of words: numpy is slow where it leaves out each
    second value."""
    words = pairs.view("<i4")
    half = np.left_shift(words, 16)
    planes[0] = np.right_shift(half, 16, out=half)
    planes[1] = np.right_shift(words, 16, out=half)
    planes *= np.float32(2.0**-15)
    return planes


def _chunks(fd: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, place and length of every chunk of a RIFF file; a last one without a name where that can't be said.

    Multimedia Programming Interface and Data Specifications 1.0 (IBM and Microsoft, 1991).
    """
    size = os.fstat(fd).st_size
    head = os.pread(fd, 12, 0)
    at = 12
    if head[:4] == b"RIFF" and head[8:] == b"WAVE":
        for _ in range(_CHUNKS_AT_MOST):
            header = os.pread(fd, _CHUNK.size, at)
            if len(header) < _CHUNK.size:
                return  # what is too short for a chunk is none
            name, length = _CHUNK.unpack(header)
            at += _CHUNK.size
            if name in (b"fmt ", b"data") and length > size - at:
                break
            yield name, at, length
            at += length + length % 2
    yield b"", at, 0
