"""What was told is shown once, and whoever has nothing to tell makes no storage for it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.messages import get_messages
from django.contrib.messages.middleware import MessageMiddleware
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from s2s_site.messages import Storage


def answered(request: HttpRequest, *, tell: str = "", show: bool = False) -> tuple[HttpResponse, list[str]]:
    """A page's answer, and what it showed."""
    shown: list[str] = []

    def page(request: HttpRequest) -> HttpResponse:
        if tell:
            messages.info(request, tell)
        if show:
            shown.extend(str(message) for message in get_messages(request))
        return HttpResponse()

    request.session = {}  # type: ignore[assignment]
    response = MessageMiddleware(page)(request)
    assert isinstance(response, HttpResponse)
    return response, shown


def with_cookies_of(response: HttpResponse) -> HttpRequest:
    request = RequestFactory().get("/")
    request.COOKIES.update({name: morsel.value for name, morsel in response.cookies.items()})
    return request


def test_a_page_that_tells_and_shows_nothing_makes_none() -> None:
    request = RequestFactory().get("/")
    answered(request)
    assert isinstance(get_messages(request), Storage)
    assert "storages" not in vars(get_messages(request))


def test_what_was_told_waits_for_the_page_that_shows_it_and_is_shown_once() -> None:
    told, _nothing = answered(RequestFactory().get("/"), tell="Saved.")
    further, _nothing = answered(with_cookies_of(told), tell="Deleted.")
    polled, _nothing = answered(with_cookies_of(further))
    assert not polled.cookies
    shown, words = answered(with_cookies_of(further), show=True)
    assert words == ["Saved.", "Deleted."]
    assert answered(with_cookies_of(shown), show=True)[1] == []
