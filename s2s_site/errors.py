"""What people read when something broke that no page of ours foresaw, or there is no such page.

The pages are Django's own, without its look for a form's token first: that reads the body, which nobody has asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader
from django.views import defaults

from s2s_site.origins import trouble_of

RETRY_AFTER_S = 30
Page = Callable[[HttpRequest, Exception], HttpResponse]


def _without_the_body(page: Page) -> Page:
    def answer(request: HttpRequest, exception: Exception) -> HttpResponse:
        _leave_the_body(request)
        return page(request, exception)

    return answer


def _leave_the_body(request: HttpRequest) -> None:
    request.csrf_processing_done = True  # type: ignore[attr-defined]


malformed = _without_the_body(defaults.bad_request)
forbidden = _without_the_body(defaults.permission_denied)
missing = _without_the_body(defaults.page_not_found)


def unproven(request: HttpRequest, reason: str = "") -> HttpResponse:
    """CSRF_FAILURE_VIEW: nobody can say that it was the person who sent this form, and not somebody else's page."""
    return render(request, "403_csrf.html", {"trouble": trouble_of(request, reason)}, status=403)


def broken(request: HttpRequest) -> HttpResponse:
    """Django's handler500. A database that is locked, restarting or away is no fault of the page: 503, not 500."""
    if not isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        _leave_the_body(request)
        return defaults.server_error(request)
    page = loader.get_template("503.html").render()
    return HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_AFTER_S)})
