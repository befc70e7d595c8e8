"""The pieces of a long recording: how far each is, and where on the recording it lies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversions.ledger.sums import credits_words
from conversions.models import Conversion, Step
from conversions.pages.kept import Kept, kept_between
from conversions.words.durations import clock_duration
from conversions.words.lengths import fine_duration
from conversions.words.speakers import channel_words

WIDTH = 1000  # of the map, in its own units
_ODD_ONES = 3  # that are named
GAP = 2.0  # between what follows on each other there
READ = (
    *("conversion", "kind", "position", "status", "attempt", "start_sample", "end_sample", "seconds"),
    *("channel", "voice__name", "result", "alignment", "endpoint__billed", "endpoint__credits_per_minute"),
)


@dataclass(frozen=True, slots=True)
class Piece:
    """One of them. `state` is the CSS class, `start` and `width` are its place on the map, in its `channel`'s lane.

    `who` speaks there, where several do.
    """

    number: int
    state: str
    words: str
    start_s: float
    end_s: float
    start: float
    width: float
    mark: str  # a letter; of which those of all are made that a poll sends
    edition: str  # of its sound; empty where there is none to be heard yet
    channel: int | None
    who: str
    redo_words: str  # what stands on the button; empty where it can't be redone now
    is_redone: bool  # it waits for that, or is under way: it can be cancelled
    # Of its answer: seconds that it has too few, or too many.
    lacks_s: float = 0.0
    beyond_s: float = 0.0

    @property
    def span(self) -> str:
        return f"{clock_duration(self.start_s)} – {clock_duration(self.end_s)}"

    @property
    def title(self) -> str:
        span = ", ".join(filter(None, (self.span, self.who)))
        values = {"number": self.number, "span": span, "state": self.words}
        return _("Piece %(number)d, %(span)s: %(state)s") % values


@dataclass(frozen=True, slots=True)
class Join:
    """Where two pieces meet, as a share of the recording, on the map, and in words."""

    share: float
    place: float
    words: str


@dataclass(frozen=True, slots=True)
class Pieces:
    """All of a conversion, in the order of the recording."""

    lines: Sequence[Piece]
    kept: Sequence[Kept]  # what is left as it is between them
    redone: bool  # whether one is to be in the result that isn't yet
    unfinished: bool
    pace: float = 1.0  # seconds of the result a second of the recording
    block: int = 0  # where these are some of hundreds (`blocks`)

    @property
    def on_map(self) -> Sequence[Piece]:
        return self.lines

    @property
    def rows(self) -> Sequence[Piece | Kept]:
        """Of the list: channel by channel, as they are heard."""
        return sorted([*self.lines, *self.kept], key=lambda row: (row.channel or 0, row.start_s))

    @property
    def mark(self) -> str:
        """A letter a piece: who sends it again is told which have changed."""
        return "".join(line.mark for line in self.lines)

    @property
    def done(self) -> int:
        return sum(line.state == "ready" for line in self.lines)

    @property
    def words(self) -> str:
        if self.done == len(self.lines):
            return ngettext("finished", "all %d finished", self.done) % ((self.done,) if self.done > 1 else ())
        return _("%(done)d of %(pieces)d finished") % {"done": self.done, "pieces": len(self.lines)}

    @property
    def odd_words(self) -> str:
        """What is said of a result in which an answer was too short or too long; empty where none was."""
        odd = [line for line in self.lines if line.lacks_s or line.beyond_s]
        if not odd:
            return ""
        if len(odd) > _ODD_ONES:
            words = ngettext(
                "The answer to %d piece is too short or too long, as the list of pieces says.",
                "The answers to %d pieces are too short or too long, as the list of pieces says.",
                len(odd),
            )
            said = [words % len(odd)]
        else:
            said = [self._odd_words(line) for line in odd]
        return " ".join([*said, _("Listen to it before you use it.")])

    def _odd_words(self, piece: Piece) -> str:
        end_s = piece.end_s * self.pace
        if piece.lacks_s:
            words = _("The answer to piece %(number)d is too short: nothing is heard from %(start)s to %(end)s.")
            start_s = max(piece.start_s * self.pace, end_s - piece.lacks_s)
            return words % {
                "number": piece.number,
                "start": clock_duration(start_s),
                "end": clock_duration(end_s),
            }
        words = _("The answer to piece %(number)d is %(length)s too long: what comes after %(end)s was left out.")
        values = {"number": piece.number, "length": fine_duration(piece.beyond_s), "end": clock_duration(end_s)}
        return words % values

    @property
    def joins(self) -> Sequence[Join]:
        return joins_of([(line.start_s, line.end_s) for line in self.lines], self.pace)

    def changed_since(self, mark: str) -> list[Piece]:
        """All of them where `mark` isn't one of theirs."""
        if len(mark) != len(self.lines):
            return list(self.lines)
        return [line for line, before in zip(self.lines, mark, strict=True) if line.mark != before]


def joins_of(spans: Iterable[tuple[float, float]], pace: float) -> list[Join]:
    """Of pieces from when to when: in the middle of what two have in common; where what stays as it is lies between
    them, at both its ends."""
    ordered = sorted(spans)
    length_s = max((end_s for _start_s, end_s in ordered), default=0.0) or 1.0
    moments: set[float] = set()
    for (_start_s, end_s), (start_s, _end_s) in pairwise(ordered):
        moments |= {(end_s + start_s) / 2} if start_s <= end_s else {end_s, start_s}
    return [
        Join(
            round(moment / length_s, 5),
            round(moment * WIDTH / length_s, 2),
            _("Joined at %s") % clock_duration(moment * pace),
        )
        for moment in sorted(moments)
    ]


