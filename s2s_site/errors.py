"""What people read when something broke that no page of ours foresaw, or there is no such page.

The pages are Django's own, without its look for a form's token first: that reads the body, which nobody has asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.views import defaults

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


def broken(request: HttpRequest) -> HttpResponse:
    """Django's handler500. A database that is locked, restarting or away is no fault of the page: 503, not 500."""
    if not isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        _leave_the_body(request)
        return defaults.server_error(request)
    page = loader.get_template("503.html").render()
    return HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_AFTER_S)})
