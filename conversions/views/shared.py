"""Behind a link: pages and sound for people outside, who have no account and get no cookie.

`access.shared` lets them in, for each request anew, and all of it comes from this process (`no_store`): an address of
S3 would outlive a link that is revoked.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from allauth.core.ratelimit import consume
from allauth.decorators import rate_limit
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.hashers import check_password
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conversions import actions
from conversions.access.shared import PasswordWantedError, grant_of, shared_or_404
from conversions.forms.shares import CommentForm, PasswordForm
from conversions.models import Share
from conversions.pages.picture import picture_of
from conversions.pages.shared import OUTPUT, Doorway, length_of, shared_page
from conversions.sound import loudness
from conversions.views.answers import SeeOther
from conversions.views.files import serve, source_type
from conversions.views.requests import origin_of
from conversions.words import filenames
from s2s.formats import OUTPUT_FORMATS
from teams.gatekeeper import member_of
from teams.models import User

View = Callable[..., HttpResponseBase]
GRANT = "key"  # in the query of every address behind a password
_limited: Callable[[View], View] = rate_limit(action="share", limit_get=True)


def _outside(view: View) -> View:
    """Also what it refuses is told to nobody else, and kept by nobody on the way.

    Without a token against forged forms: what counts is in the address alone. Neither cookie nor session gives such a
    request anything, so somebody else's page could send nothing that its own author could not.
    """

    @csrf_exempt
    @login_not_required
    @wraps(view)
    def answer(request: HttpRequest, link: str, **more: str) -> HttpResponseBase:
        try:
            response = view(request, link, **more)
        except Http404:
            response = render(request, "conversions/shared_gone.html", status=404)
        response["X-Robots-Tag"] = "noindex, nofollow"
        response["Referrer-Policy"] = "no-referrer"
        response["Cache-Control"] = "no-store"
        return response

    return answer


@_outside
@require_http_methods(["GET", "HEAD", "POST"])
@_limited
def page(request: HttpRequest, link: str) -> HttpResponse:
    """What there is to hear; before it, if there is one, the question for the password, which is sent here."""
    try:
        share = shared_or_404(link, request.GET.get(GRANT, ""))
    except PasswordWantedError as wanted:
        return _ask_password(request, link, wanted.share)
    if request.method == "POST":  # sent by somebody who is in already
        return SeeOther(headers={"Location": request.get_full_path()})
    if request.method == "GET" and not _is_ours(request, share):
        actions.note_opened(share)
    return _show(request, link, share)


def _is_ours(request: HttpRequest, share: Share) -> bool:
    """Who looks at it from within the team doesn't count."""
    return isinstance(request.user, User) and member_of(request.user, share.team) is not None


def _ask_password(request: HttpRequest, link: str, share: Share) -> HttpResponse:
    form, status = PasswordForm(request.POST if request.method == "POST" else None), 200
    if form.is_bound:
        status = 422
        if not consume(request, action="share_password", key=str(share.pk)):
            form.add_error("password", _("These were too many attempts. Wait ten minutes and try again."))
            status = 429
        elif form.is_valid():
            if check_password(form.cleaned_data["password"], share.password):
                return SeeOther(headers={"Location": Doorway(link, grant_of(share)).to("shared")})
            form.refuse()
    context = {"form": form, "opens_at": Doorway(link).to("shared")}
    return render(request, "conversions/shared_password.html", context, status=status)


def _show(
    request: HttpRequest, link: str, share: Share, form: CommentForm | None = None, *, status: int = 200
) -> HttpResponse:
    shared = shared_page(share, link, request.GET.get(GRANT, ""))
    origin = origin_of(request)
    context = {
        "shared": shared,
        "form": form or CommentForm(length_s=length_of(share)),
        # Chats take nothing but whole addresses. What asks for a password is shown in none.
        "address": "" if share.password else f"{origin}{Doorway(link).to('shared')}",
        "picture": f"{origin}{shared.picture}",
    }
    return render(request, "conversions/shared.html", context, status=status)


@_outside
@require_POST
@_limited
def comment(request: HttpRequest, link: str) -> HttpResponse:
    try:
        share = shared_or_404(link, request.GET.get(GRANT, ""))
    except PasswordWantedError:  # most likely the grant is too old, and what was written is in the browser still
        context = {"form": PasswordForm(), "opens_at": Doorway(link).to("shared"), "is_untaken": True}
        return render(request, "conversions/shared_password.html", context, status=403)
    form = CommentForm(request.POST, length_s=length_of(share))
    if not form.is_valid():
        return _show(request, link, share, form, status=422)
    if not consume(request, action="share_comment"):
        form.add_error(None, _("These were many comments at once. Wait a minute, then send this one again."))
        return _show(request, link, share, form, status=429)
    try:
        said = actions.comment(share, form.cleaned_data["name"], form.cleaned_data["text"], form.cleaned_data["at"])
    except actions.RefusedError as error:
        form.add_error(None, str(error))
        return _show(request, link, share, form, status=422)
    address = Doorway(link, request.GET.get(GRANT, "")).to("shared")
    return SeeOther(headers={"Location": f"{address}#comment-{said.pk}"})


@_outside
@require_safe
@_limited
def picture(request: HttpRequest, link: str) -> HttpResponse:
    return HttpResponse(picture_of(_let_in(request, link)), content_type="image/png")


@_outside
@require_safe
def sound(request: HttpRequest, link: str, which: str) -> HttpResponseBase:
    """To listen to, and with `save` as a file, where the link allows that."""
    share = _let_in(request, link, which)
    of, saves = share.conversion, "save" in request.GET
    if saves and not share.may_download:
        raise Http404
    if which == OUTPUT:
        name, key, media_type = filenames.of_result(of), of.output, OUTPUT_FORMATS[of.output_format].media_type
    else:
        name, media_type = filenames.on_disk(of.source_name), source_type(of, inline=not saves)
        key = of.source if saves else of.player or of.source
    return serve(request, key, media_type, name if saves else None, no_store=True)


@_outside
@require_safe
def peaks(request: HttpRequest, link: str, which: str) -> HttpResponse:
    """See `detail.peaks`."""
    found = bytes(getattr(_let_in(request, link, which).conversion, f"{which}_peaks"))
    if not found:
        raise Http404
    return HttpResponse(found, content_type="application/octet-stream")


@_outside
@require_safe
@_limited
def loud(request: HttpRequest, link: str, which: str) -> HttpResponse:
    """See `detail.loud`."""
    of = _let_in(request, link, which).conversion
    return JsonResponse({"lufs": loudness.output_lufs(of) if which == OUTPUT else loudness.source_lufs(of)})


def _let_in(request: HttpRequest, link: str, which: str = "") -> Share:
    """Raises Http404 also where the password is still to be asked for, and for what the link doesn't share."""
    try:
        share = shared_or_404(link, request.GET.get(GRANT, ""))
    except PasswordWantedError as error:
        raise Http404 from error
    if which and not (share.has_result if which == OUTPUT else share.has_original):
        raise Http404
    return share
