"""What each role may do: the one table. Who has which is `Membership.role`; `gatekeeper` asks it for every request.

docs/roles.md shows it; a test compares the two.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from teams.models import Role


class May(Enum):
    """What a role may allow within its team."""

    VIEW = auto()
    CONVERT = auto()
    EXPORT = auto()  # a result in another format: work, and space
    CHANGE_OWN = auto()
    CHANGE_ANY = auto()
    SHARE = auto()  # with people outside
    INVITE = auto()
    CHANGE_ROLES = auto()
    REMOVE = auto()
    HAND_OVER = auto()


_OWNERS: Final = frozenset({Role.OWNER})
_ADMINS: Final = _OWNERS | {Role.ADMIN}
_MEMBERS: Final = _ADMINS | {Role.MEMBER}
ALLOWED: Final = {
    May.VIEW: _MEMBERS | {Role.VIEWER},
    May.CONVERT: _MEMBERS,
    May.EXPORT: _MEMBERS,
    May.CHANGE_OWN: _MEMBERS,
    May.CHANGE_ANY: _ADMINS,
    May.SHARE: _MEMBERS,
    May.INVITE: _ADMINS,
    May.CHANGE_ROLES: _ADMINS,
    May.REMOVE: _ADMINS,
    May.HAND_OVER: _OWNERS,
}
# Whom one may invite as, make, change and remove: nobody makes or unmakes their equals but owners.
MANAGES: Final = {
    Role.OWNER: frozenset(Role),
    Role.ADMIN: frozenset({Role.MEMBER, Role.VIEWER}),
    Role.MEMBER: frozenset[Role](),
    Role.VIEWER: frozenset[Role](),
}


def allows(role: str, permission: May) -> bool:
    return role in ALLOWED[permission]


def manages(role: str, other: str) -> bool:
    """Whether who has `role` has a say about people of the role `other`, where a permission speaks of people."""
    return other in MANAGES[Role(role)]
