"""The page behind an invitation's link: which team it is, who invites, as what; and the way in for each who comes."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from allauth.core.exceptions import RateLimited
from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from teams.actions import InvitedError, accept, open_invitations, welcome
from teams.forms import JoinForm
from teams.links import invitation_of
from teams.models import Invitation, Membership, User

View = Callable[[HttpRequest, str], HttpResponse]


def _kept_secret(view: View) -> View:
    """Its address lets somebody in: no browser, proxy or search engine keeps it, and no other site is told of it.

    Not `no-referrer`, with which a browser hides where a form comes from, and Django refuses the form.
    """

    @wraps(view)
    def secret(request: HttpRequest, token: str) -> HttpResponse:
        answer = view(request, token)
        answer["Cache-Control"] = "private, no-store"
        answer["Referrer-Policy"] = "same-origin"
        answer["X-Robots-Tag"] = "noindex, nofollow"
        return answer

    return secret


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@_kept_secret
def join(request: HttpRequest, token: str) -> HttpResponse:
    invitation = invitation_of(token)
    if invitation is None:
        return _limited(request) or _closed(request, None, status=404)
    if request.method == "POST":
        return _limited(request) or _take(request, token, invitation)
    if _is_in(request, invitation):
        return _page(request, token, invitation, is_in=True)
    if not open_invitations().filter(pk=invitation.pk).exists():
        return _closed(request, invitation)
    return _page(request, token, invitation, JoinForm(invitation.email))


def _take(request: HttpRequest, token: str, invitation: Invitation) -> HttpResponse:
    if isinstance(request.user, User):
        return _accepted(request, request.user, invitation)
    form = JoinForm(invitation.email, request.POST)
    if not form.is_valid():
        return _page(request, token, invitation, form, status=422)
    given = form.cleaned_data
    try:
        user = welcome(invitation, name=given["name"], email=given["email"], password=given["password"])
    except InvitedError:
        return _closed(request, invitation)
    except IntegrityError:
        form.add_error("email", _("There is an account with this address. Sign in with it, then join."))
        return _page(request, token, invitation, form, status=422)
    login(request, user)
    return _in(request, invitation)


def _accepted(request: HttpRequest, user: User, invitation: Invitation) -> HttpResponse:
    try:
        accept(user, invitation)
    except InvitedError:
        return _closed(request, invitation)
    return _in(request, invitation)


def _in(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    messages.success(request, _("Welcome to “%s”.") % invitation.team)
    return HttpResponse(status=303, headers={"Location": resolve_url(settings.LOGIN_REDIRECT_URL)})


def _is_in(request: HttpRequest, invitation: Invitation) -> bool:
    return (
        isinstance(request.user, User)
        and Membership.objects.filter(team=invitation.team_id, user=request.user).exists()
    )


def _page(
    request: HttpRequest,
    token: str,
    invitation: Invitation,
    form: JoinForm | None = None,
    *,
    is_in: bool = False,
    status: int = 200,
) -> HttpResponse:
    context = {"invitation": invitation, "token": token, "form": form, "is_in": is_in}
    return render(request, "teams/join.html", context, status=status)


def _closed(request: HttpRequest, invitation: Invitation | None, *, status: int = 410) -> HttpResponse:
    """Who has a link that was ours once is told whom to ask; of any other it isn't said whether it ever was."""
    return render(request, "teams/join_closed.html", {"invitation": invitation}, status=status)


def _limited(request: HttpRequest) -> HttpResponse | None:
    """As many tries as allauth lets sign in, and of whatever comes there together with those."""
    try:
        ratelimit.consume(request, app="allauth.account", action="login", limit_get=True, raise_exception=True)
    except RateLimited:
        refused: HttpResponse = ratelimit.respond_429(request)
        return refused
    return None
