"""Credits and minutes, as the ledger has them: of a conversion, a team, a month.

What was answered was billed. What was sent and has no whole answer (lost, or still on its way) may have been billed;
it is never added to the rest. What was refused or never sent costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict, cast

from django.db.models import Count, Q, QuerySet, Sum
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversions.models import Call, Conversion, Step
from conversions.words.noticed import there_words
from conversions.words.speakers import endpoints_of
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


class _Sums(TypedDict):
    """As `_SUMS` come from the database."""

    credits_sum: float
    perhaps_sum: float
    seconds_sum: float
    called: int


class _Line(_Sums):
    """Of one person of a team at one endpoint."""

    team_id: int
    user_id: int
    endpoint_id: int


@dataclass(frozen=True, slots=True)
class Used:
    """Credits that were billed and those that may have been; seconds of sound and number of the calls for them."""

    credits: float = 0.0
    perhaps: float = 0.0
    seconds: float = 0.0
    called: int = 0

    @classmethod
    def of(cls, sums: _Sums) -> Used:
        return cls(sums["credits_sum"], sums["perhaps_sum"], sums["seconds_sum"], sums["called"])


@dataclass(frozen=True, slots=True)
class Spending:
    """What one person of a team used at one endpoint in a month."""

    team: str
    user: str
    endpoint: str
    used: Used


def used_by(calls: QuerySet[Call]) -> Used:
    return Used.of(cast("_Sums", calls.order_by().aggregate(**_SUMS)))


def used_this_month(team: Team) -> Used:
    return used_by(Call.objects.filter(team=team, sent_at__gte=month_start()))


def month(start: datetime, end: datetime) -> list[Spending]:
    """Everything sent from `start` to before `end`, most expensive first: four queries, however many calls."""
    # Named one by one, the endpoints let both databases read the month from `ledger_by_endpoint`.
    endpoints = Endpoint.objects.in_bulk()
    calls = Call.objects.filter(endpoint__in=list(endpoints), sent_at__gte=start, sent_at__lt=end).order_by()
    rows = cast("list[_Line]", list(calls.values("team_id", "user_id", "endpoint_id").annotate(**_SUMS)))
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
    """What sending the recording costs, in credits. None where that isn't known, or nothing is billed.

    In pieces, and where several speak, it is the sum over what each endpoint is sent, in one query.
    """
    if not conversion.in_pieces:
        return math.ceil(conversion.endpoint.price(conversion.source_duration_s or 0.0)) or None
    pieces = Step.objects.select_related("endpoint").filter(conversion=conversion, kind=Step.Kind.CONVERT)
    return math.ceil(_price(pieces)) or None


def price_again(conversion: Conversion) -> int | None:
    """What a Retry costs, in credits: pieces that are done aren't sent again, unless nothing else can be. None as
    `estimate` says it. Two queries at most."""
    missing = _missing(conversion) if conversion.pieces > 1 else []
    return math.ceil(_price(missing)) or None if missing else estimate(conversion)


def _missing(conversion: Conversion) -> list[Step]:
    there = (Step.Status.DONE, Step.Status.RUNNING)
    steps = Step.objects.filter(conversion=conversion, kind=Step.Kind.CONVERT).exclude(status__in=there)
    return list(steps.order_by().select_related("endpoint"))


def _price(steps: Iterable[Step]) -> float:
    return sum(step.endpoint.price(step.seconds) for step in steps if step.endpoint)


def credits_words(credits: float) -> str:
    """ "1,250 credits" """
    count = math.ceil(credits)
    amount = number_format(count, 0, force_grouping=True)
    return ngettext("%(amount)s credit", "%(amount)s credits", count) % {"amount": amount}


def cost_words(conversion: Conversion, used: Used) -> str:
    """For a conversion's page: what it is going to cost, or has cost. Empty where nothing costs anything."""
    if conversion.unordered or not _billing(conversion):
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
    expected = estimate(conversion)
    if expected is not None:
        return _("about %s") % credits_words(expected)
    prices = sorted({endpoint.price_a_minute for endpoint in _billing(conversion)} - {0})
    if len(prices) > 1:
        return _("%(least)d to %(most)s a minute") % {"least": prices[0], "most": credits_words(prices[-1])}
    return _("%s a minute") % credits_words(prices[0]) if prices else ""


def _billing(conversion: Conversion) -> list[Endpoint]:
    """Whom it may cost something to send it to."""
    return [endpoint for endpoint in endpoints_of(conversion) if endpoint.billed]


def cancelled_words(conversion: Conversion, used: Used) -> str:
    """Whether a cancelled conversion has cost anything. Empty where nothing costs anything."""
    billing = _billing(conversion)
    if not billing:
        return ""
    names = ", ".join(endpoint.name for endpoint in billing)
    values = {"endpoint": names, "credits": credits_words(used.perhaps or used.credits)}
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
    if conversion.pieces > 1 and conversion.retryable:
        return _retry_pieces_words(conversion)
    price = estimate(conversion) if conversion.error_code in Conversion.PAID_BEFORE else None
    return _("Retry (about %s again)") % credits_words(price) if price else _("Retry")


def _retry_pieces_words(conversion: Conversion) -> str:
    """ "Retry 2 of 7 pieces (about 640 credits)": what is done isn't sent again."""
    missing = _missing(conversion)
    if not missing:  # what is done is to be joined once more, but for answers that are gone
        return _("Retry")
    words = ngettext("Retry %(count)d of %(pieces)d pieces", "Retry %(count)d of %(pieces)d pieces", len(missing))
    words %= {"count": len(missing), "pieces": conversion.pieces}
    price = _price(missing)
    return f"{words} {_('(about %s)') % credits_words(price)}" if price else words


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
