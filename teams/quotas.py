"""Quotas: how much a team and a person may convert in a month and keep. Usage is passed in by those who count it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from teams.models import Membership, Team, User

_NAMED_ADMINS = 3


@dataclass(frozen=True, slots=True)
class Usage:
    """What is used already: seconds of audio since the month began, and bytes kept."""

    team_seconds: float
    user_seconds: float
    team_bytes: int


def has_limit(membership: Membership) -> bool:
    team = membership.team
    return any(
        limit is not None for limit in (team.monthly_minutes, membership.monthly_minutes, team.storage_megabytes)
    )


def month_start(now: datetime | None = None) -> datetime:
    """The first moment of this month, in the site's time zone."""
    return timezone.localtime(now).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def refusal(membership: Membership, usage: Usage, *, seconds: float = 0.0, size: int = 0) -> str | None:
    """Why a recording of `seconds` and `size` bytes goes beyond a quota, in words; None when it doesn't.

    With the length still unknown (0 seconds) it is refused once nothing is left.
    """
    team = membership.team
    for limit, used, words in (
        (
            team.monthly_minutes,
            usage.team_seconds,
            _("Your team has used %(used)d of its %(limit)d minutes this month%(this)s."),
        ),
        (
            membership.monthly_minutes,
            usage.user_seconds,
            _("You have used %(used)d of your %(limit)d minutes this month%(this)s."),
        ),
    ):
        if limit is not None and (used + seconds > limit * 60 or used >= limit * 60):
            this = _(", and this recording has %d more") % -(-seconds // 60) if seconds and used < limit * 60 else ""
            sentence = words % {"used": used // 60, "limit": limit, "this": this}
            return f"{sentence} {_next_month()} {_who_can_change_it()}"
    return storage_refusal(team, usage.team_bytes, size)


def storage_refusal(team: Team, used: int, size: int) -> str | None:
    """Why `size` more bytes go beyond what the team may keep, in words; None when they don't."""
    if team.storage_megabytes is None or used + size <= team.storage_megabytes * 1000**2:
        return None
    sentence = _("Your team keeps %(used)d of its %(limit)d MB, and this does not fit.") % {
        "used": used // 1000**2,
        "limit": team.storage_megabytes,
    }
    return f"{sentence} {_('Delete recordings in the history to make room.')} {_who_can_change_it()}"


def _next_month() -> str:
    start = month_start()
    following = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    return _("It starts anew on %s.") % date_format(following, "DATE_FORMAT")


def _who_can_change_it() -> str:
    admins = User.objects.filter(is_superuser=True, is_active=True).order_by("pk")[:_NAMED_ADMINS]
    names = _(" or ").join(str(admin) for admin in admins)
    return _("%s can change the limit.") % names if names else ""
