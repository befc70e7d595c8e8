"""What of the sound in an Ogg isn't the recording: what its codec is late by, and what fills up the last frame.

Granule positions say it: the first page counts from before zero by what the encoder looks ahead, the last one's is the
end. libav goes by them for Opus and FLAC, and for Vorbis of more than one page: of a shorter one it cuts off a block
too much, or nothing. For Speex it doesn't; speexdec does (Speex manual 1.2, 5.3 and appendix A.1). Where the last frame
of Speex is full, what the decoder is late by (5 ms) never comes out of either.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import av
from av.audio.frame import AudioFrame
from av.codec.context import Flags2

from s2s.audio.ogg import has_one_page
from s2s.audio.opening import Input, Reading

Trim = Callable[[Iterable[AudioFrame]], Iterator[AudioFrame]]

_MODE: Final = struct.Struct("<40xi")  # in Speex's header of 80 bytes
# Samples of narrow, wide and ultra-wide band: what libspeex 1.2 looks ahead, and by how much its decoder is late.
_LOOK_AHEAD: Final = (40, 143, 349)
_DECODERS_DELAY: Final = (40, 80, 160)


def trim(source: Input, reading: Reading) -> Trim:
    """What gives the frames of `reading` without that, others as they are. Before its decoder is used."""
    container, stream = reading.container, reading.stream
    codec = stream.codec_context.codec.canonical_name
    start, duration = stream.start_time, stream.duration
    if container.format.name != "ogg" or start is None or duration is None:
        return iter
    if codec == "vorbis" and has_one_page(source.peek):
        reading.decoder.flags2 |= Flags2.skip_manual.value
        return _Vorbis(duration)
    header = stream.codec_context.extradata or b""
    if codec != "speex" or len(header) < _MODE.size or not 0 < -start < duration:
        return iter
    (mode,) = _MODE.unpack_from(header)
    if mode not in range(len(_LOOK_AHEAD)):
        return iter
    # The only page of a short recording is the last as well, and counts from before zero by its filling too.
    first = start + min(-start, _LOOK_AHEAD[mode]) + _DECODERS_DELAY[mode]
    end = first + duration + start
    return lambda frames: _between(frames, first, end)


class _Vorbis:
    """The first frame is half of a block, and no sound. Of a recording of one page libav counts it as if it were."""

    def __init__(self, duration: int) -> None:
        self._duration = duration
        self._first: int | None = None

    def __call__(self, frames: Iterable[AudioFrame]) -> Iterator[AudioFrame]:
        for frame in frames:
            if self._first is None and frame.pts is not None:
                self._first = frame.pts + frame.samples
            yield from _between([frame], self._first or 0, (self._first or 0) + self._duration)


def _between(frames: Iterable[AudioFrame], first: int, end: int) -> Iterator[AudioFrame]:
    for frame in frames:
        if frame.pts is None:
            yield frame
            continue
        begin, stop = max(0, first - frame.pts), min(frame.samples, end - frame.pts)
        if begin == 0 and stop == frame.samples:
            yield frame
        elif begin < stop:
            yield _part(frame, begin, stop)


def _part(frame: AudioFrame, begin: int, stop: int) -> AudioFrame:
    assert frame.pts is not None
    channels = 1 if frame.format.is_planar else frame.layout.nb_channels
    samples = frame.to_ndarray()[:, begin * channels : stop * channels]
    part = av.AudioFrame.from_ndarray(samples.copy(), frame.format.name, frame.layout.name)
    part.sample_rate, part.pts, part.time_base = frame.sample_rate, frame.pts + begin, frame.time_base
    return part
