"""Who speaks where: the regions of a recording to the sample, and the voice of its conversion wherever none is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from conversions.models import Region
from voices.models import Endpoint

# Shorter than anything that can be said; and what is left between two regions where nobody says much.
LEAST_S: Final = 0.2
LEAST_BETWEEN_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice, and who makes it heard."""

    voice_id: int
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Passage:
    """From sample `start` up to `end` of the recording `speaker` speaks; None: it stays as it is."""

    start: int
    end: int
    speaker: Speaker | None
    channel: int | None = None


def channels_of(regions: Sequence[Region]) -> tuple[int | None, ...]:
    """Those that come back: both, or all of them mixed to one."""
    return (0, 1) if any(region.channel is not None for region in regions) else (None,)


def passages(
    regions: Sequence[Region],
    own: Speaker,
    samples: int,
    sample_rate_hz: int,
    is_pause: Callable[[Passage], bool] = lambda _between: False,
) -> list[Passage]:
    """All of a recording of so many `samples`, channel by channel, in order and without a gap.

    `regions` with their voices, and those with their endpoints. Where neighbours have the same voice they are one. What
    is too short to be spoken goes with what is before it, and so does what lies between two where `is_pause`: a call
    for it would bring nothing, or somebody who isn't there.
    """
    least, between = (round(seconds * sample_rate_hz) for seconds in (LEAST_S, LEAST_BETWEEN_S))
    found: list[Passage] = []
    for channel in channels_of(regions):
        marked = [region for region in regions if region.channel == channel]
        if not marked:
            found.append(Passage(0, samples, own, channel))
            continue
        covering = _covering(marked, own, channel, samples, sample_rate_hz)
        found += _joined(covering, least, between, is_pause)
    return found


def _covering(
    marked: Iterable[Region], own: Speaker, channel: int | None, samples: int, sample_rate_hz: int
) -> Iterator[Passage]:
    """What is between regions and a region in turn; some may be empty."""
    reached = 0
    for region in marked:
        start = min(max(reached, round(region.start_s * sample_rate_hz)), samples)
        end = samples if region.end_s is None else round(min(region.end_s * sample_rate_hz, samples))
        yield Passage(reached, start, own, channel)
        yield Passage(start, max(start, end), _speaker_of(region), channel)
        reached = max(start, end)
    yield Passage(reached, samples, own, channel)


def _speaker_of(region: Region) -> Speaker | None:
    return Speaker(region.voice.pk, region.voice.endpoint) if region.voice else None


def _joined(parts: Iterable[Passage], least: int, between: int, is_pause: Callable[[Passage], bool]) -> list[Passage]:
    found: list[Passage] = []
    first_is_nobodys = False
    for number, part in enumerate(parts):
        length, before = part.end - part.start, found[-1] if found else None
        if not length:
            continue
        is_same = before is not None and before.speaker == part.speaker
        # What is left as it is doesn't keep a word of who is to have another voice.
        shortest = between if number % 2 == 0 and before is not None and before.speaker is not None else least
        is_nobodys = length < shortest or (number % 2 == 0 and not is_same and is_pause(part))
        if before is None:
            first_is_nobodys = is_nobodys
            found.append(part)
        elif is_same or is_nobodys:
            first_is_nobodys = first_is_nobodys and is_nobodys
            found[-1] = replace(before, end=part.end)
        elif first_is_nobodys:
            first_is_nobodys = False
            found[-1] = replace(part, start=before.start)
        else:
            found.append(part)
    return found
