"""The packet in which a moment of the time line lies, found without decoding what is before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from av.audio.stream import AudioStream
from av.packet import Packet

from s2s.audio.timeline import Placed, Timeline

if TYPE_CHECKING:
    AudioPacket = Packet[AudioStream]


# Containers without an index and without times, whose packets are found by counting all that lie before.
COUNTED: Final = ("mp3",)
_NOTED_EVERY_S: Final = 30.0
_BEFORE_S: Final = 0.2  # the first packets behind a jump aren't exact: libav takes the first for the recording's


class LostError(Exception):
    """A place in the recording can't be found by what it says about its times."""


class Found(NamedTuple):
    """The packets from the one that was looked for on, and where that one begins and what time it says."""

    packets: Iterator[AudioPacket]
    position_s: float
    time_s: float | None


class Place(NamedTuple):
    """Where a packet begins in the file, and its time, in the container's ticks and in milliseconds."""

    byte: int
    ticks: int
    time_ms: int


class Places:
    """Some of a recording's packets, one each half a minute, so that nobody who knows them counts from the beginning.

    `note` is given every packet, from the first on.
    """

    def __init__(self, container: str, tick_s: float) -> None:
        self.found: list[Place] = []
        self._tick_s = tick_s
        self._every = round(_NOTED_EVERY_S / tick_s) if container in COUNTED and tick_s else 0
        self._next = self._every

    def note(self, packet: AudioPacket) -> None:
        if self._every and packet.pts is not None and packet.pts >= self._next and packet.pos:
            self.found.append(Place(packet.pos, packet.pts, round(packet.pts * self._tick_s * 1000)))
            self._next = packet.pts + self._every


def nearest(places: Sequence[Place], moment_s: float) -> Place | None:
    """The last of `places` that lies far enough before a moment of the container's."""
    before = [place for place in places if place.time_ms / 1000 <= moment_s - _BEFORE_S]
    return before[-1] if before else None


def dated_from(place: Place, packets: Iterator[AudioPacket]) -> Iterator[AudioPacket]:
    """Packets from `place` on, with the times that they have counted from the beginning. Raises `LostError` where the
    first isn't there."""
    late: int | None = None
    for packet in packets:
        if late is None:
            if packet.pos != place.byte or packet.pts is None or not _is_frame(packet):
                raise LostError
            late = place.ticks - packet.pts
        if packet.pts is not None:
            packet.pts = packet.dts = packet.pts + late
        yield packet


def _is_frame(packet: AudioPacket) -> bool:
    """By what each begins with (ISO/IEC 11172-3, 2.4.1.3)."""
    head = bytes(packet)[:2]
    return len(head) == 2 and head[0] == 0xFF and head[1] >= 0xE0


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
