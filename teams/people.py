"""When people go for a while: they can't sign in, and nothing of theirs is touched."""

from __future__ import annotations

from django.db.models import QuerySet

from teams.models import Session, User


def deactivate(people: QuerySet[User]) -> None:
    """They are signed out everywhere, and stay so when they are let in again."""
    ids = list(people.values_list("pk", flat=True))
    User.objects.filter(pk__in=ids).update(is_active=False)
    Session.objects.filter(user__in=ids).delete()
