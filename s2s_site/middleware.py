"""What holds for every page."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http import HTTPStatus

from csp.constants import HEADER
from csp.utils import build_policy
from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase, UnreadablePostError

Respond = Callable[[HttpRequest], HttpResponseBase]

_LINGER_S = 30.0  # as long as nginx does (lingering_time)
_AT_MOST_BYTES = 256 * 1024
# Each keeps a thread of the server, which hundreds of slow senders would take from everybody else.
_heard_out = threading.BoundedSemaphore(16)


def hear_out(get_response: Respond) -> Respond:
    """An answer that came before the end of the body waits for that end, and what still arrives is thrown away.

    The server closes the connection of whoever hasn't finished sending; a browser that writes into a closed connection
    is reset and shows no answer at all. RFC 9112, 9.6. A client that expects 100 Continue hasn't begun to send. While
    as many are heard out as may be, the next one is hung up on.
    """

    def respond(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        # Not `request.headers`, which would be made of all that the server says about itself.
        if "HTTP_EXPECT" not in request.META and _heard_out.acquire(blocking=False):
            try:
                _discard_rest(request)
            finally:
                _heard_out.release()
        return response

    return respond


def _discard_rest(request: HttpRequest) -> None:
    # A read comes back when all that it asked for is here. By asking for one byte first, then for twice as much each
    # time, we look at the clock in time: whoever sends evenly is heard for twice as long at most.
    ends, size = time.monotonic() + _LINGER_S, 1
    try:
        while request.read(size) and time.monotonic() < ends:
            size = min(2 * size, _AT_MOST_BYTES)
    except UnreadablePostError:
        pass  # whoever sent it has left


def keep_cookies_below(get_response: Respond) -> Respond:
    """No cookie of ours, whoever sets it, is shown to what else lives at our host beside BASE_URL's path."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        for cookie in response.cookies.values():
            cookie["path"] = f"{settings.SITE_PATH}/"
        return response

    return respond


def declare_policy(get_response: Respond) -> Respond:
    """The Content-Security-Policy of every page. django-csp's own middleware builds it anew for each answer, which is
    for pages that change it, and takes as long as a poll's question to the database.

    Django's pages of errors for developers have their styles within them, as there.
    """
    policy = build_policy()

    def respond(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if not (settings.DEBUG and response.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.INTERNAL_SERVER_ERROR)):
            response.headers.setdefault(HEADER, policy)
        return response

    return respond


def refuse_nul(get_response: Respond) -> Respond:
    """No page has a use for a NUL in its address, and PostgreSQL can't even look for one: 400 instead of 500.
    (`door` has those of cookies and forms.)"""

    def respond(request: HttpRequest) -> HttpResponseBase:
        if "%00" in request.META.get("QUERY_STRING", "") or "\0" in request.path_info:
            raise BadRequest("There is a NUL in the address.")
        return get_response(request)

    return respond


def keep_pages_private(get_response: Respond) -> Respond:
    """After signing out, Back shows nothing of what was seen: browsers store no page of someone who is signed in."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        user = getattr(request, "user", None)
        if not response.has_header("Cache-Control") and user is not None and user.is_authenticated:
            response["Cache-Control"] = "private, no-store"
        return response

    return respond
