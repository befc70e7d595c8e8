"""Requests as our middleware leaves them."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from teams.models import User


class HtmxHttpRequest(HttpRequest):
    htmx: HtmxDetails


def signed_in(request: HttpRequest) -> User:
    """The user, whom LoginRequiredMiddleware has let through."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
