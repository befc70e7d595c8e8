"""Credits and minutes, as the ledger has them: of a conversion, a team, a month.

What was answered was billed. What was sent and has no whole answer (lost, or still on its way) may have been billed;
it is never added to the rest. What was refused or never sent costs nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversions.models import Call, Conversion
from conversions.words.noticed import there_words
from teams.models import Team, User
from teams.quotas import month_start
from voices.models import Endpoint

_BILLED = Q(outcome=Call.Outcome.ANSWERED)
_PERHAPS = Q(outcome__in=[Call.Outcome.SENT, Call.Outcome.UNCLEAR])
_SUMS = {
    "credits_sum": Sum("credits", filter=_BILLED, default=0.0),
    "perhaps_sum": Sum("credits", filter=_PERHAPS, default=0.0),
    "seconds_sum": Sum("seconds", filter=_BILLED | _PERHAPS, default=0.0),
    "called": Count("pk", filter=_BILLED | _PERHAPS),
}


@dataclass(frozen=True, slots=True)
class Used:
    """Credits that were billed and those that may have been; seconds of sound and number of the calls for them."""

    credits: float = 0.0
    perhaps: float = 0.0
    seconds: float = 0.0
    called: int = 0

    @classmethod
    def of(cls, sums: dict[str, Any]) -> Used:
        return cls(sums["credits_sum"], sums["perhaps_sum"], sums["seconds_sum"], sums["called"])


@dataclass(frozen=True, slots=True)
class Spending:
    """What one person of a team used at one endpoint in a month."""

    team: str
    user: str
    endpoint: str
    used: Used


def used_by(calls: QuerySet[Call]) -> Used:
    return Used.of(calls.order_by().aggregate(**_SUMS))


def used_this_month(team: Team) -> Used:
    return used_by(Call.objects.filter(team=team, sent_at__gte=month_start()))


def month(start: datetime, end: datetime) -> list[Spending]:
    """Everything sent from `start` to before `end`, most expensive first: four queries, however many calls."""
    # Named one by one, the endpoints let both databases read the month from `ledger_by_endpoint`.
    endpoints = Endpoint.objects.in_bulk()
    calls = Call.objects.filter(endpoint__in=list(endpoints), sent_at__gte=start, sent_at__lt=end).order_by()
    rows: list[Any] = list(calls.values("team_id", "user_id", "endpoint_id").annotate(**_SUMS))
    teams = Team.objects.in_bulk({row["team_id"] for row in rows})
    users = User.objects.in_bulk({row["user_id"] for row in rows if row["user_id"]})
    lines = [
        Spending(
            team=str(teams[row["team_id"]]) if row["team_id"] in teams else _("(deleted)"),
            user=users[row["user_id"]].email if row["user_id"] in users else _("(deleted)"),
            endpoint=str(endpoints[row["endpoint_id"]]),
            used=Used.of(row),
        )
        for row in rows
    ]
    return sorted(lines, key=lambda line: (-line.used.credits, line.team, line.user, line.endpoint))


def total(lines: list[Spending]) -> Used:
    return Used(
        sum(line.used.credits for line in lines),
        sum(line.used.perhaps for line in lines),
        sum(line.used.seconds for line in lines),
        sum(line.used.called for line in lines),
    )


# ---- in words ----


def estimate(conversion: Conversion) -> int | None:
    """What sending the recording costs, in credits. None where that isn't known, or nothing is billed."""
    return math.ceil(conversion.endpoint.price(conversion.source_duration_s or 0.0)) or None


def credits_words(credits: float) -> str:
    """ "1,250 credits" """
    count = math.ceil(credits)
    amount = number_format(count, 0, force_grouping=True)
    return ngettext("%(amount)s credit", "%(amount)s credits", count) % {"amount": amount}


def cost_words(conversion: Conversion, used: Used) -> str:
    """For a conversion's page: what it is going to cost, or has cost. Empty where nothing costs anything."""
    if not conversion.endpoint.billed:
        return ""
    if not conversion.finished:
        return _before(conversion)
    values = {"credits": credits_words(used.credits), "perhaps": credits_words(used.perhaps)}
    if used.credits and used.perhaps:
        return _("%(credits)s, and perhaps about %(perhaps)s more") % values
    if used.perhaps:
        return _("perhaps about %(perhaps)s") % values
    if used.credits:
        return values["credits"]
    return "" if used.called else _("nothing")  # an endpoint whose price nobody entered


def _before(conversion: Conversion) -> str:
    expected, price = estimate(conversion), conversion.endpoint.price_a_minute
    if expected is not None:
        return _("about %s") % credits_words(expected)
    return _("%s a minute") % credits_words(price) if price else ""


def cancelled_words(conversion: Conversion, used: Used) -> str:
    """Whether a cancelled conversion has cost anything. Empty where nothing costs anything."""
    if not conversion.endpoint.billed:
        return ""
    values = {"endpoint": conversion.endpoint.name, "credits": credits_words(used.perhaps or used.credits)}
    if used.perhaps:
        words = _("It was cancelled while %(endpoint)s was working; this may have been billed: about %(credits)s.")
    elif used.credits:
        words = _("%(credits)s had been billed before.")
    elif used.called:
        words = _("%(endpoint)s had been called before; this may have been billed.")
    else:
        words = _("Nothing was billed.")
    return words % values


def retry_words(conversion: Conversion) -> str:
    """What stands on the Retry button: its price where the last attempt may have been billed already."""
    if conversion.asks:
        return _there_words(conversion)
    price = estimate(conversion) if conversion.error_code in Conversion.PAID_BEFORE else None
    return _("Retry (about %s again)") % credits_words(price) if price else _("Retry")


def _there_words(conversion: Conversion) -> str:
    """ "Convert the 9.2 seconds that are there (about 154 credits)" """
    length, price = there_words(conversion.source_duration_s or 0.0), estimate(conversion)
    if price is None:
        return _("Convert the %(length)s that are there") % {"length": length}
    values = {"length": length, "credits": credits_words(price)}
    return _("Convert the %(length)s that are there (about %(credits)s)") % values


def month_words(team: Team, used: Used) -> str:
    """One line for the team. Empty while nothing was used."""
    values = {"team": team.name, "credits": credits_words(used.credits), "perhaps": credits_words(used.perhaps)}
    if used.credits and used.perhaps:
        return _("%(team)s has used %(credits)s this month, and perhaps about %(perhaps)s more.") % values
    if used.credits:
        return _("%(team)s has used %(credits)s this month.") % values
    return _("%(team)s may have used about %(perhaps)s this month.") % values if used.perhaps else ""
