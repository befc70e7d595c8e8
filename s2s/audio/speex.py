"""What of Speex in Ogg isn't the recording: encoder and decoder are late, and the last frame is filled up.

speexdec leaves that out, libav does not. Granule positions say how much: the first page counts from before zero by what
the encoder looks ahead, the last one's is the end (Speex manual 1.2, 5.3 and appendix A.1). Where the last frame is
full, what the decoder is late by (5 ms) never comes out of either.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer

Trim = Callable[[Iterable[AudioFrame]], Iterator[AudioFrame]]

_MODE: Final = struct.Struct("<40xi")  # in the header of 80 bytes
# Samples of narrow, wide and ultra-wide band: what libspeex 1.2 looks ahead, and by how much its decoder is late.
_LOOK_AHEAD: Final = (40, 143, 349)
_DECODERS_DELAY: Final = (40, 80, 160)


def trim(container: InputContainer, stream: AudioStream) -> Trim:
    """What gives the frames of `stream` without that; those of anything else as they are."""
    header = stream.codec_context.extradata or b""
    start, duration = stream.start_time, stream.duration
    is_speex = container.format.name == "ogg" and stream.codec_context.codec.canonical_name == "speex"
    if not is_speex or len(header) < _MODE.size or start is None or duration is None or start >= 0:
        return iter
    (mode,) = _MODE.unpack_from(header)
    if mode not in range(len(_LOOK_AHEAD)):
        return iter
    # The only page of a short recording is the last as well, and counts from before zero by its filling too.
    first = start + min(-start, _LOOK_AHEAD[mode]) + _DECODERS_DELAY[mode]
    end = first + duration + start
    return lambda frames: _between(frames, first, end)


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
