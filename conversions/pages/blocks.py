"""Hundreds of pieces: a page shows what is under way, failed or redone, and the rest in blocks that open.

A poll reads as many rows for a thousand pieces as for a hundred: the database counts those of each cell of the map.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, TypedDict, cast

from django.db.models import Count, ExpressionWrapper, F, IntegerField, Max, Min, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversions.models import Conversion, Step
from conversions.pages.kept import kept_between
from conversions.pages.pieces import (
    GAP,
    READ,
    WIDTH,
    Join,
    Piece,
    Pieces,
    is_under_way,
    joins_of,
    piece_of,
    seconds_a_second,
)
from conversions.words.durations import clock_duration

MOST_LISTED: Final = 60  # as many pieces stand in one list
SIZE: Final = 50  # pieces of a block
CELLS: Final = 100  # of the map, about
MOST_NOW: Final = 40  # of those that are named

_ODD = Q(alignment__has_any_keys=["lacks_s", "beyond_s"])
_NEEDS_EYES = (Step.Status.RUNNING, Step.Status.FAILED, Step.Status.UNCLEAR)
_REDONE = (Step.Status.WAITING, Step.Status.RUNNING, Step.Status.FAILED, Step.Status.UNCLEAR)


class _Row(TypedDict):
    cell: int
    channel: int | None
    first: int
    last: int
    start: int
    end: int
    done: int
    running: int
    failed: int
    over: int


@dataclass(frozen=True, slots=True)
class Cell:
    """Some neighbours on the map; `number` is the first one's. As `Piece` has them: its place there."""

    number: int
    state: str
    start: float
    width: float
    channel: int | None
    title: str


@dataclass(frozen=True, slots=True)
class Block:
    """Pieces `first` to `last`. `opened` has them, where the page comes with them."""

    number: int
    first: int
    last: int
    span: str
    state: str
    words: str
    opened: Pieces | None


@dataclass(frozen=True, slots=True)
class Overview:
    """All of a conversion's pieces, for its page and for its polls."""

    on_map: Sequence[Cell]
    blocks: Sequence[Block]
    now: Sequence[Piece]  # that need somebody's eyes
    more: int  # of them that aren't named
    total: int
    done: int
    redone: bool
    unfinished: bool
    mark: str  # another one as soon as any of it is
    joins: Sequence[Join] = ()
    odd: int = 0

    @property
    def words(self) -> str:
        if self.done == self.total:
            return _("all %d finished") % self.done
        return _("%(done)d of %(pieces)d finished") % {"done": self.done, "pieces": self.total}

    @property
    def odd_words(self) -> str:
        if not self.odd:
            return ""
        words = ngettext(
            "The answer to %d piece is too short or too long, as the list of pieces says.",
            "The answers to %d pieces are too short or too long, as the list of pieces says.",
            self.odd,
        )
        return f"{words % self.odd} {_('Listen to it before you use it.')}"


def overview_of(conversion: Conversion, opened: int | None = None, *, joins: bool = False) -> Overview | None:
    """None where they stand in one list, or nobody has cut it. `opened`: a block that comes with its pieces; `joins`:
    with where they were joined. Four queries at most without, and one for each of these."""
    if conversion.pieces <= MOST_LISTED:
        return None
    rows = _counted(conversion)
    if not rows:
        return None
    open_redos = _steps(conversion).filter(Q(status__in=_REDONE) | ~Q(result=""), kind=Step.Kind.REDO)
    redos = {step.position: step for step in open_redos}
    wanted = Q(status__in=_NEEDS_EYES) | Q(status=Step.Status.WAITING, attempt__gt=0) | Q(position__in=list(redos))
    needy = list(_pieces(conversion).filter(wanted)[: MOST_NOW + 1])
    more = _pieces(conversion).filter(wanted).count() - MOST_NOW if len(needy) > MOST_NOW else 0
    now = [piece_of(conversion, step, redos.get(step.position)) for step in needy[:MOST_NOW]]
    redone = any(map(is_under_way, redos.values()))
    return Overview(
        [_cell(conversion, row) for row in rows],
        list(_blocks(conversion, rows, opened)),
        now,
        more,
        conversion.pieces,
        sum(row["done"] for row in rows),
        redone,
        redone or not conversion.finished,
        _mark(rows, now, more),
        _joins(conversion) if joins else (),
        _pieces(conversion).filter(_ODD, status=Step.Status.DONE).count() if joins else 0,
    )


