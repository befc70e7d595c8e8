"""What of a recording in pieces stays as it is: it was neither sent nor paid for, and is heard from the recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conversions.models import Conversion, Step
from conversions.words.durations import clock_duration
from conversions.words.speakers import channel_words


@dataclass(frozen=True, slots=True)
class Kept:
    """A stretch of it, in seconds of the recording."""

    start_s: float
    end_s: float
    channel: int | None

    @property
    def span(self) -> str:
        return f"{clock_duration(self.start_s)} – {clock_duration(self.end_s)}"

    @property
    def who(self) -> str:
        return channel_words(self.channel)


def kept_between(conversion: Conversion, pieces: Sequence[Step]) -> Iterator[Kept]:
    """Whatever no piece has, channel by channel, in order."""
    rate_hz, length = conversion.source_rate_hz or 1, conversion.source_samples or 0
    for channel in (0, 1) if conversion.output_channels == 2 else (None,):
        places = sorted((step.start_sample, step.end_sample or length) for step in pieces if step.channel == channel)
        reached = 0
        for start, end in [*places, (length, length)]:
            if start > reached:
                yield Kept(reached / rate_hz, start / rate_hz, channel)
            reached = max(reached, end)
