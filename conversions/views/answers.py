"""Answers that several views give."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import ngettext

from conversions.actions import Accepted


class SeeOther(HttpResponse):
    """303: the answer to a POST is at another address, fetched by GET (RFC 9110, 15.4.4)."""

    status_code = 303


def see_other(view: str, *args: UUID) -> HttpResponse:
    return SeeOther(headers={"Location": reverse(view, args=args)})


def say_what_is_missing(request: HttpRequest, accepted: Accepted) -> None:
    """On the page that follows, where not all of what was sent was taken."""
    count = accepted.not_stored
    if count and accepted.over_limit:
        words = ngettext(
            "%(count)d recording was not taken. %(why)s", "%(count)d recordings were not taken. %(why)s", count
        )
        messages.error(request, words % {"count": count, "why": accepted.over_limit})
    elif count:
        words = ngettext(
            "%d recording could not be stored on the server. Please tell your admin, and send it again later.",
            "%d recordings could not be stored on the server. Please tell your admin, and send them again later.",
            count,
        )
        messages.error(request, words % count)


def lead_to(request: HttpRequest, view: str, *args: UUID) -> HttpResponse:
    """Where the result of a form is. A script that sent it gets the address alone (204): it would follow a redirect,
    and have a page made that is thrown away, for each of its files."""
    answer = see_other(view, *args)
    if request.headers.get("X-Requested-With") == "XMLHttpRequest":
        answer.status_code = 204
    return answer
