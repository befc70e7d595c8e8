"""The packet in which a moment of the time line lies, found without decoding what is before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from av.audio.stream import AudioStream
from av.packet import Packet

from s2s.audio.timeline import Placed, Timeline

if TYPE_CHECKING:
    AudioPacket = Packet[AudioStream]


class LostError(Exception):
    """A place in the recording can't be found by what it says about its times."""


class Found(NamedTuple):
    """The packets from the one that was looked for on, and where that one begins and what time it says."""

    packets: Iterator[AudioPacket]
    position_s: float
    time_s: float | None


class Lengths(NamedTuple):
    """How long packets are: all of `even_samples`, or as they say themselves, in units of `tick_s`."""

    rate_hz: int
    even_samples: int
    tick_s: float

    def samples(self, packet: AudioPacket) -> int:
        if self.even_samples:
            return self.even_samples
        return round((packet.duration or 0) * self.tick_s * self.rate_hz)


def find(
    packets: Iterable[AudioPacket], line: Timeline[AudioPacket], base_s: float, wanted_s: float, lengths: Lengths
) -> Found | None:
    """Places all of `packets`, the first of them by `base_s` (the file's time minus ours); None beyond their end.

    So it finds what times that jump or begin again can't tell. Raises `LostError` where packets don't know how long
    they are.
    """
    placed = _placed(packets, line, base_s, lengths)
    position_s: float | None = None
    for piece in placed:
        packet = piece.sound
        if position_s is None:
            position_s = 0.0 if packet.pts is None else packet.pts * lengths.tick_s - base_s
        begins_s = position_s + piece.silence / lengths.rate_hz
        position_s = begins_s + lengths.samples(packet) / lengths.rate_hz
        if position_s > wanted_s:
            rest = (later.sound for later in placed)
            return Found(_and_then(packet, rest), begins_s, _time_s(packet, lengths))
    return None


def not_before(moment_s: float, packets: Iterable[AudioPacket]) -> Iterator[AudioPacket]:
    """Those that end later by their own times, or don't say when they do."""
    return (packet for packet in packets if not ends_before(packet, moment_s))


def ends_before(packet: AudioPacket, moment_s: float) -> bool:
    """False for one that doesn't say its time."""
    if packet.pts is None or packet.time_base is None:
        return False
    return (packet.pts + (packet.duration or 0)) * packet.time_base < moment_s


def _placed(
    packets: Iterable[AudioPacket], line: Timeline[AudioPacket], base_s: float, lengths: Lengths
) -> Iterator[Placed[AudioPacket]]:
    begun = False
    for packet in packets:
        if packet.size == 0:  # the flushing one
            break
        time_s, samples = _time_s(packet, lengths), lengths.samples(packet)
        if samples == 0:
            raise LostError
        if not begun:
            line.begin_at(base_s, 0.0 if time_s is None else time_s - base_s)
            begun = True
        yield from line.place(packet, time_s, samples, lengths.rate_hz)
    yield from line.finish()


def _time_s(packet: AudioPacket, lengths: Lengths) -> float | None:
    return None if packet.pts is None else packet.pts * lengths.tick_s


def _and_then(first: AudioPacket, rest: Iterator[AudioPacket]) -> Iterator[AudioPacket]:
    yield first
    yield from rest
