"""Sharing: people outside listen to a conversion by a link, and comment on it, until it is revoked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from conversions.actions.limits import RefusedError
from conversions.ground.clock import db_now
from conversions.models import Comment, Conversion, Event, Share, log
from conversions.words.formats import is_playable
from teams.gatekeeper import may_change, require, require_change
from teams.models import User
from teams.roles import May

MOST_SHARES = 100  # of a conversion, of those that aren't revoked
MOST_COMMENTS = 300  # of a link


@dataclass(frozen=True, slots=True)
class ShareOrder:
    """`lasts`: none, until it is revoked. `password`: as somebody typed it; empty, none is asked for."""

    what: Share.What = Share.What.BOTH
    may_download: bool = False
    lasts: timedelta | None = None
    for_whom: str = ""
    password: str = field(default="", repr=False)


def share(conversion: Conversion, user: User, order: ShareOrder) -> Share:
    """Whoever may share shares what they can see.

    Raises PermissionDenied, also for what is to leave no trace and what somebody keeps to themselves; and RefusedError.
    """
    require(user, May.SHARE, conversion.team_id)
    if not may_be_shared(conversion, user):
        raise PermissionDenied
    if order.what != Share.What.ORIGINAL and not (order.may_download or is_playable(conversion.output_format)):
        problem = _("Browsers can’t play this result: let it be downloaded, or share the original alone.")
        raise RefusedError(("may_download", problem))
    hashed = make_password(order.password) if order.password else ""
    with transaction.atomic():
        row = Conversion.objects.select_for_update().get(pk=conversion.pk)
        if row.status != Conversion.Status.READY or row.deleted_at is not None:
            raise RefusedError(("", _("There is no result to share at the moment.")))
        if row.shares.filter(revoked_at=None).count() >= MOST_SHARES:
            raise RefusedError(("", _("It has %d links already. Revoke some first.") % MOST_SHARES))
        made = Share.objects.create(
            team_id=row.team_id,
            conversion=row,
            created_by=user,
            for_whom=order.for_whom,
            what=order.what,
            may_download=order.may_download,
            password=hashed,
            expires=db_now() + order.lasts if order.lasts else None,
        )
        log(row, Event.Kind.SHARED, actor=user, for_whom=made.for_whom)
    return made


def may_be_shared(conversion: Conversion, user: User) -> bool:
    """Of one that `user` can see and may share with others."""
    is_theirs = not conversion.only_me or conversion.created_by_id == user.pk
    return is_theirs and not conversion.zero_retention and conversion.audition_of_id is None


def may_revoke(made: Share, user: User) -> bool:
    """Who made the link, or may change what it opens."""
    of = made.conversion
    if may_change(user, team_id=of.team_id, created_by_id=of.created_by_id):
        return True
    return made.created_by_id == user.pk


def revoke(made: Share, user: User) -> bool:
    """Nobody gets in by it from now on. False: it is revoked already. Raises PermissionDenied."""
    if not may_revoke(made, user):
        raise PermissionDenied
    with transaction.atomic():
        if Share.objects.filter(pk=made.pk, revoked_at=None).update(revoked_at=Now()) == 0:
            return False
        log(made.conversion, Event.Kind.UNSHARED, actor=user, for_whom=made.for_whom)
    return True


def note_opened(made: Share) -> None:
    """Somebody has come in by it."""
    Share.objects.filter(pk=made.pk).update(opened=F("opened") + 1, last_opened=Now())


def comment(made: Share, name: str, text: str, at_s: float | None = None) -> Comment:
    """By somebody whom the link has let in, who is nobody that we know. Raises RefusedError where it has too many."""
    with transaction.atomic():
        Share.objects.select_for_update(no_key=True).order_by().get(pk=made.pk)
        if made.comments.count() >= MOST_COMMENTS:
            raise RefusedError(("", _("This link has as many comments as it can take.")))
        said = Comment.objects.create(conversion_id=made.conversion_id, share=made, name=name, text=text, at_s=at_s)
        log(made.conversion, Event.Kind.COMMENTED, for_whom=made.for_whom)
    return said


def delete_comment(said: Comment, user: User) -> bool:
    """It is gone for good. False: it is already. Raises PermissionDenied unless they may change the conversion."""
    of = said.conversion
    require_change(user, team_id=of.team_id, created_by_id=of.created_by_id)
    with transaction.atomic():
        if Comment.objects.filter(pk=said.pk).delete()[0] == 0:
            return False
        log(of, Event.Kind.COMMENT_DELETED, actor=user)
    return True
