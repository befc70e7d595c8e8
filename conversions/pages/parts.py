"""The page on which parts and speakers of a recording get voices: what it begins with, and what it will come to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversions.actions import MOST_REGIONS, SHORTEST_S, RegionOrder, not_installed_words, regions_of
from conversions.forms.parts import MOST_SPEAKERS, Begin, Parts, Wanted
from conversions.ledger.sums import credits_words
from conversions.models import Conversion, Diarization, Step
from conversions.queue.plan import portions
from conversions.words.durations import clock_duration
from s2s import speakers
from s2s.audio.portions import OVERLAP_S, pieces
from voices.models import Voice


@dataclass(frozen=True, slots=True)
class Search:
    """How far the search for speakers is. `state` is that of its step, "" where nobody has asked, or "impossible"."""

    state: str
    words: str
    has_found: bool = False  # somebody who speaks

    @property
    def is_under_way(self) -> bool:
        return self.state in (Step.Status.WAITING, Step.Status.RUNNING)


@dataclass(frozen=True, slots=True)
class Summary:
    """What will be done, and what it costs, a sentence each."""

    done: str
    costs: str


def search_of(conversion: Conversion) -> Search:
    """One query."""
    found = Diarization.objects.select_related("step").filter(conversion=conversion.pk).first()
    if found is None:
        return Search("", "") if speakers.is_installed() else Search("impossible", not_installed_words())
    match found.step.status:
        case Step.Status.WAITING:
            return Search(found.step.status, _("The search for speakers waits for its turn."))
        case Step.Status.RUNNING:
            return Search(found.step.status, _("Listening for who speaks when."))
        case Step.Status.DONE:
            count = len({who for _start, _end, who in found.turns})
            return Search(found.step.status, _found_words(count), has_found=count > 0)
        case _:
            words = _(
                "The speakers could not be found. %s Nothing else is touched; mark the parts yourself, or try again."
            )
            return Search(Step.Status.FAILED, words % found.error)


def _found_words(count: int) -> str:
    if not count:
        return _("Nobody was heard speaking. Mark the parts yourself.")
    words = ngettext(
        "%d speaker was found. Listen, correct what isn’t right, and choose a voice.",
        "%d speakers were found. Listen to each, correct what isn’t right, and choose their voices.",
        count,
    )
    return words % count


def begin_with_found(conversion: Conversion) -> Begin | None:
    """As the search for speakers has found them: each without a voice yet, and everything else left as it is. None
    while there is nothing. Of more parts than are taken the longest."""
    found = Diarization.objects.filter(conversion=conversion.pk, step__status=Step.Status.DONE).first()
    if found is None or not found.turns:
        return None
    longest = sorted(found.turns, key=lambda turn: turn[0] - turn[1])[:MOST_REGIONS]
    parts = [(start, end, min(who, MOST_SPEAKERS - 1)) for start, end, who in sorted(longest)]
    return Begin([("", "")] * (1 + max(who for _start, _end, who in parts)), parts)


def begin_with(conversion: Conversion, voices: Sequence[Voice]) -> Begin:
    """As the conversion was ordered; one without regions with its own voice for everything, and what
    nobody has ordered with none."""
    if conversion.unordered:
        return Begin()
    offered = {voice.pk for voice in voices}
    own = str(conversion.voice_id) if conversion.voice_id in offered else ""
    regions = regions_of(conversion) if conversion.in_regions else ()
    if not regions:
        return Begin(rest=own)
    if regions[0].channel is not None:
        return _by_channel(regions, offered)
    speakers: list[tuple[str, str]] = []
    parts: list[tuple[float, float | None, int]] = []
    rest = "" if any(not region.voice and not region.speaker for region in regions) else own
    for region in regions:
        if not region.voice and not region.speaker:
            continue  # what was left as it is between the others
        speaker = (region.speaker, _value(region.voice, offered))
        if speaker not in speakers:
            speakers.append(speaker)
        parts.append((region.start_s, region.end_s, speakers.index(speaker)))
    return Begin(speakers, parts, rest)


def lost_words(conversion: Conversion, voices: Sequence[Voice]) -> list[str]:
    """Which of the voices that it was ordered in can't be had any more: the page begins without them."""
    if conversion.unordered:
        return []
    spoken = [region.voice for region in regions_of(conversion)] if conversion.in_regions else [conversion.voice]
    lost = dict.fromkeys(voice.name for voice in spoken if voice and voice not in voices)
    return [_("The voice %s isn’t offered any more. Choose another one.") % name for name in lost]


