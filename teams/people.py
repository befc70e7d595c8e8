"""When people were here, and when they go for a while: they can't sign in, and nothing of theirs is touched."""

from __future__ import annotations

import logging
import time

from django.db import DatabaseError
from django.db.models import QuerySet

from teams.models import Session, User

logger = logging.getLogger(__name__)

_SEEN_EVERY_S = 3600  # a write for each person, and none for what their pages ask every second


def note_seen(user: User) -> None:
    """That somebody is here, once an hour. A page is shown all the same where the database takes nothing."""
    now_s = int(time.time())
    if user.seen_s is not None and now_s - user.seen_s < _SEEN_EVERY_S:
        return
    user.seen_s = now_s
    try:
        User.objects.filter(pk=user.pk).update(seen_s=now_s)
    except DatabaseError as error:
        logger.warning("that user %s was here could not be kept: %s", user.pk, error)


def deactivate(people: QuerySet[User]) -> None:
    """They are signed out everywhere, and stay so when they are let in again."""
    ids = list(people.values_list("pk", flat=True))
    User.objects.filter(pk__in=ids).update(is_active=False)
    Session.objects.filter(user__in=ids).delete()
