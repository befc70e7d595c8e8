"""An hour of speech as people bring it, made in seconds: one minute is encoded and its packets are written sixty times.

What a decoder does follows the packets, not whether it has met them before.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.packet import Packet
from numpy.typing import NDArray

from s2s.audio import decode

MINUTES = 60
RATE_HZ = 48_000
VIDEO_BYTES = 2 * 1000**3
_PICTURES_PER_S = 25


def wav(path: Path, minute: NDArray[np.int16]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(minute.shape[1])
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        for _ in range(MINUTES):
            file.writeframesraw(minute.tobytes())


def encoded(path: Path, minute: NDArray[np.int16], *, container: str, codec: str) -> None:
    packets, template = _packets(minute, container, codec)
    with av.open(path, "w", format=container) as output:
        stream = output.add_stream_from_template(template)
        for packet in _repeated(packets):
            packet.stream = stream
            output.mux(packet)


def film(path: Path, minute: NDArray[np.int16]) -> None:
    """AAC between pictures of zeros, which take no room on the disk."""
    packets, template = _packets(minute, "mp4", "aac")
    picture = bytes(VIDEO_BYTES // (MINUTES * 60 * _PICTURES_PER_S))
    with path.open("wb", buffering=0) as file, av.open(_Sparse(file), "w", format="mp4") as output:
        video: Any = output.add_stream("mpeg4", rate=_PICTURES_PER_S)
        video.width, video.height, video.pix_fmt = 1920, 1080, "yuv420p"
        sound = output.add_stream_from_template(template)
        shown = 0
        for packet in _repeated(packets):
            while packet.dts * packet.time_base > Fraction(shown, _PICTURES_PER_S):
                frame = Packet(picture)
                frame.stream, frame.time_base = video, Fraction(1, _PICTURES_PER_S)
                frame.pts = frame.dts = shown
                frame.is_keyframe = True
                output.mux(frame)
                shown += 1
            packet.stream = sound
            output.mux(packet)


def minute_of_speech(sources: list[Path]) -> NDArray[np.int16]:
    """`(n, 2)`: the same voices on both sides, one a little behind the other, as a pair of microphones has them."""
    parts = []
    for source in sources:
        with source.open("rb") as file:
            parts += list(decode(file, sample_rate_hz=RATE_HZ))
    mono = np.resize(np.concatenate(parts), 60 * RATE_HZ)
    pair: NDArray[np.int16] = (np.stack([mono, 0.8 * np.roll(mono, 12)], 1) * 32767).astype("<i2")
    return pair


class _Sparse(io.RawIOBase):
    """A file in which zeros are holes."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if len(data) > 4096 and not bytes(data).strip(b"\0"):
            self._file.seek(len(data), io.SEEK_CUR)
            return len(data)
        return self._file.write(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _packets(minute: NDArray[np.int16], container: str, codec: str) -> tuple[list[Packet[Any]], Any]:
    sink = io.BytesIO()
    with av.open(sink, "w", format=container) as output:
        stream: Any = output.add_stream(codec, rate=RATE_HZ, layout="stereo")
        stream.bit_rate = 128_000
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(minute).reshape(1, -1), "s16", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, 0, Fraction(1, RATE_HZ)
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    sink.seek(0)
    source = av.open(sink)
    stream = source.streams.audio[0]
    return [packet for packet in source.demux(stream) if packet.size], stream


def _repeated(packets: list[Packet[Any]]) -> Iterator[Packet[Any]]:
    assert packets[0].time_base is not None
    at = 0
    for _ in range(MINUTES):
        for packet in packets:
            copy = Packet(bytes(packet))
            copy.time_base, copy.pts, copy.dts, copy.duration = packet.time_base, at, at, packet.duration
            at += packet.duration or 0
            yield copy
