"""E-mail when recordings are finished, for those who chose it: one for each, or one for a batch when nothing of it is
unfinished.

It is claimed by a conditional UPDATE before it is sent, so that of two at once one sends it. A server that doesn't take
it is tried again later, for a day; nothing waits for it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from smtplib import SMTPException, SMTPRecipientsRefused
from urllib.parse import urljoin
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse, set_script_prefix
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override
from redis.exceptions import RedisError

from conversions.ground import notes
from conversions.ground.clock import db_now
from conversions.ground.connections import give_back
from conversions.models import Conversion
from conversions.words.noticed import missing_words
from teams.models import User

logger = logging.getLogger(__name__)

GIVE_UP = timedelta(days=1)
# A page that sends its recordings one by one may have another for the batch.
SETTLED = timedelta(minutes=1)
AGAIN_AFTER_S = 60
_AT_MOST = 100
_NOTE = "mail"
_READ = (
    "id", "title", "status", "error", "error_code", "voice_name", "batch_id", "created_by_id", "source_noticed",
    "source_duration_s",
)  # fmt: skip


def tell() -> int:
    """Sends what is due. Returns how many e-mails. One look into an index when nothing is."""
    if not _due().exists() or _is_resting():
        return 0
    sent = 0
    for one in due_now()[:_AT_MOST]:
        try:
            sent += _tell(one)
        except (SMTPException, OSError) as error:
            # The server, not the message: the others would fare alike.
            logger.warning("e-mail can't be sent, it is tried again in %d s: %s", AGAIN_AFTER_S, error)
            _rest()
            break
    return sent


def _due() -> QuerySet[Conversion]:
    """As the index `mail_due` has them."""
    return Conversion.objects.filter(mail_due=True, finished_at__isnull=False)


def due_now() -> QuerySet[Conversion]:
    """Finished, and of a batch of which nothing is unfinished."""
    same_batch = Conversion.objects.filter(batch=OuterRef("batch"), deleted_at=None).order_by()
    unfinished = same_batch.filter(Q(status__in=Conversion.UNFINISHED) | Q(created_at__gt=db_now() - SETTLED))
    finished = _due().exclude(status__in=Conversion.UNFINISHED).filter(~Exists(unfinished))
    return finished.only(*_READ).order_by("finished_at", "pk")


def _tell(one: Conversion) -> int:
    """Raises SMTPException and OSError when it is to be tried again."""
    claimed = _claim(one)
    worth_it = [row for row in claimed if row.deleted_at is None]
    if all(row.status == Conversion.Status.CANCELLED for row in worth_it):
        return 0  # whoever cancelled it knows
    # Who has left the team doesn't hear of what it makes.
    user = User.objects.filter(conversions=one.pk, is_active=True, memberships__team__conversions=one.pk).first()
    give_back()  # an e-mail may take seconds
    if user is None or not user.mail_when_ready:
        return 0
    try:
        with override(settings.LANGUAGE_CODE):
            _message(user, worth_it).send()
    except SMTPRecipientsRefused as error:
        logger.warning("the mail server takes nothing for user %s: %s", user.pk, _codes(error))
        return 0
    except (SMTPException, OSError):
        _put_back([row.pk for row in claimed])
        raise
    return 1


def _claim(one: Conversion) -> list[Conversion]:
    """Those that one e-mail is about; none if another process was first."""
    mine = Q(pk=one.pk) if one.batch_id is None else Q(batch=one.batch_id, created_by=one.created_by_id)
    with transaction.atomic():
        rows = Conversion.objects.select_for_update().filter(mine, mail_due=True)
        found = list(rows.only(*_READ, "deleted_at").order_by("batch_place", "created_at", "pk"))
        Conversion.objects.filter(pk__in=[row.pk for row in found]).update(mail_due=False)
    return found


def _put_back(ids: Sequence[UUID]) -> None:
    rows = Conversion.objects.filter(pk__in=ids)
    kept = rows.filter(finished_at__gt=db_now() - GIVE_UP).update(mail_due=True)
    if kept < len(ids):
        logger.warning("of %d finished recordings nobody was told: e-mail failed for a day", len(ids) - kept)


def _message(user: User, conversions: Sequence[Conversion]) -> EmailMessage:
    set_script_prefix(f"{settings.SITE_PATH}/")  # Django sets it in threads that answer requests, and this is none
    ready = [row for row in conversions if row.status == Conversion.Status.READY]
    asked = [row for row in conversions if row.asks]
    failed = [row for row in conversions if row.status == Conversion.Status.FAILED and not row.asks]
    cancelled = [row for row in conversions if row.status == Conversion.Status.CANCELLED]
    context = {
        "user": user,
        "site_name": settings.SITE_NAME,
        "ready": [_line(row, missing_words(row.source_noticed, row.source_duration_s)) for row in ready],
        "asked": [_line(row, row.error) for row in asked],
        "failed": [_line(row, row.error) for row in failed],
        "cancelled": [_line(row) for row in cancelled],
        "address": _address(conversions[0]),
        "account": _absolute(reverse("teams:account")),
    }
    body = render_to_string("email/finished.txt", context)
    return EmailMessage(_subject(conversions, len(ready)), body, None, [user.email])


def _line(conversion: Conversion, more: str = "") -> str:
    words = _("“%(title)s” in the voice of %(voice)s") % {"title": conversion.title, "voice": conversion.voice_name}
    return f"{words}: {more}" if more else words


def _subject(conversions: Sequence[Conversion], ready: int) -> str:
    count = len(conversions)
    if count == 1:
        words = _("“%(title)s” is ready") if ready else _("“%(title)s” could not be converted")
        if conversions[0].asks:
            words = _("“%(title)s” needs an answer")
        return " ".join((words % {"title": conversions[0].title}).split())
    if ready == count:
        return ngettext("%d recording is ready", "%d recordings are ready", count) % count
    return _("%(ready)d of %(count)d recordings are ready") % {"ready": ready, "count": count}


def _address(conversion: Conversion) -> str:
    if conversion.batch_id is None:
        return _absolute(reverse("conversions:detail", args=[conversion.pk]))
    return _absolute(reverse("conversions:batch", args=[conversion.batch_id]))


def _absolute(path: str) -> str:
    """Nowhere, if nobody said where we are. The path of BASE_URL is in `path` already."""
    return urljoin(settings.BASE_URL, path) if settings.BASE_URL else ""


def _codes(error: SMTPRecipientsRefused) -> list[int]:
    return [code for code, _words in error.recipients.values()]


def _is_resting() -> bool:
    try:
        (note,) = notes.read(_NOTE)
    except RedisError:
        return False
    return bool(note) and db_now().timestamp() < float(note["until"])


def _rest() -> None:
    try:
        notes.write(_NOTE, {"until": db_now().timestamp() + AGAIN_AFTER_S})
    except RedisError as error:
        logger.warning("that e-mail rests is not known to others: %s", error)
