"""Studio: where a conversion is made."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from conversions import actions, ledger
from conversions.connections import give_back
from conversions.disk import free_bytes
from conversions.forms import StudioForm
from conversions.usage import over_quota
from conversions.views.answers import see_other
from conversions.views.requests import signed_in
from teams.gatekeeper import May, current_team, may, membership
from voices.catalogue import offered_voices
from voices.models import Voice

logger = logging.getLogger(__name__)


@csrf_exempt  # _accept is protected: the token lies in the body, which is read only after the checks of the headers
@require_http_methods(["GET", "POST"])
def studio(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return _page(request, StudioForm())
    refusal = _refusal(request)
    if refusal is not None:
        return refusal
    give_back()  # a slow upload must not hold one of the pool's for minutes
    try:
        return _accept(request)
    except SuspiciousOperation as error:  # more fields, files or bytes than any form of ours has
        logger.info("a form was refused: %s", error)
        problem = _("This form has more in it than it should. Reload the page and try again.")
        return _page(request, StudioForm(), problem=problem, status=400)


def _refusal(request: HttpRequest) -> HttpResponse | None:
    """What can be known from the headers is said before the body is read and touches the disk."""
    if not may(request.user, May.CONVERT):
        problem = _("You can listen here, but not convert. Ask your team's admin.")
        return _page(request, StudioForm(), problem=problem, status=403)
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    # The form's other fields and the multipart boundaries need a little room too.
    if length > settings.MAX_UPLOAD_BYTES + 1024**2:
        problem = _("This file is too large: at most %s are taken.") % filesizeformat(settings.MAX_UPLOAD_BYTES)
        return _page(request, StudioForm(), problem=problem, status=413)
    member = membership(request.user)
    over = over_quota(member, size=length) if member else None
    if over:
        return _page(request, StudioForm(), problem=over, status=403)
    if free_bytes() - length < settings.MIN_FREE_BYTES:
        logger.error("an upload of %d bytes was refused: the disk is nearly full", length)
        problem = _("There is no room for this recording on the server at the moment. Please tell your admin.")
        return _page(request, StudioForm(), problem=problem, status=507)
    return None


@csrf_protect
def _accept(request: HttpRequest) -> HttpResponse:
    try:
        form = StudioForm(request.POST, request.FILES)
    except MultiPartParserError:
        return _page(request, StudioForm(), problem=_("The upload arrived broken. Please send it again."), status=400)
    except OSError:
        logger.exception("an upload could not be stored")
        problem = _("The upload could not be stored on the server. Nothing was converted; please tell your admin.")
        return _page(request, StudioForm(), problem=problem, status=507)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        conversion = actions.submit(
            signed_in(request), form.cleaned_data["audio"], form.cleaned_data["voice"], form.parameters
        )
    except OSError:
        logger.exception("an upload could not be stored")
        problem = _("The recording could not be stored on the server. Nothing was converted; please tell your admin.")
        return _page(request, form, problem=problem, status=507)
    return see_other("conversions:detail", conversion.pk)


def _month(request: HttpRequest, voices: Iterable[Voice]) -> str:
    """What the team has used so far, where something that is offered costs credits."""
    team = current_team(request.user)
    if team is None or not any(voice.endpoint.billed for voice in voices):
        return ""
    return ledger.month_words(team, ledger.used_this_month(team))


def _page(request: HttpRequest, form: StudioForm, *, problem: str = "", status: int = 200) -> HttpResponse:
    voices = offered_voices()
    context = {
        "form": form,
        "voices": voices,
        "month": _month(request, voices),
        "problem": problem,
        "may_convert": may(request.user, May.CONVERT),
        "max_upload_bytes": settings.MAX_UPLOAD_BYTES,
        "max_duration_s": settings.MAX_DURATION_S,
    }
    return render(request, "conversions/studio.html", context, status=status)