def seconds_a_second(conversion: Conversion) -> float:
    """Of the result, for one of the recording."""
    return (conversion.output_duration_s or 0) / (conversion.source_duration_s or 1) or 1.0


def pieces_of(conversion: Conversion) -> Pieces | None:
    """One query; None, and no query, for a recording that goes through as one. None, too, while nobody has cut it."""
    if not conversion.in_pieces:
        return None
    steps = conversion.steps.filter(kind__in=[Step.Kind.CONVERT, Step.Kind.REDO]).order_by("position")
    found = list(steps.select_related("endpoint", "voice").only(*READ))
    redos = {step.position: step for step in found if step.kind == Step.Kind.REDO}
    lines = [piece_of(conversion, step, redos.get(step.position)) for step in found if step.kind == Step.Kind.CONVERT]
    if not lines:
        return None
    redone = any(map(is_under_way, redos.values()))
    kept = list(kept_between(conversion, [step for step in found if step.kind == Step.Kind.CONVERT]))
    return Pieces(lines, kept, redone, unfinished=redone or not conversion.finished, pace=seconds_a_second(conversion))


def edition_of(key: str) -> str:
    """Of what is stored under it: a part of its address, so that no browser plays an earlier one that it has kept."""
    return key[-8:]


def is_under_way(redo: Step) -> bool:
    """Asked for, and not in the result yet."""
    return redo.status in (Step.Status.WAITING, Step.Status.RUNNING) or bool(redo.result)


def piece_of(conversion: Conversion, step: Step, redo: Step | None) -> Piece:
    rate_hz, length = conversion.source_rate_hz or 1, conversion.source_samples or 1
    mark, state, words = _state(step)
    is_done = step.status == Step.Status.DONE and bool(step.result)
    again = _again(redo) if redo and is_done else None
    if again:
        mark, words = again
    is_other = conversion.pieces > 1 or not _is_whole(step, length)
    is_over = conversion.status == Conversion.Status.CANCELLED
    may_redo = is_done and is_other and not is_over and not (redo and is_under_way(redo))
    end = step.end_sample or length
    return Piece(
        step.position + 1,
        state,
        words,
        step.start_sample / rate_hz,
        end / rate_hz,
        round(step.start_sample * WIDTH / length, 2),
        round(max((end - step.start_sample) * WIDTH / length - GAP, 1.0), 2),
        mark,
        edition_of(step.result) if is_done else "",
        step.channel,
        _who(step) if conversion.in_regions else "",
        _redo_words(step) if may_redo else "",
        is_done and redo is not None and redo.status in (Step.Status.WAITING, Step.Status.RUNNING),
        **_odd(step),
    )


def _is_whole(step: Step, length: int) -> bool:
    """Whether its answer is the result as it came: another one is another take."""
    return step.channel is None and (step.start_sample, step.end_sample) == (0, length)


def _who(step: Step) -> str:
    """The voice, and in which channel it is heard."""
    return ", ".join(filter(None, (channel_words(step.channel), step.voice.name if step.voice else "")))


def _odd(step: Step) -> dict[str, float]:
    lies = step.alignment or {}
    return {name: lies[name] for name in ("lacks_s", "beyond_s") if name in lies}


def _redo_words(step: Step) -> str:
    """With its price, where it has one."""
    assert step.endpoint is not None  # of a call
    price = step.endpoint.price(step.seconds)
    if price:
        return _("Redo (about %s)") % credits_words(price)
    return _("Redo (costs credits)") if step.endpoint.billed else _("Redo")


def _again(redo: Step) -> tuple[str, str] | None:
    """The mark and the state of one that is finished, and was asked for once more."""
    match redo.status:
        case Step.Status.WAITING:
            return "W", _("Finished, waits to be redone")
        case Step.Status.RUNNING:
            return "C", _("Finished, is being redone")
        case Step.Status.DONE if redo.result:
            return "J", _("Redone, is being joined")
        case Step.Status.FAILED:
            return "F", _("As it was; redoing it failed")
        case Step.Status.UNCLEAR:
            return "U", _("As it was; the redo was lost, perhaps billed")
        case _:
            return None


def _state(step: Step) -> tuple[str, str, str]:
    """Mark, CSS class and words."""
    match step.status:
        case Step.Status.DONE:
            odd = _odd(step)
            if "lacks_s" in odd:
                return "r", "ready", _("Finished, %s too short") % fine_duration(odd["lacks_s"])
            if "beyond_s" in odd:
                return "r", "ready", _("Finished, %s too long") % fine_duration(odd["beyond_s"])
            return "r", "ready", _("Finished")
        case Step.Status.RUNNING:
            return "c", "converting", _("Being converted")
        case Step.Status.WAITING if step.attempt:
            return "a", "again", _("Waiting to try again")
        case Step.Status.WAITING:
            return "w", "waiting", _("Waiting")
        case Step.Status.UNCLEAR:
            return "u", "unclear", _("Answer lost, perhaps billed")
        case Step.Status.FAILED:
            return "f", "failed", _("Failed")
        case _:
            return "x", "cancelled", _("Not converted")
