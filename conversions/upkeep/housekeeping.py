"""What is tidied up once an hour: files without a row, rows without a file, what broken-off writes have left.

Idempotent, and safe when two run at once: what somebody else has deleted meanwhile is no error. Rows and folders are
walked in batches and for a limited time, so that a million of them cost neither memory nor a worker's whole hour;
what a run has no time for comes up in one of the next. Nothing that a row refers to is ever deleted here.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL
from redis.exceptions import RedisError

from conversions.files import durable, inventory
from conversions.ground import notes
from conversions.ground.clock import db_now
from conversions.ground.connections import give_back
from conversions.models import Batch, Conversion, Enrolment, Event, Recording, Step
from conversions.upkeep import draining, retention

logger = logging.getLogger(__name__)

# Young files may belong to an upload that just arrives, or to a call that just ends.
ORPHAN_AGE = timedelta(hours=24)
EVENT_AGE = timedelta(days=30)
BATCH = 500
PART_AT_MOST_S = 300.0
SHOWN_AT_MOST = 20
_NO_WORK_LEFT = frozenset({Conversion.Status.READY, Conversion.Status.CANCELLED, Conversion.Status.UNORDERED})
_NEED_SOURCE = Conversion.UNFINISHED | {Conversion.Status.UNORDERED}


def housekeep() -> None:
    """A part that fails (a storage or database that is away) is said in one line and doesn't keep the others."""
    parts: tuple[Callable[[], object], ...] = (
        retention.erase_unreachable,
        retention.erase_unordered,
        delete_orphans,
        look_into_folders,
        delete_stale_uploads,
        clear_broken_writes,
        clear_sessions,
        delete_empty_batches,
        delete_passing_events,
    )
    for part in parts:
        try:
            part()
        except (OSError, RedisError, DatabaseError) as error:
            logger.warning("housekeeping: %s broke off: %s", part.__name__, error)
            close_old_connections()


class _Time:
    """Until when a part may go on; a worker that is to stop has none left."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    @property
    def is_up(self) -> bool:
        return draining.stopping() or time.monotonic() > self._ends


# ---- files whose conversion is gone ----


def delete_orphans(age: timedelta = ORPHAN_AGE, *, seconds: float = PART_AT_MOST_S) -> int:
    """Deletes the files of conversions that are gone. Returns of how many."""
    left, deleted = _Time(seconds), 0
    for ids in _batches(inventory.stored_conversions()):
        known = set(Conversion.objects.filter(pk__in=ids).values_list("pk", flat=True))
        known |= set(Recording.objects.filter(pk__in=ids).values_list("pk", flat=True))
        known |= set(Enrolment.objects.filter(pk__in=ids).values_list("pk", flat=True))
        give_back()
        for conversion_id in ids:
            if left.is_up:
                return deleted
            if conversion_id not in known and inventory.older_than(conversion_id, age):
                durable.delete_all(conversion_id)
                deleted += 1
    return deleted


def _batches(ids: Iterable[uuid.UUID]) -> Iterator[list[uuid.UUID]]:
    ids = iter(ids)
    while batch := list(islice(ids, BATCH)):
        yield batch


# ---- results that nobody refers to, and files that are gone ----


@dataclass
class Found:
    """What a look into the folders of conversions came to."""

    looked_into: int = 0
    deleted: int = 0
    missing: int = 0
    shown: list[str] = field(default_factory=list)  # some of the conversions whose file is missing


class _Row(NamedTuple):
    id: uuid.UUID
    status: str
    source: str
    output: str
    player: str
    deleted_at: datetime | None

    @property
    def needs(self) -> str | None:
        """The file without which it can't be what it is. Of what is deleted nobody misses one."""
        if self.deleted_at is not None:
            return None
        if self.status == Conversion.Status.READY:
            return self.output
        return self.source if self.status in _NEED_SOURCE else None


def look_into_folders(age: timedelta = ORPHAN_AGE, *, seconds: float = PART_AT_MOST_S) -> Found:
    """Deletes what lost attempts have left beside a result, and counts the rows whose file is gone: they are logged and
    shown to the admin, never deleted.
    """
    left, found = _Time(seconds), Found()
    for rows in _rows_from(uuid.uuid4()):
        if left.is_up:
            break
        give_back()
        stored = inventory.contents([row.id for row in rows])
        found.looked_into += len(rows)
        found.deleted += _delete_left_over(rows, stored, age)
        for row in rows:
            if row.needs and durable.name_of(row.needs) not in stored[row.id] and _is_gone(row):
                _note_missing(row, found)
    _tell(found)
    return found


def _rows_from(start: uuid.UUID) -> Iterator[list[_Row]]:
    """All of them in the order of their ids, from `start` around: a run that ends early begins elsewhere next time."""
    for span in (Q(pk__gte=start), Q(pk__lt=start)):
        after = Q()
        while True:
            rows = Conversion.objects.filter(span, after).order_by("pk")
            batch = [_Row(*row) for row in rows.values_list(*_Row._fields)[:BATCH]]
            if batch:
                yield batch
            if len(batch) < BATCH:
                break
            after = Q(pk__gt=batch[-1].id)


