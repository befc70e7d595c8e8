"""What was unusual about a recording, in sentences: its page shows them, and the line of its timeline that it was read.

A sentence says what was found and what was made of it, so that nobody wonders why a result begins later, or is quieter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversions.durations import spoken_duration
from s2s.audio import Noticed

_PRECISE_BELOW_S = 60


def noticed_words(data: Mapping[str, Any], duration_s: float | None) -> list[str]:
    """One sentence each, of what `Noticed.as_json` has kept of a recording of this length."""
    found = Noticed.from_json(data)
    return [*filter(None, [missing_words(data, duration_s)]), *_of_time(found)]


def missing_words(data: Mapping[str, Any], duration_s: float | None) -> str:
    """Of a recording of which a part never arrived; else empty."""
    promised_s = Noticed.from_json(data).promised_s
    if promised_s is None or duration_s is None:
        return ""
    if promised_s < _PRECISE_BELOW_S:
        values = {"found": _precise(duration_s), "promised": _precise(promised_s)}
        return _("%(found)s of %(promised)s seconds are there; the rest of the file is missing.") % values
    values = {"found": spoken_duration(duration_s), "promised": spoken_duration(promised_s)}
    return _("%(found)s of %(promised)s are there; the rest of the file is missing.") % values


def there_words(seconds: float) -> str:
    """As exact as `missing_words`."""
    return _("%s seconds") % _precise(seconds) if seconds < _PRECISE_BELOW_S else spoken_duration(seconds)


def _of_time(found: Noticed) -> list[str]:
    words = []
    if found.lead_s:
        words.append(
            _("Its sound begins %(seconds)s s after its start; there is silence until then.")
            % {"seconds": _precise(found.lead_s)}
        )
    if found.gaps:
        words.append(
            ngettext(
                "%(seconds)s s of sound are missing in one place; there is silence instead.",
                "%(seconds)s s of sound are missing in %(gaps)s places; there is silence instead.",
                found.gaps,
            )
            % {"seconds": _precise(found.gaps_s), "gaps": found.gaps}
        )
    return words


def _precise(seconds: float) -> str:
    return number_format(round(seconds, 1), 1)
