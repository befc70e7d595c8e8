"""Events in words."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conversions.models import Conversion, Event
from conversions.words.durations import spoken_duration
from conversions.words.lengths import odd_length_words
from conversions.words.noticed import noticed_words

_SENTENCES: dict[str, Any] = {
    Event.Kind.SUBMITTED: gettext_lazy("%(who)s uploaded %(name)s for %(voice)s"),
    Event.Kind.PREPARED: gettext_lazy("Read: %(length)s of sound"),
    Event.Kind.SENT: gettext_lazy("Sent to %(endpoint)s"),
    Event.Kind.CONVERTED: gettext_lazy("Converted to %(voice)s"),
    Event.Kind.ADOPTED: gettext_lazy("The result of an interrupted attempt was found and used"),
    Event.Kind.LOOKED_UP: gettext_lazy("The lost answer was found in the endpoint’s history and used"),
    Event.Kind.READY: gettext_lazy("Ready to listen"),
    Event.Kind.DELAYED: gettext_lazy("%(words)s It is tried again by itself."),
    Event.Kind.INTERRUPTED: gettext_lazy("A worker stopped in the middle; the work goes on by itself"),
    Event.Kind.FAILED: gettext_lazy("Failed: %(words)s"),
    Event.Kind.RETRIED: gettext_lazy("%(who)s pressed Retry"),
    Event.Kind.CANCELLED: gettext_lazy("%(who)s cancelled it"),
    Event.Kind.RENAMED: gettext_lazy("%(who)s renamed it to “%(title)s”"),
    Event.Kind.DELETED: gettext_lazy("%(who)s deleted it"),
    Event.Kind.RESTORED: gettext_lazy("%(who)s brought it back"),
    Event.Kind.EXPORTED: gettext_lazy("Made as %(format)s too"),
    Event.Kind.ERASED: gettext_lazy("%(who)s erased it"),
}


@dataclass(frozen=True)
class Line:
    at: datetime  # the last time
    words: str
    times: int = 1


def timeline_of(conversion: Conversion) -> list[Line]:
    lines: list[Line] = []
    for event in conversion.events.select_related("actor").iterator():
        said = [words_of(event)]
        if event.kind == Event.Kind.READY:
            said.append(odd_length_words(conversion))
        for words in filter(None, said):
            lines.append(Line(event.at, words))
            _fold(lines)
    return lines


def _fold(lines: list[Line]) -> None:
    """What ends with the same one or two lines as before them (sent, refused, sent, refused) says so once."""
    for count in (1, 2):
        last, before = lines[-count:], lines[-2 * count : -count]
        if [line.words for line in last] == [line.words for line in before]:
            lines[-2 * count :] = [
                replace(line, times=line.times + earlier.times) for line, earlier in zip(last, before, strict=True)
            ]


def words_of(event: Event) -> str:
    """Empty for a kind that this version doesn't know: rows may have been written by a newer one."""
    if event.kind == Event.Kind.ERASED and event.actor is None:
        return _("Its time had come, and it was erased")
    sentence = str(_SENTENCES.get(event.kind, ""))
    # Rows written by an older version may lack a value: it is left out then.
    values: defaultdict[str, object] = defaultdict(str, event.data)
    values["who"] = str(event.actor) if event.actor else _("Someone")
    values["length"] = spoken_duration(event.data.get("duration_s", 0))
    if event.kind == Event.Kind.DELAYED and event.data.get("code") == "lost":
        return str(values["words"])  # it is looked for, not tried again
    if event.kind == Event.Kind.FAILED and event.data.get("code") == Conversion.INCOMPLETE:
        return _("Not sent: someone has to say whether what is there is to be converted")
    if event.kind == Event.Kind.RETRIED and event.data.get("after") == Conversion.INCOMPLETE:
        sentence = _("%(who)s had what is there converted")
    sentence %= values
    if event.kind == Event.Kind.PREPARED and event.data.get("noticed"):
        noticed = noticed_words(event.data["noticed"], event.data.get("duration_s"))
        sentence = " ".join([sentence + ".", *noticed]) if noticed else sentence
    if event.kind == Event.Kind.SENT and event.data.get("attempt", 1) > 1:
        sentence += _(", attempt %(attempt)s") % values
    return sentence
