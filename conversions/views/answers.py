"""Answers that several views give."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse


class SeeOther(HttpResponse):
    """303: the answer to a POST is at another address, fetched by GET (RFC 9110, 15.4.4)."""

    status_code = 303


def see_other(view: str, *args: UUID) -> HttpResponse:
    return SeeOther(headers={"Location": reverse(view, args=args)})