def _delete_left_over(rows: Sequence[_Row], stored: Mapping[uuid.UUID, inventory.Contents], age: timedelta) -> int:
    """Of conversions that are ready or cancelled, or not ordered yet. A failed one keeps what it has: Retry may adopt a
    late answer."""
    deletable = {row.id: inventory.broken_writes(stored[row.id], age) for row in rows}
    finished = [row for row in rows if row.status in _NO_WORK_LEFT]
    suspects = [
        row for row in finished if inventory.left_over(stored[row.id], [row.source, row.output, row.player], age)
    ]
    if suspects:
        wanted, busy = _wanted_by_steps([row.id for row in suspects])
        for row in suspects:
            if row.id not in busy:
                keys = {row.source, row.output, row.player, *wanted.get(row.id, ())}
                deletable[row.id] += inventory.left_over(stored[row.id], keys, age)
        give_back()
    for conversion_id, names in deletable.items():
        durable.delete(conversion_id, names)
    return sum(len(names) for names in deletable.values())


def _wanted_by_steps(ids: list[uuid.UUID]) -> tuple[dict[uuid.UUID, list[str]], set[uuid.UUID]]:
    """The results that steps name, and the conversions with a step that isn't finished."""
    wanted: dict[uuid.UUID, list[str]] = {}
    busy = set()
    steps = Step.objects.filter(conversion__in=ids).values_list("conversion_id", "status", "result")
    for conversion_id, status, result in steps.order_by():
        wanted.setdefault(conversion_id, []).append(result)
        if status in (Step.Status.WAITING, Step.Status.RUNNING, Step.Status.UNCLEAR):
            busy.add(conversion_id)
    return wanted, busy


def _is_gone(row: _Row) -> bool:
    """Asked again, because the row or the file may have changed since both were read."""
    still = Conversion.objects.filter(pk=row.id, status=row.status, deleted_at=None).exists()
    give_back()
    return still and row.needs is not None and not durable.exists(row.needs)


def _note_missing(row: _Row, found: Found) -> None:
    found.missing += 1
    if len(found.shown) < SHOWN_AT_MOST:
        found.shown.append(str(row.id))
        logger.error("conversion %s is %s, but its file %s is gone", row.id, row.status, row.needs)


def _tell(found: Found) -> None:
    if found.missing > len(found.shown):
        logger.error("the files of %d conversions are gone", found.missing)
    note: notes.Note = {"at": db_now().isoformat(), "missing": found.missing, "shown": found.shown}
    try:
        notes.write("housekeeping", note)
    except RedisError as error:
        logger.warning("what housekeeping found can't be shown: %s", error)


# ---- what was left by processes that were killed ----


def delete_stale_uploads(age: timedelta = ORPHAN_AGE) -> int:
    """Deletes temporary files that a killed process left in the upload folder."""
    deleted = 0
    before = time.time() - age.total_seconds()
    for path in Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir():
        try:
            if path.is_file() and path.stat().st_mtime < before:
                path.unlink()
                deleted += 1
        except FileNotFoundError:
            continue  # it was moved to its place, or another run was first
    return deleted


def clear_broken_writes(age: timedelta = ORPHAN_AGE) -> int:
    return inventory.clear_broken_writes(age)


def clear_sessions() -> None:
    """Deletes sessions that have expired."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()


def delete_empty_batches(age: timedelta = ORPHAN_AGE, *, seconds: float = PART_AT_MOST_S) -> int:
    """Deletes batches of which no conversion is left. Returns how many. Into a young one more may still be sent."""
    left, deleted, after = _Time(seconds), 0, Q()
    old = Batch.objects.filter(created_at__lt=db_now() - age).order_by("pk")
    while not left.is_up:
        ids = list(old.filter(after).values_list("pk", flat=True)[:BATCH])
        if not ids:
            break
        after = Q(pk__gt=ids[-1])
        full = Conversion.objects.filter(batch__in=ids).order_by().values_list("batch", flat=True).distinct()
        deleted += Batch.objects.filter(pk__in=set(ids) - set(full)).delete()[0]
        give_back()
    return deleted


def delete_passing_events(age: timedelta = EVENT_AGE, *, seconds: float = PART_AT_MOST_S) -> int:
    """Deletes what the timelines say of delays and lost workers, of conversions that are finished. Returns how many."""
    left, deleted = _Time(seconds), 0
    # As literals, or SQLite doesn't see that the index `events_passing` has them.
    passing = RawSQL("conversions_event.kind IN ('delayed', 'interrupted')", (), output_field=BooleanField())
    old = Event.objects.filter(passing, at__lt=db_now() - age).exclude(conversion__status__in=Conversion.UNFINISHED)
    while not left.is_up:
        ids = list(old.order_by().values_list("pk", flat=True)[:BATCH])
        if not ids:
            break
        deleted += Event.objects.filter(pk__in=ids).delete()[0]
        give_back()
    return deleted
