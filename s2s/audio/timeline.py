"""Where sound lies by its own timestamps: what is silent before it, and where its end is. Knows no container.

A decoder gives samples one after the other, whatever the times say that came with them. Played like that a late start
is early, and everything behind a hole of lost packets slides forward. Times can't be followed to the letter either:
recorders' clocks jitter by half a packet (Chromium's MediaRecorder: 0, 51, 120, 171 ms), are rounded to milliseconds
(Matroska, FLV), creep away from the sound card's, and begin again where somebody joined two files. So sound goes on
where it is unless its times say otherwise, by more than jitter and for longer than a moment.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

# Sound that is early by less than 40 ms isn't seen to be (EBU R37). Jitter is within half a packet.
_TOLERANCE_S: Final = 0.03
_TOLERANCE_PACKETS: Final = 0.75
# What stays for fewer packets isn't believed. A recorder that was held up makes up for it within two or three.
_BELIEVED: Final = 8
_BELIEVED_AT_END: Final = 2
# Sound cards are off by less than a thousandth. What creeps like that is followed, and nothing is put right.
_CREEP: Final = 0.002
# Less is a rounded timestamp.
LEAST_LEAD_S: Final = 0.002
HOUR_S: Final = 3600.0

T = TypeVar("T")


class Placed(NamedTuple, Generic[T]):
    """`sound`, how many samples of silence lie before it, and how many at its beginning and end aren't heard."""

    silence: int
    sound: T
    first: int = 0
    cut: int = 0


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a time line begins in the file's time, and what of its times is believed.

    `at_s` None is the first time there is, so there is no lead. No hole is longer than `longest_hole_s`, no lead longer
    than `longest_lead_s`: times that say more are those of another clock. Of a first piece that begins before zero up
    to `early_s` are left out.
    """

    at_s: float | None = None
    longest_hole_s: float = HOUR_S
    longest_lead_s: float = HOUR_S
    early_s: float = 0.0


@dataclass(slots=True)
class _Doubted(Generic[T]):
    sound: T
    samples: int
    rate_hz: int
    ahead_s: float  # how much later than where it would lie


class Timeline(Generic[T]):
    """Places pieces of sound, each with the time in the file that it says. Every one comes back once, and in order.

    `lead_s`, `holes` and `holes_s` count what was put in. Eight pieces at most are held back.
    """

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._base_s: float | None = None  # the file's time minus ours
        self._doubted: list[_Doubted[T]] = []
        self._rooted = True
        self.position_s = 0.0  # where what was given back ends
        self.lead_s = 0.0
        self.holes = 0
        self.holes_s = 0.0

    def place(self, sound: T, time_s: float | None, samples: int, rate_hz: int) -> list[Placed[T]]:
        """Take `sound` of `samples` at `rate_hz`, of which the file says `time_s`; give what is certain by now."""
        base_s = self._base_s
        if base_s is None:
            return [self._begin(sound, time_s, samples, rate_hz)]
        length_s = samples / rate_hz
        if not self._doubted:
            ahead_s = 0.0 if time_s is None else time_s - base_s - self.position_s
            if -_TOLERANCE_S <= ahead_s <= _TOLERANCE_S or abs(ahead_s) <= _TOLERANCE_PACKETS * length_s:
                self._creep(ahead_s, length_s)
                self.position_s += length_s
                return [Placed(0, sound)]
        end_s = self.position_s + sum(doubted.samples / doubted.rate_hz for doubted in self._doubted)
        ahead_s = self._doubted[-1].ahead_s if time_s is None else time_s - base_s - end_s
        self._doubted.append(_Doubted(sound, samples, rate_hz, ahead_s))
        return list(self._settled(_BELIEVED))

    def go_on(self, first_s: float | None, last_s: float | None, samples: int, last: int, rate_hz: int) -> bool:
        """Whether pieces of `samples` in all go on where they are, by the times of the first and the last of them.

        Then that is where they lie, and nobody needs to place each. The last has `last` samples.
        """
        if self._base_s is None or self._doubted:
            return False
        length_s = samples / rate_hz
        expected_s = self._base_s + self.position_s
        most_s = max(_TOLERANCE_S, _TOLERANCE_PACKETS * last / rate_hz)
        ahead_s = 0.0
        if first_s is not None and abs(first_s - expected_s) > most_s:
            return False
        if last_s is not None:
            ahead_s = last_s - expected_s - (samples - last) / rate_hz
            if abs(ahead_s) > most_s:
                return False
        self._creep(ahead_s, length_s)
        self.position_s += length_s
        return True

    def finish(self) -> list[Placed[T]]:
        """What is left when there is no more."""
        return list(self._settled(_BELIEVED_AT_END, whole=True))

    @property
    def base_s(self) -> float:
        """The file's time minus ours, as far as it is known."""
        return 0.0 if self._base_s is None else self._base_s

    def begin_at(self, base_s: float, position_s: float) -> None:
        """Go on at `position_s`, where the file says `base_s` more: what lies before is left out."""
        self._base_s = base_s
        self.position_s = position_s

    def _begin(self, sound: T, time_s: float | None, samples: int, rate_hz: int) -> Placed[T]:
        silence = first = 0
        if time_s is None:
            self._rooted = False  # what comes first has no time: nobody knows how late it is
        else:
            lead_s = time_s - self._origin.at_s if self._rooted and self._origin.at_s is not None else 0.0
            if LEAST_LEAD_S < lead_s <= self._origin.longest_lead_s:
                silence = round(lead_s * rate_hz)
                self.lead_s = self.position_s = silence / rate_hz
            elif -self._origin.early_s <= lead_s < 0:
                first = min(round(-lead_s * rate_hz), samples)
            self._base_s = time_s + first / rate_hz - self.position_s
        self.position_s += (samples - first) / rate_hz
        return Placed(silence, sound, first)

    def _creep(self, ahead_s: float, length_s: float) -> None:
        assert self._base_s is not None
        most_s = _CREEP * length_s
        self._base_s += min(max(ahead_s, -most_s), most_s)

    def _settled(self, believed: int, *, whole: bool = False) -> Iterator[Placed[T]]:
        while self._doubted and (whole or len(self._doubted) >= believed):
            silence = self._decide() if len(self._doubted) >= believed else 0
            yield self._release(silence)
            while self._doubted and not self._is_doubtful(self._doubted[0]):
                yield self._release(0)

    def _decide(self) -> int:
        """Samples of silence before the first that is doubted: what all of them agree on."""
        assert self._base_s is not None
        first = self._doubted[0]
        least_s = min(doubted.ahead_s for doubted in self._doubted)
        most_s = max(doubted.ahead_s for doubted in self._doubted)
        tolerance_s = _tolerance_s(first)
        silence = 0
        if least_s > tolerance_s:
            moved_s = least_s
            if moved_s <= self._origin.longest_hole_s:
                silence = round(moved_s * first.rate_hz)
                self.holes += 1
                self.holes_s += silence / first.rate_hz
                self.position_s += silence / first.rate_hz
                self._base_s += moved_s - silence / first.rate_hz
            else:
                self._base_s += moved_s
        elif most_s < -tolerance_s:
            moved_s = most_s
            self._base_s += moved_s
        else:
            return 0
        for doubted in self._doubted:
            doubted.ahead_s -= moved_s
        return silence

    def _is_doubtful(self, piece: _Doubted[T]) -> bool:
        return abs(piece.ahead_s) > _tolerance_s(piece)

    def _release(self, silence: int) -> Placed[T]:
        piece = self._doubted.pop(0)
        self.position_s += piece.samples / piece.rate_hz
        return Placed(silence, piece.sound)


def _tolerance_s(piece: _Doubted[T]) -> float:
    return max(_TOLERANCE_S, _TOLERANCE_PACKETS * piece.samples / piece.rate_hz)


def beyond(end_s: float, position_s: float, samples: int, rate_hz: int) -> int:
    """Samples of the last piece, which ends at `position_s`, that lie behind `end_s`.

    0 where that would be all of it or more: codecs fill up their last frame, so an end that is farther away is an end
    of something else.
    """
    if not math.isfinite(end_s):
        return 0
    excess = round((position_s - end_s) * rate_hz)
    return excess if 0 < excess < samples else 0
