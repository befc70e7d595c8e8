"""Who is in a team, and as what. Of two who act at once each sees what the other has done."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from teams.audit import record
from teams.locks import lock_team, role_in
from teams.models import Membership, Role, Team, User
from teams.roles import ALLOWED, May, allows, manages


class LastOwnerError(Exception):
    """The team would have no owner who can sign in. In words for people."""


def change_role(actor: User, membership: Membership, role: Role) -> bool:
    """False: it was that already. Raises PermissionDenied and LastOwnerError."""
    with transaction.atomic():
        team, now = _managed(actor, membership, May.CHANGE_ROLES)
        if not manages(role_in(team, actor), role):
            raise PermissionDenied
        if now.role == role:
            return False
        if role != Role.OWNER:
            _require_other_owner(now)
        Membership.objects.filter(pk=now.pk).update(role=role)
        record(actor, team, "change role", now.user, before=now.role, role=role)
    return True


def expel(actor: User, membership: Membership) -> None:
    """Of what they have made nothing is touched: `conversions.actions.remove_member` does both.

    Raises PermissionDenied, also for oneself, and LastOwnerError.
    """
    with transaction.atomic():
        team, now = _managed(actor, membership, May.REMOVE)
        if now.user_id == actor.pk:
            raise PermissionDenied
        _require_other_owner(now)
        now.delete()
        record(actor, team, "remove", now.user, role=now.role)


def leave(actor: User, team: Team) -> None:
    """As `expel`, by oneself. Raises PermissionDenied for who isn't in it, and LastOwnerError."""
    with transaction.atomic():
        team = lock_team(team.pk)
        now = _now(Membership.objects.filter(team=team, user=actor))
        _require_other_owner(now)
        now.delete()
        record(actor, team, "leave", actor, role=now.role)


def hand_over(actor: User, membership: Membership) -> None:
    """The other one is an owner from now on, and the actor an admin. Raises PermissionDenied."""
    with transaction.atomic():
        team, now = _managed(actor, membership, May.HAND_OVER)
        if now.user_id == actor.pk or not now.user.is_active:
            raise PermissionDenied
        Membership.objects.filter(pk=now.pk).update(role=Role.OWNER)
        Membership.objects.filter(team=team, user=actor).update(role=Role.ADMIN)
        record(actor, team, "hand over", now.user, before=now.role)


def heirs(team: Team, person: User) -> QuerySet[User]:
    """Who can take on what only `person` can see: owners and admins who can sign in."""
    of_team = Membership.objects.filter(team=team, role__in=ALLOWED[May.CHANGE_ANY])
    return User.objects.filter(is_active=True, memberships__in=of_team).exclude(pk=person.pk).order_by("name", "email")


def _managed(actor: User, membership: Membership, permission: May) -> tuple[Team, Membership]:
    """The team, locked, and the membership as it is now."""
    team = lock_team(membership.team_id)
    mine = role_in(team, actor)
    now = _now(Membership.objects.filter(team=team, pk=membership.pk))
    if not (allows(mine, permission) and manages(mine, now.role)):
        raise PermissionDenied
    return team, now


def _now(memberships: QuerySet[Membership]) -> Membership:
    found = memberships.select_related("user").first()
    if found is None:
        raise PermissionDenied
    return found


def _require_other_owner(membership: Membership) -> None:
    """But for who is none: one who can sign in."""
    if membership.role != Role.OWNER:
        return
    owners = Membership.objects.filter(team=membership.team_id, role=Role.OWNER, user__is_active=True)
    if not owners.exclude(pk=membership.pk).exists():
        raise LastOwnerError(_("A team needs an owner. Make somebody else an owner first."))
