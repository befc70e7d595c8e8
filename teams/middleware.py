"""Who isn't signed in is led to the sign-in page, and from there to what they wanted; of who is, it is kept when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from teams.models import User
from teams.people import note_seen

UNTAKEN = "untaken"  # of the sign-in page: something was sent, and nobody took it


class SignInRequired(LoginRequiredMiddleware):
    def process_view(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase], *args: Any, **kwargs: Any
    ) -> HttpResponseBase | None:
        answer = super().process_view(request, view_func, *args, **kwargs)
        if answer is None and getattr(view_func, "login_required", True) and isinstance(request.user, User):
            note_seen(request.user)
        return answer

    def handle_no_permission(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseRedirect:
        """What was sent is lost: the sign-in page and the one that follows say so. Nor could that be the address of a
        POST, which no link opens: it is the page that it was sent from."""
        if request.method in ("GET", "HEAD"):
            return super().handle_no_permission(request, view_func)
        return _led_back_to(_sent_from(request))


def _sent_from(request: HttpRequest) -> str:
    referer = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(referer, {request.get_host()}):
        page = urlsplit(referer)
        return f"{page.path}?{page.query}" if page.query else page.path
    return resolve_url(settings.LOGIN_REDIRECT_URL)


def _led_back_to(page: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': page, UNTAKEN: 1})}")
