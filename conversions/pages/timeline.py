"""Events in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_stubs_ext import StrPromise

from conversions.models import Conversion, Event
from conversions.words.durations import spoken_duration
from conversions.words.lengths import odd_length_words
from conversions.words.noticed import noticed_words

_SENTENCES: dict[str, StrPromise] = {
    Event.Kind.SUBMITTED: gettext_lazy("%(who)s uploaded %(name)s for %(voice)s"),
    Event.Kind.ORDERED: gettext_lazy("%(who)s had it converted to %(voice)s"),
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
    Event.Kind.REDO: gettext_lazy("%(who)s wanted it converted again"),
    Event.Kind.REDONE: gettext_lazy("Converted again, and new in the result"),
    Event.Kind.REDO_FAILED: gettext_lazy("It could not be converted again. %(words)s The result stays as it was."),
    Event.Kind.CANCELLED: gettext_lazy("%(who)s cancelled it"),
    Event.Kind.RENAMED: gettext_lazy("%(who)s renamed it to “%(title)s”"),
    Event.Kind.DELETED: gettext_lazy("%(who)s deleted it"),
    Event.Kind.RESTORED: gettext_lazy("%(who)s brought it back"),
    Event.Kind.EXPORTED: gettext_lazy("Made as %(format)s too"),
    Event.Kind.ERASED: gettext_lazy("%(who)s erased it"),
    Event.Kind.SHARED: gettext_lazy("%(who)s shared it by a link%(link)s"),
    Event.Kind.UNSHARED: gettext_lazy("%(who)s revoked a link to it%(link)s"),
    Event.Kind.COMMENTED: gettext_lazy("A comment came by a link%(link)s"),
    Event.Kind.COMMENT_DELETED: gettext_lazy("%(who)s deleted a comment"),
    Event.Kind.VOICE_ASKED: gettext_lazy("%(who)s gave a recording for a voice, and said that it may be used"),
    Event.Kind.VOICE_READY: gettext_lazy("The voice is ready"),
    Event.Kind.VOICE_FAILED: gettext_lazy("The voice could not be made. %(words)s"),
    Event.Kind.VOICE_RETRIED: gettext_lazy("%(who)s had the voice tried again"),
    Event.Kind.VOICE_NAMED: gettext_lazy("%(who)s renamed the voice to “%(name)s”"),
    Event.Kind.VOICE_DELETED: gettext_lazy("%(who)s deleted the voice"),
}


@dataclass(frozen=True)
class Line:
    at: datetime  # the last time; of several pieces, the first
    words: str
    times: int = 1
    of: tuple[int, ...] = ()  # pieces that fared alike
    expected: bool = False  # as each does where nothing happens


# What happens to each of many pieces, and is said of all of them at once.
_EXPECTED = frozenset({Event.Kind.SENT, Event.Kind.CONVERTED})
_ALIKE = _EXPECTED | {Event.Kind.INTERRUPTED}


def timeline_of(conversion: Conversion) -> list[Line]:
    lines: list[Line] = []
    for event in conversion.events.select_related("actor").iterator():
        said = [words_of(event, apart=conversion.output_channels == 2)]
        if event.kind == Event.Kind.READY:
            said.append(odd_length_words(conversion))
        piece = event.data.get("piece") if conversion.pieces > 1 else None
        for words in filter(None, said):
            if piece is not None and event.kind in _ALIKE:
                _gather(lines, Line(event.at, words, of=(piece,), expected=event.kind in _EXPECTED))
            else:
                lines.append(Line(event.at, _of_pieces([piece], conversion, words) if piece else words))
            _fold(lines)
    return [replace(line, words=_of_pieces(line.of, conversion, line.words)) if line.of else line for line in lines]


def _gather(lines: list[Line], line: Line) -> None:
    """Beside what was said of other pieces, since anything else happened."""
    for place in range(len(lines) - 1, -1, -1):
        before = lines[place]
        if before.of and before.words == line.words and line.of[0] not in before.of:
            lines[place] = replace(before, of=(*before.of, *line.of))
            return
        if not before.expected or line.of[0] in before.of:  # what happened to the same piece stays in order
            break
    lines.append(line)


def _of_pieces(numbers: Sequence[int], conversion: Conversion, what: str) -> str:
    """ "Piece 3 of 7: Sent to Local engine", "Pieces 1–4, 6 of 7: ..." """
    named = ngettext("Piece %(numbers)s of %(pieces)d", "Pieces %(numbers)s of %(pieces)d", len(numbers))
    return f"{named % {'numbers': _ranges(numbers), 'pieces': conversion.pieces}}: {what}"


def _ranges(numbers: Sequence[int]) -> str:
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"{first}–{last}" if last > first else f"{first}" for first, last in runs)


def _fold(lines: list[Line]) -> None:
    """What ends with the same one or two lines as before them (sent, refused, sent, refused) says so once."""
    for count in (1, 2):
        last, before = lines[-count:], lines[-2 * count : -count]
        if any(line.of for line in last + before):
            continue
        if [line.words for line in last] == [line.words for line in before]:
            lines[-2 * count :] = [
                replace(line, times=line.times + earlier.times) for line, earlier in zip(last, before, strict=True)
            ]


def words_of(event: Event, *, apart: bool = False) -> str:
    """Empty for a kind that this version doesn't know: rows may have been written by a newer one. `apart` as
    `noticed_words` takes it."""
    if event.kind == Event.Kind.ERASED and event.actor is None:
        return _("Its time had come, and it was erased")
    sentence = str(_SENTENCES.get(event.kind, ""))
    # Rows written by an older version may lack a value: it is left out then.
    values: defaultdict[str, object] = defaultdict(str, event.data)
    values["who"] = str(event.actor) if event.actor else _("Someone")
    values["link"] = f" ({event.data['for_whom']})" if event.data.get("for_whom") else ""
    values["length"] = spoken_duration(event.data.get("duration_s", 0))
    if event.kind == Event.Kind.DELAYED and event.data.get("code") == "lost":
        return str(values["words"])  # it is looked for, not tried again
    if event.kind == Event.Kind.FAILED and event.data.get("code") == Conversion.INCOMPLETE:
        return _("Not sent: someone has to say whether what is there is to be converted")
    if event.kind == Event.Kind.RETRIED and event.data.get("after") == Conversion.INCOMPLETE:
        sentence = _("%(who)s had what is there converted")
    if event.kind == Event.Kind.SUBMITTED and event.data.get("unordered"):
        sentence = _("%(who)s uploaded %(name)s, to give its parts voices of their own")
    if event.kind == Event.Kind.CANCELLED and event.data.get("redo"):
        sentence = _("%(who)s didn’t want it converted again any more")
    sentence %= values
    if event.kind == Event.Kind.PREPARED and event.data.get("noticed"):
        noticed = noticed_words(event.data["noticed"], event.data.get("duration_s"), apart=apart)
        sentence = " ".join([sentence + ".", *noticed]) if noticed else sentence
    if event.kind == Event.Kind.SENT and event.data.get("attempt", 1) > 1:
        sentence += _(", attempt %(attempt)s") % values
    return sentence
