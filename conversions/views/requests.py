"""Requests as our middleware leaves them."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from teams.gatekeeper import current_team, signed_in
from teams.models import Team, User


class HtmxHttpRequest(HttpRequest):
    htmx: HtmxDetails


def at_work(request: HttpRequest) -> tuple[User, Team]:
    """Who asks, and the team that they work in."""
    user = signed_in(request)
    team = current_team(user)
    if team is None:
        raise PermissionDenied
    return user, team


def origin_of(request: HttpRequest) -> str:
    """What stands before the paths of addresses for people elsewhere: the public one, where it is known."""
    return settings.SITE_ORIGIN or f"{request.scheme}://{request.get_host()}"
