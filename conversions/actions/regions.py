"""Regions of a recording as they are ordered: who speaks where. What becomes of them is decided in `queue/plan.py`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from conversions.models import Conversion, Region
from conversions.words.durations import clock_duration
from s2s.contract import ConvertParameters
from voices import abilities
from voices.models import NAME_CHARACTERS, Voice

SHORTEST_S: Final = 0.2  # a "yes"
SPEAKER_CHARACTERS: Final = 80
MOST_REGIONS: Final = 1000  # an hour of talk has about 500 turns
_LONGEST_S: Final = 1e6  # eleven days: no recording is as long
_CHANNELS: Final = (None, 0, 1)


@dataclass(frozen=True, slots=True)
class RegionOrder:
    """From `start_s` up to `end_s` in seconds of the recording (None: to its end) `voice` speaks; None: it stays as it
    is, bit by bit apart from the result's encoding.

    `channel` None means all of them, mixed to one. 0 and 1 are the left and the right one of a stereo recording, whose
    result is stereo then. One order has regions of the one kind or of the other, those of a channel one after another.
    `speaker` is a name for people, or empty. Where no region is, the voice of the conversion speaks, in each channel.
    """

    start_s: float
    end_s: float | None = None
    channel: int | None = None
    voice: Voice | None = None
    speaker: str = ""


def channels_of(regions: Sequence[RegionOrder]) -> int:
    """How many come back."""
    return 2 if any(region.channel is not None for region in regions) else 1


def facts_of(region: RegionOrder) -> tuple[object, ...]:
    """What tells one order from another."""
    voice = region.voice.pk if region.voice else None
    return region.start_s, region.end_s, region.channel, voice, region.speaker


def regions_of(conversion: Conversion) -> tuple[RegionOrder, ...]:
    """As they were ordered: a further take begins with them."""
    return tuple(
        RegionOrder(each.start_s, each.end_s, each.channel, each.voice, each.speaker)
        for each in conversion.regions.select_related("voice__endpoint")
    )


def fitting(parameters: ConvertParameters, voices: Iterable[Voice]) -> ConvertParameters:
    """What regions in these voices can have of what was once wished for all of a recording. Of a take that nobody is
    asked about it again: its speed is 1, and what none of their endpoints has is left out. One query."""
    able = list(abilities.of({voice.endpoint for voice in voices}).values())
    model, lost = parameters.model_id or "", {"speed"}
    if all(abilities.NOISE in one.lacks(model) for one in able):
        lost.add(abilities.NOISE)
    if not any(model in one.models for one in able):
        lost.add("model_id")
    return parameters.without(lost)


def wrong_with(
    regions: Sequence[RegionOrder], parameters: ConvertParameters, length_s: float | None = None
) -> list[tuple[str, str]]:
    """What can't be had of them, as `RefusedError` takes it. `length_s`: of the recording, where it is known."""
    if not regions:
        return []
    speed = parameters.voice_settings.speed if parameters.voice_settings else None
    words = [*_wrong_with_all(regions), *_wrong_voices(regions)]
    if speed not in (None, 1.0):
        words.append(_("With regions everything stays in its time. Set the speed to 1, or remove the regions."))
    for number, region in enumerate(regions, 1):
        words += _wrong_with_one(number, region, length_s)
    for _channel, of_channel in groupby(sorted(enumerate(regions, 1), key=_channel_of), key=_channel_of):
        words += _out_of_order(list(of_channel))
    return [("regions", each) for each in words]


def _channel_of(numbered: tuple[int, RegionOrder]) -> int:
    channel = numbered[1].channel
    return -1 if channel is None else channel


def _wrong_with_all(regions: Sequence[RegionOrder]) -> Iterable[str]:
    if len(regions) > MOST_REGIONS:
        values = {"count": len(regions), "most": MOST_REGIONS}
        yield _("These are %(count)d regions, and at most %(most)d are taken.") % values
    if len({region.channel is None for region in regions}) > 1:
        yield _("Mark regions of the whole recording, or of its left and its right channel, but not both.")


def _wrong_voices(regions: Sequence[RegionOrder]) -> Iterable[str]:
    for voice in dict.fromkeys(region.voice for region in regions if region.voice is not None):
        if voice.hidden or not voice.endpoint.enabled:
            yield _("The voice %s isn’t offered any more. Choose another one for its regions.") % voice.name


def _wrong_with_one(number: int, region: RegionOrder, length_s: float | None) -> Iterable[str]:
    values: dict[str, object] = {"number": number, "shortest": SHORTEST_S}
    end_s = math.inf if region.end_s is None else region.end_s
    if region.channel not in _CHANNELS:
        yield _("Region %(number)d is of a channel that no recording has.") % values
    if not 0 <= region.start_s <= _LONGEST_S or not (region.end_s is None or end_s <= _LONGEST_S):
        yield _("Nobody can tell where region %(number)d begins and ends.") % values
    elif end_s - region.start_s < SHORTEST_S - 1e-9:
        yield _("Region %(number)d ends before it begins, or is shorter than %(shortest)s seconds.") % values
    elif length_s is not None and region.start_s > length_s - SHORTEST_S:
        values["length"] = clock_duration(length_s)
        yield _("Region %(number)d begins where the recording, which is %(length)s long, has ended.") % values


def _out_of_order(regions: Sequence[tuple[int, RegionOrder]]) -> Iterable[str]:
    for (one, before), (other, after) in pairwise(regions):
        if before.end_s is None or after.start_s < before.end_s - 1e-9:
            values = {"one": one, "other": other}
            yield _("Regions %(one)d and %(other)d overlap or stand in the wrong order.") % values


def rows_of(conversion: Conversion, regions: Sequence[RegionOrder]) -> list[Region]:
    """What is kept of them: of zero retention, no names."""
    return [
        Region(
            conversion=conversion,
            position=position,
            start_s=each.start_s,
            end_s=each.end_s,
            channel=each.channel,
            voice=each.voice,
            voice_name=each.voice.name if each.voice else "",
            voice_stored_settings=each.voice.settings if each.voice else {},
            speaker="" if conversion.zero_retention else _cleaned(each.speaker),
        )
        for position, each in enumerate(regions)
    ]


def voices_of(voice: Voice, regions: Sequence[RegionOrder]) -> list[Voice]:
    """`voice`, and those of the regions."""
    return [voice, *(region.voice for region in regions if region.voice is not None)]


def names_of(voice: Voice, regions: Sequence[RegionOrder]) -> str:
    """All who speak, where `voice` does wherever no region is."""
    voices = [region.voice for region in regions if region.voice is not None]
    if not _cover_all(regions):
        voices.insert(0, voice)
    names = list(dict.fromkeys(each.name for each in voices)) or [voice.name]
    all_names = names[0] if len(names) == 1 else get_text_list(names, _("and"))
    return all_names if len(all_names) <= NAME_CHARACTERS else all_names[: NAME_CHARACTERS - 1] + "…"


def _cover_all(regions: Sequence[RegionOrder]) -> bool:
    """Whether nothing is left between them, whatever length the recording has."""
    if not regions:
        return False
    channels = (None,) if regions[0].channel is None else (0, 1)
    for channel in channels:
        reached_s: float | None = 0.0
        for region in regions:
            if region.channel == channel and reached_s is not None and region.start_s <= reached_s:
                reached_s = region.end_s
        if reached_s is not None:
            return False
    return True


def _cleaned(name: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())[:SPEAKER_CHARACTERS]
