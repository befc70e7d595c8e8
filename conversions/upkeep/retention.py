"""What is erased by itself. Zero retention (`enable_logging=false`): the recording and its result are gone one hour
after the first whole download, and after 24 hours at most; a copy inherits the clock of what it was made of. What was
deleted is erased once it can't be brought back.

The ledger keeps seconds and credits, and the audit log who did what, but for zero retention ones."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from conversions import actions
from conversions.access.reach import UNDO_WITHIN
from conversions.ground.clock import db_now
from conversions.models import Conversion, Recording

AFTER_DOWNLOAD = timedelta(hours=1)
AT_MOST = timedelta(hours=24)


def note_download(conversion: Conversion) -> None:
    """The result was handed over whole. Only the first time counts."""
    Conversion.objects.filter(pk=conversion.pk, downloaded_at=None).update(downloaded_at=Now())


def gone_at(conversion: Conversion) -> datetime:
    """When nothing of it will be left, as things stand."""
    at_most = (conversion.source_since or conversion.created_at) + AT_MOST
    return at_most if conversion.downloaded_at is None else min(at_most, conversion.downloaded_at + AFTER_DOWNLOAD)


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