def _by_channel(regions: Sequence[RegionOrder], offered: set[int]) -> Begin:
    of = {region.channel: _value(region.voice, offered) for region in reversed(regions)}
    return Begin(by="channels", left=of.get(0, ""), right=of.get(1, ""))


def _value(voice: Voice | None, offered: set[int]) -> str:
    return str(voice.pk) if voice and voice.pk in offered else ""


def summary_of(parts: Parts) -> Summary:
    """Of a valid form."""
    seconds = _seconds_of(parts.wanted, parts.length_s)
    names = [voice.name for voice in seconds]
    converted = sum(each.seconds for each in seconds.values())
    channels = len({region.channel for region in parts.wanted.regions})
    values = {
        "voices": ngettext("%d voice", "%d voices", len(names)) % len(names),
        "names": get_text_list(names, _("and")),
        "converted": clock_duration(converted),
        "length": clock_duration(parts.length_s),
    }
    if channels > 1:
        done = _("%(voices)s: %(names)s. Two channels of %(length)s make %(converted)s that is converted.")
    elif converted >= parts.length_s - 0.5:
        done = _("%(voices)s: %(names)s. All of it is converted, %(length)s.")
    else:
        done = _("%(voices)s: %(names)s. %(converted)s of %(length)s is converted; the rest stays as it is.")
    return Summary(done % values, _costs(seconds))


def converted_s(parts: Parts) -> float:
    """Of a valid form: how much is sent to endpoints, about."""
    return sum(each.sent_s for each in _seconds_of(parts.wanted, parts.length_s).values())


@dataclass(slots=True)
class _Spoken:
    """How long a voice speaks, and how much more is sent because pieces of it overlap where they are cut, at most."""

    seconds: float = 0.0
    twice_s: float = 0.0

    @property
    def sent_s(self) -> float:
        return self.seconds + self.twice_s


def _seconds_of(wanted: Wanted, length_s: float) -> dict[Voice, _Spoken]:
    """In the order in which they are marked; whoever speaks everywhere else comes last."""
    spoken: dict[Voice, _Spoken] = {region.voice: _Spoken() for region in wanted.regions if region.voice}
    for voice, stretches in groupby(_stretches(wanted, length_s), key=itemgetter(0)):
        seconds = sum(stretch for _voice, stretch in stretches)
        if voice is not None and seconds >= SHORTEST_S:
            found = spoken.setdefault(voice, _Spoken())
            found.seconds += seconds
            found.twice_s += _twice_s(voice, seconds)
    return {voice: found for voice, found in spoken.items() if found.seconds}


def _stretches(wanted: Wanted, length_s: float) -> Iterator[tuple[Voice | None, float]]:
    """Who speaks, and how long, one after the other; neighbours may be the same."""
    for channel in (0, 1) if wanted.regions[0].channel is not None else (None,):
        reached = 0.0
        for region in wanted.regions:
            if region.channel == channel:
                end = length_s if region.end_s is None else region.end_s
                yield from [(wanted.voice, region.start_s - reached)] if region.start_s > reached else []
                yield region.voice, end - region.start_s
                reached = end
        yield from [(wanted.voice, length_s - reached)] if length_s > reached else []
        yield None, 0.0  # the next channel is cut for itself


def _twice_s(voice: Voice, seconds: float) -> float:
    """Where its endpoint takes less at once."""
    limit = portions(voice.endpoint)
    if limit is None:
        return 0.0
    try:
        return 2 * OVERLAP_S * (pieces(seconds, limit.longest_s) - 1)
    except ValueError:
        return 0.0  # nothing is cut so short: it is refused


def _costs(seconds: dict[Voice, _Spoken]) -> str:
    billed = {voice: each for voice, each in seconds.items() if voice.endpoint.billed}
    if not billed:
        return _("It costs nothing.")
    if not all(voice.endpoint.credits_per_minute for voice in billed):
        return _("It costs credits.")
    words = _("It costs about %s.")
    if any(each.twice_s for each in billed.values()):
        words = _("It costs about %s, with what pieces have in common where they are joined.")
    return words % credits_words(math.ceil(sum(v.endpoint.price(each.sent_s) for v, each in billed.items())))
