"""The one place that decides who reaches which object.

Every object of a team is loaded through `reachable` or `get_or_404`: what belongs to another team does not exist.
What exists but may not be done raises `PermissionDenied`.
"""

from __future__ import annotations

from typing import TypeVar

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, ValidationError
from django.db.models import Expression, Model, QuerySet
from django.http import Http404, HttpRequest

from statements import Given, Select
from teams.models import Membership, Team, User
from teams.roles import May, allows

ModelT = TypeVar("ModelT", bound=Model)


_first_membership = Select(
    lambda: Membership.objects.filter(user=Given("user_id")).select_related("team").order_by("pk")[:1]
)


def signed_in(request: HttpRequest) -> User:
    """The user, whom LoginRequiredMiddleware or the admin site has let through."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def membership(user: User | AnonymousUser) -> Membership | None:
    """The user's membership of the team that they work in: the one they joined first."""
    if not isinstance(user, User):
        return None
    cached: Membership | None = getattr(user, "_membership", None)
    if cached is None:
        cached = _first_membership.first(Membership, user_id=user.pk)
        if cached is not None:
            cached.user = user
        user._membership = cached  # type: ignore[attr-defined]
    return cached


def member_of(user: User, team: Team | None) -> Membership | None:
    if team is None:
        return None
    found = membership(user)
    if found is not None and found.team_id == team.pk:
        return found
    return user.memberships.select_related("team").filter(team=team).first()


def current_team(user: User | AnonymousUser) -> Team | None:
    found = membership(user)
    return found.team if found else None


def may(user: User | AnonymousUser, permission: May, team_id: int | None = None) -> bool:
    """Whether `user` may, in the team `team_id` (by default the one they work in)."""
    if not isinstance(user, User):
        return False
    found = membership(user)
    if team_id is not None and (found is None or found.team_id != team_id):
        found = user.memberships.filter(team_id=team_id).first()
    return found is not None and allows(found.role, permission)


def require(user: User | AnonymousUser, permission: May, team_id: int | None = None) -> None:
    if not may(user, permission, team_id):
        raise PermissionDenied


def may_change(user: User | AnonymousUser, *, team_id: int, created_by_id: int | None) -> bool:
    """Members change what they made; admins and owners change everything of their team."""
    if may(user, May.CHANGE_ANY, team_id):
        return True
    return isinstance(user, User) and created_by_id == user.pk and may(user, May.CHANGE_OWN, team_id)


def require_change(user: User | AnonymousUser, *, team_id: int, created_by_id: int | None) -> None:
    """Raises PermissionDenied unless `user` may change it; superusers may, from the admin site."""
    if not (user.is_superuser or may_change(user, team_id=team_id, created_by_id=created_by_id)):
        raise PermissionDenied


def reachable(user: User | AnonymousUser, objects: QuerySet[ModelT]) -> QuerySet[ModelT]:
    """Those of `objects` that belong to the team in which `user` works. The model has a `team` field."""
    team = current_team(user)
    return objects.none() if team is None else objects.filter(team=team)


def of_teams(user: User | Expression, objects: QuerySet[ModelT]) -> QuerySet[ModelT]:
    """Those of `objects` that belong to any of the user's teams; `user` may be an expression that brings their id."""
    return objects.filter(team__memberships__user=user)


def get_or_404(user: User | AnonymousUser, objects: QuerySet[ModelT], **lookup: object) -> ModelT:
    """The one object of `lookup` within any of the user's teams.

    Raises Http404 for what does not exist and for what belongs to others: they can't be told apart.
    """
    if not isinstance(user, User):
        raise Http404
    try:
        return of_teams(user, objects).get(**lookup)
    except (ObjectDoesNotExist, ValidationError, ValueError) as error:
        raise Http404 from error
