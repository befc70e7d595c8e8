"""What is erased by itself. Zero retention (`enable_logging=false`): the recording and its result are gone one hour
after the first whole download, and after 24 hours at most; a copy inherits the clock of what it was made of. What was
deleted is erased once it can't be brought back, and what was uploaded for its parts when nobody has ordered anything of
it for `UNORDERED_DAYS`, also where it couldn't be read.

The ledger keeps seconds and credits, and the audit log who did what, but for zero retention ones."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from conversions import actions
from conversions.access.reach import UNDO_WITHIN
from conversions.ground.clock import db_now
from conversions.models import Conversion, Event, Recording

AFTER_DOWNLOAD = timedelta(hours=1)
AT_MOST = timedelta(hours=24)
# Of what nobody has ordered: read, or what became of reading it. While it is being read it is left alone.
_UNORDERED = (Conversion.Status.UNORDERED, Conversion.Status.FAILED, Conversion.Status.CANCELLED)


def note_download(conversion: Conversion) -> None:
    """The result was handed over whole. Only the first time counts."""
    Conversion.objects.filter(pk=conversion.pk, downloaded_at=None).update(downloaded_at=Now())


def gone_at(conversion: Conversion) -> datetime:
    """When nothing of it will be left, as things stand."""
    at_most = (conversion.source_since or conversion.created_at) + AT_MOST
    return at_most if conversion.downloaded_at is None else min(at_most, conversion.downloaded_at + AFTER_DOWNLOAD)


def unordered_until(conversion: Conversion) -> datetime | None:
    """How long it is kept at least while nobody orders anything of it. None: until somebody deletes it, or orders.

    Whoever brought it back has as long again.
    """
    if not conversion.unordered or conversion.status not in _UNORDERED or not settings.UNORDERED_DAYS:
        return None
    restored: datetime | None = _restored().filter(conversion=conversion.pk).aggregate(at=Max("at"))["at"]
    return max(conversion.created_at, restored or conversion.created_at) + timedelta(days=settings.UNORDERED_DAYS)


def erase_unordered() -> int:
    """Erases what was kept for its parts and was ordered by nobody in time. Returns how many."""
    if not settings.UNORDERED_DAYS:
        return 0
    since = db_now() - timedelta(days=settings.UNORDERED_DAYS)
    lately = _restored().filter(conversion=OuterRef("pk"), at__gte=since)
    kept = Q(~Exists(lately), unordered=True, status__in=_UNORDERED, created_at__lt=since, deleted_at=None)
    return _erase(Conversion.objects.filter(kept), if_still=kept)


def _restored() -> QuerySet[Event]:
    return Event.objects.filter(kind=Event.Kind.RESTORED).order_by()


def forget_recordings() -> int:
    """Recordings that were kept to be auditioned, and the auditions, have a day. Returns how many went."""
    due = Recording.objects.filter(source_since__lt=db_now() - AT_MOST)
    forgotten = 0
    for recording in due:
        actions.forget(recording)
        forgotten += 1
    return forgotten


def erase_due() -> int:
    """Erases zero retention ones that have had their time, in whatever state they are. Returns how many."""
    now = db_now()
    old = Q(created_at__lt=now - AT_MOST) | Q(source_since__lt=now - AT_MOST)
    return _erase(Conversion.objects.filter(old | Q(downloaded_at__lt=now - AFTER_DOWNLOAD), enable_logging=False))


def erase_deleted() -> int:
    """Erases what was deleted and can't be brought back any more. Returns how many."""
    return _erase(
        Conversion.objects.filter(deleted_at__lte=db_now() - UNDO_WITHIN), if_still=Q(deleted_at__isnull=False)
    )


def erase_unreachable() -> int:
    """Erases what only its creator could see, whose row is gone: nobody could ever reach it. Returns how many."""
    hidden = Q(only_me=True) | Q(enable_logging=False)
    return _erase(Conversion.objects.filter(hidden, created_by=None))


def _erase(due: QuerySet[Conversion], *, if_still: Q | None = None) -> int:
    erased = 0
    # Without an order: for one, SQLite would read the whole table in it.
    for conversion in due.order_by().only("pk"):
        actions.erase(conversion, if_still=if_still)
        erased += 1
    if erased and connection.vendor == "sqlite":
        with connection.cursor() as cursor:  # the write-ahead log still has the rows as they were
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return erased
