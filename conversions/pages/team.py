"""The team's people and invitations, as their pages show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from conversions import actions
from conversions.ledger.usage import seconds_by_person
from teams.actions import open_invitations
from teams.models import Invitation, Membership, Role
from teams.roles import MANAGES, May, allows, manages


@dataclass(frozen=True, slots=True)
class Person:
    membership: Membership
    minutes: int  # of recordings converted this month
    is_self: bool
    may_change: bool


@dataclass(frozen=True, slots=True)
class Invited:
    invitation: Invitation
    link: str


def people(mine: Membership) -> list[Person]:
    """Owners first, then by name. Two queries."""
    seconds, order = seconds_by_person(mine.team), list(Role)
    rows = sorted(
        mine.team.memberships.select_related("user"),
        key=lambda row: (order.index(Role(row.role)), str(row.user).casefold(), row.pk),
    )
    return [
        Person(row, round(seconds.get(row.user_id, 0.0) / 60), row.user_id == mine.user_id, may_change(mine, row))
        for row in rows
    ]


def may_change(mine: Membership, other: Membership) -> bool:
    """The role, or whether they are in it."""
    return allows(mine.role, May.CHANGE_ROLES) and manages(mine.role, other.role)


def invited(mine: Membership, link_of: Callable[[Invitation], str]) -> list[Invited]:
    """Those that are open, but for roles that one could not give oneself: a link is as good as the role. One query."""
    rows = open_invitations().filter(team=mine.team_id, role__in=MANAGES[Role(mine.role)])
    return [Invited(row, link_of(row)) for row in rows.select_related("invited_by").order_by("-pk")]


def kept_words(left: actions.Left) -> list[str]:
    """What stays the team's when somebody goes from it."""
    words = (
        (
            ngettext_lazy(
                "%d recording stays with the team; it can be listened to and changed as before.",
                "%d recordings stay with the team; they can be listened to and changed as before.",
            ),
            left.stays,
        ),
        (
            ngettext_lazy(
                "%d of them is not finished yet; it will be.", "%d of them are not finished yet; they will be."
            ),
            left.unfinished,
        ),
        (ngettext_lazy("%d voice of the team’s own stays.", "%d voices of the team’s own stay."), left.voices),
    )
    lines = [line % count for line, count in words if count]
    return lines or [_("There is nothing of theirs that the team could see.")]


def erased_words(left: actions.Left) -> list[str]:
    """What goes in any case: zero retention, and what was being tried out."""
    count = left.erased - left.hidden
    words = ngettext_lazy(
        "%d recording of which nothing is to be kept, or that was only tried, is erased.",
        "%d recordings of which nothing is to be kept, or that were only tried, are erased.",
    )
    return [words % count] if count else []
