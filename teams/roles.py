"""What each role may do: the one table. Who has which is `Membership.role`; `gatekeeper` asks it for every request."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from teams.models import Role


class May(Enum):
    """What a role may allow within its team."""

    VIEW = auto()
    CONVERT = auto()
    EXPORT = auto()  # a result in another format: work, and space
    CHANGE_ANY = auto()
    SHARE = auto()  # by a link, with people outside


_MEMBERS: Final = frozenset({Role.OWNER, Role.ADMIN, Role.MEMBER})
_ALLOWED: Final = {
    May.VIEW: _MEMBERS | {Role.VIEWER},
    May.CONVERT: _MEMBERS,
    May.EXPORT: _MEMBERS,
    May.CHANGE_ANY: frozenset({Role.OWNER, Role.ADMIN}),
    May.SHARE: _MEMBERS,
}


def allows(role: str, permission: May) -> bool:
    return role in _ALLOWED[permission]
