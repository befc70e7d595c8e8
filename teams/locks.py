"""The lock of a team's row, under which it is decided who is in it and what it uses. Before every other lock but that
of the disk's room. (Who begins to write to SQLite is alone already.)"""

from __future__ import annotations

from django.core.exceptions import PermissionDenied

from teams.models import Membership, Team, User


def lock_team(team_id: int) -> Team:
    """Until the end of the transaction. Raises PermissionDenied where the team was deleted."""
    team = Team.objects.select_for_update(no_key=True).order_by().filter(pk=team_id).first()
    if team is None:
        raise PermissionDenied
    return team


def role_in(team: Team, user: User) -> str:
    """As it is now, whatever the request has read before. Raises PermissionDenied for who isn't in it."""
    role = Membership.objects.filter(team=team, user=user).values_list("role", flat=True).first()
    if role is None:
        raise PermissionDenied
    return role