def block_of(conversion: Conversion, number: int) -> Pieces | None:
    """Pieces of one block with what is left as it is between them. Three queries; None where there is no such block."""
    if conversion.pieces <= MOST_LISTED or not 0 < number <= -(-conversion.pieces // SIZE):
        return None
    first = (number - 1) * SIZE
    # With its neighbours, so that what lies between two blocks is in one of them.
    near = list(_pieces(conversion).filter(position__gte=first - 1, position__lte=first + SIZE))
    steps = [step for step in near if first <= step.position < first + SIZE]
    if not steps:
        return None
    redos = {
        step.position: step
        for step in _steps(conversion).filter(kind=Step.Kind.REDO, position__gte=first, position__lt=first + SIZE)
    }
    lines = [piece_of(conversion, step, redos.get(step.position)) for step in steps]
    redone = any(map(is_under_way, redos.values()))
    under_way = not conversion.finished and any(line.state != "ready" for line in lines)
    kept = [
        each for each in kept_between(conversion, near) if _is_in(each.channel, each.start_s, steps, near, conversion)
    ]
    return Pieces(lines, kept, redone, unfinished=redone or under_way, block=number)


def _is_in(channel: int | None, start_s: float, steps: Sequence[Step], near: Sequence[Step], of: Conversion) -> bool:
    """Whether what is kept begins with one of `steps` or behind one; what comes before the first of `near` only where
    that is the first of its channel."""
    rate_hz = of.source_rate_hz or 1
    start = round(start_s * rate_hz)
    before = [step for step in near if step.channel == channel and (step.end_sample or 0) <= start]
    if before:
        return before[-1] in steps
    mine = [step for step in near if step.channel == channel]
    return bool(mine) and mine[0] in steps and (mine[0].position == 0 or near[0].channel != channel)


def _steps(conversion: Conversion) -> QuerySet[Step]:
    return conversion.steps.select_related("endpoint", "voice").only(*READ).order_by("position")


def _pieces(conversion: Conversion) -> QuerySet[Step]:
    return _steps(conversion).filter(kind=Step.Kind.CONVERT)


def _counted(conversion: Conversion) -> list[_Row]:
    size, status = _cell_size(conversion.pieces), Step.Status
    steps = Step.objects.filter(conversion=conversion.pk, kind=Step.Kind.CONVERT).order_by()
    cells = steps.annotate(cell=ExpressionWrapper(F("position") / size, IntegerField())).values("cell", "channel")
    counted = cells.annotate(
        first=Min("position"),
        last=Max("position"),
        start=Min("start_sample"),
        end=Max("end_sample"),
        done=Count("pk", filter=Q(status=status.DONE) & ~Q(result="")),
        running=Count("pk", filter=Q(status=status.RUNNING)),
        failed=Count("pk", filter=Q(status__in=(status.FAILED, status.UNCLEAR))),
        over=Count("pk", filter=Q(status=status.CANCELLED)),
    )
    return cast("list[_Row]", list(counted.order_by("first")))


def _cell_size(pieces: int) -> int:
    """Pieces of a cell, of which whole ones make a block: no more cells than CELLS, as long as a block has several."""
    return next((size for size in (1, 2, 5, 10, 25) if pieces <= size * CELLS), SIZE)


def _state(row: _Row) -> str:
    """The CSS class; what is wrong comes first."""
    if row["failed"]:
        return "failed"
    if row["done"] == row["last"] - row["first"] + 1:
        return "ready"
    if row["running"] or row["done"]:
        return "converting"
    return "cancelled" if row["over"] else "waiting"


def _words(rows: Sequence[_Row]) -> str:
    total, done, failed = (sum(counts) for counts in zip(*(_counts(row) for row in rows), strict=True))
    words = _("%(done)d of %(pieces)d finished") % {"done": done, "pieces": total}
    if done == total:
        words = ngettext("finished", "all %d finished", total) % ((total,) if total > 1 else ())
    return f"{words}, {_('%d failed') % failed}" if failed else words


def _counts(row: _Row) -> tuple[int, int, int]:
    return row["last"] - row["first"] + 1, row["done"], row["failed"]


def _cell(conversion: Conversion, row: _Row) -> Cell:
    length = conversion.source_samples or 1
    first, last = row["first"] + 1, row["last"] + 1
    title = _("Pieces %(first)d–%(last)d: %(state)s") % {"first": first, "last": last, "state": _words([row])}
    width = max((row["end"] - row["start"]) * WIDTH / length - GAP, 1.0)
    return Cell(first, _state(row), round(row["start"] * WIDTH / length, 2), round(width, 2), row["channel"], title)


def _blocks(conversion: Conversion, rows: Sequence[_Row], opened: int | None) -> Iterator[Block]:
    rate_hz = conversion.source_rate_hz or 1
    for number, members in groupby(rows, key=lambda row: row["first"] // SIZE + 1):
        of_block = list(members)
        span = [clock_duration(edge / rate_hz) for edge in (of_block[0]["start"], of_block[-1]["end"])]
        states = {_state(row) for row in of_block}
        yield Block(
            number,
            of_block[0]["first"] + 1,
            of_block[-1]["last"] + 1,
            " – ".join(span),
            _state_of_all(states),
            _words(of_block),
            block_of(conversion, number) if number == opened else None,
        )


def _state_of_all(states: set[str]) -> str:
    if len(states) == 1:
        return states.pop()
    return next((state for state in ("failed", "cancelled") if state in states), "converting")


def _joins(conversion: Conversion) -> list[Join]:
    rate_hz = conversion.source_rate_hz or 1
    spans = _pieces(conversion).values_list("start_sample", "end_sample")
    return joins_of([(start / rate_hz, (end or 0) / rate_hz) for start, end in spans], seconds_a_second(conversion))


def _mark(rows: Sequence[_Row], now: Sequence[Piece], more: int) -> str:
    said = repr(([tuple(row.values()) for row in rows], [(line.number, line.mark) for line in now], more))
    return hashlib.blake2s(said.encode(), digest_size=8).hexdigest()
