"""Invitations: made, revoked, and accepted once."""

from __future__ import annotations

from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from teams.audit import record
from teams.gatekeeper import require
from teams.locks import lock_team, role_in
from teams.models import Invitation, Membership, Role, Team, User
from teams.roles import ALLOWED, MANAGES, May, manages

EXPIRES_DAYS = (1, 7, 30)


class InvitedError(Exception):
    """The invitation lets nobody in: it was used, revoked or ran out, or who made it may invite nobody any more."""


def invite(actor: User, team: Team, *, role: Role, email: str = "", days: int = 7) -> Invitation:
    """Raises PermissionDenied, and ValueError for a time that isn't offered."""
    require(actor, May.INVITE, team.pk)
    if days not in EXPIRES_DAYS:
        raise ValueError(days)
    with transaction.atomic():
        team = lock_team(team.pk)
        if not manages(role_in(team, actor), role):
            raise PermissionDenied
        invitation = Invitation.objects.create(
            team=team, role=role, email=email, invited_by=actor, expires_at=timezone.now() + timedelta(days=days)
        )
        record(actor, team, "invite", invitation, role=role, days=days)
    return invitation


def open_invitations() -> QuerySet[Invitation]:
    """Those whose links let somebody in: none whose maker could not make it today."""
    possible = Q()
    for role in ALLOWED[May.INVITE]:
        maker = Membership.objects.filter(
            team=OuterRef("team"), user=OuterRef("invited_by"), user__is_active=True, role=role
        )
        possible |= Q(Exists(maker), role__in=MANAGES[role])
    return Invitation.objects.filter(possible, used_at=None, revoked_at=None, expires_at__gt=timezone.now())


def revoke(actor: User, invitation: Invitation) -> bool:
    """False: it was used, revoked or had run out already. Raises PermissionDenied."""
    require(actor, May.INVITE, invitation.team_id)
    with transaction.atomic():
        team = lock_team(invitation.team_id)
        if not manages(role_in(team, actor), invitation.role):
            raise PermissionDenied
        if not open_invitations().filter(pk=invitation.pk).update(revoked_at=timezone.now()):
            return False
        record(actor, team, "revoke", invitation, role=invitation.role)
    return True


def accept(user: User, invitation: Invitation) -> bool:
    """False: they are in the team already, and the invitation is as it was. Raises InvitedError."""
    with transaction.atomic():
        try:
            team = lock_team(invitation.team_id)
        except PermissionDenied as error:
            raise InvitedError from error
        if Membership.objects.filter(team=team, user=user).exists():
            return False
        if not open_invitations().filter(pk=invitation.pk).update(used_at=timezone.now()):
            raise InvitedError
        Membership.objects.create(team=team, user=user, role=invitation.role)
        record(user, team, "join", user, role=invitation.role, invited_by=str(invitation.invited_by or ""))
    return True


def welcome(invitation: Invitation, *, name: str, email: str, password: str) -> User:
    """Somebody new, with an account, in the team. Raises InvitedError, and IntegrityError for an address that has an
    account."""
    with transaction.atomic():
        user = User.objects.create_user(email, password, name=name)
        accept(user, invitation)
    return user
