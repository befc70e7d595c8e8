"""What holds for every page."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase, UnreadablePostError

Respond = Callable[[HttpRequest], HttpResponseBase]

_LINGER_S = 30.0  # as long as nginx does (lingering_time)
_CHUNK_BYTES = 256 * 1024


def hear_out(get_response: Respond) -> Respond:
    """An answer that came before the end of the body waits for that end, and what still arrives is thrown away.

    The server closes the connection of whoever hasn't finished sending; a browser that writes into a closed connection
    is reset and shows no answer at all. RFC 9112, 9.6. A client that expects 100 Continue hasn't begun to send.
    """

    def respond(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if "Expect" not in request.headers:
            _discard_rest(request)
        return response

    return respond


def _discard_rest(request: HttpRequest) -> None:
    ends = time.monotonic() + _LINGER_S
    try:
        while request.read(_CHUNK_BYTES) and time.monotonic() < ends:
            pass
    except UnreadablePostError:
        pass  # whoever sent it has left


def refuse_nul(get_response: Respond) -> Respond:
    """No page has a use for a NUL in its address, and PostgreSQL can't even look for one: 400 instead of 500."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        if "%00" in request.META.get("QUERY_STRING", ""):
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
