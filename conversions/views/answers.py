"""Answers that several views give."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse


class SeeOther(HttpResponse):
    """303: the answer to a POST is at another address, fetched by GET (RFC 9110, 15.4.4)."""

    status_code = 303


def see_other(view: str, *args: UUID) -> HttpResponse:
    return SeeOther(headers={"Location": reverse(view, args=args)})


def lead_to(request: HttpRequest, view: str, *args: UUID) -> HttpResponse:
    """Where the result of a form is. A script that sent it gets the address alone (204): it would follow a redirect,
    and have a page made that is thrown away, for each of its files."""
    answer = see_other(view, *args)
    if request.headers.get("X-Requested-With") == "XMLHttpRequest":
        answer.status_code = 204
    return answer
