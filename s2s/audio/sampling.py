"""Places out of a recording that has to be decoded, to be listened to. Runs only in a worker, behind its limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias

import av.error
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container.core import Flags
from av.packet import Packet
from numpy.typing import NDArray

from s2s.audio.mixing import Mix
from s2s.audio.opening import Reading, packets, raise_if_memory
from s2s.audio.places import PLACE_S, listened
from s2s.audio.planes import channels
from s2s.audio.reading import Recording
from s2s.audio.runs import kind
from s2s.audio.seeking import ends_before

Samples = NDArray[np.float32]
Packets: TypeAlias = "Iterator[Packet[AudioStream]]"  # not a generic type at run time

_SETTLING_S: Final = 0.1  # a codec may say nothing, or half of it, where it begins


def listen(opened: Callable[[], Reading], recording: Recording, reading: Reading | None = None) -> Mix:
    """How what sounds like the first frame of `recording` is mixed. `opened` opens the same file anew.

    `reading` of it that is already open is used up first.
    """
    first = recording.first
    sampler = _Sampler(opened, reading, first, recording.full_scale)
    names = [channel.name for channel in first.layout.channels]
    return listened(names, first.sample_rate, recording.said_duration_s, sampler.at, sampler.everything)


class _Sampler:
    """Reads forward only, so that no round reads more than the file has."""

    def __init__(
        self, opened: Callable[[], Reading], reading: Reading | None, first: AudioFrame, full_scale: float
    ) -> None:
        self._opened = opened
        self._reading = reading
        self._full_scale = full_scale
        self._kind, self._rate_hz = kind(first), first.sample_rate
        self._can_seek = True

    def at(self, moments: Iterable[float]) -> Iterator[Samples]:
        reading, self._reading = self._reading or self._opened(), None
        stream = reading.stream
        assert stream.time_base is not None
        # Places of an MP3 by its size and its length, without reading all that lies before them.
        reading.container.flags |= Flags.fast_seek.value  # type: ignore[operator]  # a number, whatever stubs say
        origin_s = float((stream.start_time or 0) * stream.time_base)
        rest, heard_s = packets(reading), -1.0
        for moment in moments:
            if moment < heard_s:  # there was nothing at an earlier place, so that it went on to this one
                continue
            begin_s = origin_s + moment
            if self._can_seek and moment > _SETTLING_S + PLACE_S:
                self._can_seek = _sought(reading, begin_s - _SETTLING_S)
                rest = packets(reading) if self._can_seek else rest
            place = self._place(reading.decoder, rest, begin_s)
            if not place:
                break
            heard_s = (place[-1].time or 0.0) - origin_s
            yield channels(place, self._full_scale)
        reading.container.close()

    def everything(self) -> Iterator[Samples]:
        reading = self._opened()
        rest = packets(reading)
        while place := self._place(reading.decoder, rest):
            yield channels(place, self._full_scale)
        reading.container.close()

    def _place(self, decoder: AudioCodecContext, rest: Packets, begin_s: float = -math.inf) -> list[AudioFrame]:
        """Frames from `begin_s` on, as much as a place; none at the end. What can't be decoded is left out."""
        found: list[AudioFrame] = []
        missing = round(PLACE_S * self._rate_hz)
        for packet in rest:
            if begin_s > -math.inf and ends_before(packet, begin_s - _SETTLING_S):
                continue
            for frame in decoded(decoder, packet):
                if frame.time is not None and frame.time < begin_s:
                    continue
                if kind(frame) == self._kind:
                    found.append(frame)
                    missing -= frame.samples
            if missing <= 0:
                break
        return found


def _sought(reading: Reading, moment_s: float) -> bool:
    assert reading.stream.time_base is not None
    try:
        reading.container.seek(round(moment_s / reading.stream.time_base), stream=reading.stream)
    except av.error.FFmpegError as error:
        raise_if_memory(error)
        return False
    reading.decoder.flush_buffers()
    return True


def decoded(decoder: AudioCodecContext, packet: Packet[AudioStream]) -> list[AudioFrame]:
    """What can be decoded."""
    try:
        frames = decoder.decode(packet)
    except av.error.FFmpegError as error:
        raise_if_memory(error)
        return []
    return [frame for frame in frames if isinstance(frame, AudioFrame) and frame.samples > 0]
