"""What was unusual about a recording, in sentences: its page shows them, and the line of its timeline that it was read.

A sentence says what was found and what was made of it, so that nobody wonders why a result begins later, or is quieter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.text import get_text_list
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from conversions.words.durations import spoken_duration
from s2s.audio import Noticed
from s2s.audio.noticed import Track

_PRECISE_BELOW_S = 60
_LEAST_SAID_S = 0.1  # nothing is missing for 0.0 s


def noticed_words(data: Mapping[str, object], duration_s: float | None, *, apart: bool = False) -> list[str]:
    """One sentence each, of what `Noticed.as_json` has kept of a recording of this length. `apart`: each of its
    channels has a voice, and they aren't mixed; how they would be is no news then."""
    found = Noticed.from_json(data)
    missing = filter(None, [missing_words(data, duration_s)])
    return [*missing, *_of_tracks(found), *_of_time(found), *_of_level(found, apart=apart)]


def missing_words(data: Mapping[str, object], duration_s: float | None) -> str:
    """Of a recording of which a part never arrived; else empty."""
    promised_s = Noticed.from_json(data).promised_s
    if promised_s is None or duration_s is None:
        return ""
    if promised_s < _PRECISE_BELOW_S:
        values = {"found": _precise(duration_s), "promised": _precise(promised_s)}
        return _("%(found)s of %(promised)s seconds are there; the rest of the file is missing.") % values
    values = {"found": spoken_duration(duration_s), "promised": spoken_duration(promised_s)}
    return _("%(found)s of %(promised)s are there; the rest of the file is missing.") % values


@dataclass(frozen=True, slots=True)
class OtherTrack:
    """A sound track of the file that wasn't read."""

    index: int
    number: int
    words: str


def other_tracks(data: Mapping[str, object]) -> list[OtherTrack]:
    """What else could be converted."""
    found = Noticed.from_json(data)
    others = [track for track in found.tracks if track.index != found.track]
    return [OtherTrack(track.index, track.index + 1, _track_words(track)) for track in others]


def track_words(data: Mapping[str, object], index: int) -> str:
    """A track's number, its language and its name; empty where the file has no such one."""
    for track in Noticed.from_json(data).tracks:
        if track.index == index:
            return _("Track %s") % _track_words(track)
    return ""


def _track_words(track: Track) -> str:
    name = f"“{track.title}”" if track.title else ""
    return " ".join(filter(None, [str(track.index + 1), _language(track.language), name]))


def _language(code: str) -> str:
    """Its name by Unicode's CLDR, which knows the codes of ISO 639 by their short forms; else the code."""
    if not code:
        return ""
    from babel import Locale  # two megabytes, for few recordings
    from babel.core import get_global

    first = code.partition("-")[0]
    names = Locale.parse(get_language() or "en", sep="-").languages
    name: str = names.get(get_global("language_aliases").get(first, first), code)
    return name


def _of_tracks(found: Noticed) -> Iterator[str]:
    if found.tracks:
        used = _("%s (used)")
        tracks = [used % words if is_used else words for words, is_used in _listed(found)]
        yield _("This file has %(count)s sound tracks: %(tracks)s.") % {
            "count": len(tracks),
            "tracks": ", ".join(tracks),
        }


def _listed(found: Noticed) -> Iterator[tuple[str, bool]]:
    for track in found.tracks:
        yield _track_words(track), track.index == found.track


def there_words(seconds: float) -> str:
    """As exact as `missing_words`."""
    return _("%s seconds") % _precise(seconds) if seconds < _PRECISE_BELOW_S else spoken_duration(seconds)


def _of_time(found: Noticed) -> list[str]:
    words = []
    if found.lead_s:
        words.append(
            _("Its sound begins %(seconds)s s after its start; there is silence until then.")
            % {"seconds": _precise(max(found.lead_s, _LEAST_SAID_S))}
        )
    if found.gaps:
        words.append(
            ngettext(
                "%(seconds)s s of sound are missing in one place; there is silence instead.",
                "%(seconds)s s of sound are missing in %(gaps)s places; there is silence instead.",
                found.gaps,
            )
            % {"seconds": _precise(max(found.gaps_s, _LEAST_SAID_S)), "gaps": found.gaps}
        )
    if found.stretches:
        words.append(
            _("It was cut: its %(stretches)s stretches are heard as its edit list has them.")
            % {"stretches": found.stretches}
        )
    return words


def _of_level(found: Noticed, *, apart: bool) -> Iterator[str]:
    if found.channels == 2:
        yield from () if apart else _of_two_channels(found)
    elif found.channels:
        used = [str(channel) for channel in found.channels_used]
        values = {"channels": get_text_list(used, _("and"))}
        match found.channels_why:
            case "cancel":
                words = ngettext(
                    "Channels cancel each other: channel %(channels)s was used.",
                    "Channels cancel each other: channels %(channels)s were used.",
                    len(used),
                )
            case "silent":
                words = ngettext(
                    "Only channel %(channels)s has sound: it keeps its level.",
                    "Only channels %(channels)s have sound: each keeps its level.",
                    len(used),
                )
            case _:
                words = _("Channels %(channels)s have different sound: each keeps its level.")
        yield words % values
    if found.scaled_db:
        yield _("Made %(level)s dB quieter, so that its loudest places are not distorted.") % {
            "level": _precise(found.scaled_db)
        }


def _of_two_channels(found: Noticed) -> Iterator[str]:
    is_left = found.channels_used[:1] == (1,)
    match found.channels_why:
        case "cancel":
            left = _("Channels 1 and 2 cancel each other: the left one was used.")
            yield left if is_left else _("Channels 1 and 2 cancel each other: the right one was used.")
        case "silent":
            left = _("Only the left channel has sound: it keeps its level.")
            yield left if is_left else _("Only the right channel has sound: it keeps its level.")
        case _:
            yield _("Each channel has sound of its own: both keep their level.")


def _precise(seconds: float) -> str:
    return number_format(round(seconds, 1), 1)
