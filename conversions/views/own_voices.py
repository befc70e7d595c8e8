"""Your voices: those that the team has made of somebody's speech, and the form for another one.

What the form sends arrives at `POST /`, as everything with a file (`studio.py`).
"""

from __future__ import annotations

from functools import partial
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST, require_safe

from conversions import actions
from conversions.forms.own_voices import NewVoiceForm, VoiceNameForm
from conversions.forms.studio import all_words
from conversions.models import Enrolment
from conversions.pages import own_voices as page
from conversions.steps.enrol import ENOUGH_S, LEAST_S
from conversions.views.answers import see_other
from conversions.views.problems import problem_of
from conversions.views.receiving import receive
from conversions.views.requests import HtmxHttpRequest, at_work
from teams.gatekeeper import current_team, get_or_404, may, signed_in
from teams.roles import May


@require_safe
def own_voices(request: HttpRequest) -> HttpResponse:
    return _page(request)


def make(request: HttpRequest) -> HttpResponse:
    """A POST, whose body has not been read."""
    return receive(request, partial(_refused, request)) or _accept(request)


def _refused(request: HttpRequest, problem: str, status: int) -> HttpResponse:
    return _page(request, problem=problem, status=status)


@csrf_protect
def _accept(request: HttpRequest) -> HttpResponse:
    user, team = at_work(request)
    form = NewVoiceForm(request.POST, request.FILES, user=user, endpoints=page.makers())
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        actions.enrol(user, team, form.sample, form.order)
    except Exception as error:
        problem = problem_of(error)
        rest = [words for about, words in problem.words if about not in form.fields]
        for about, words in problem.words:
            if about in form.fields:
                form.add_error(about, words)
        return _page(request, form, problem=" ".join(rest), status=problem.status)
    return see_other("conversions:own_voices")


def _page(
    request: HttpRequest, form: NewVoiceForm | None = None, *, problem: str = "", status: int = 200
) -> HttpResponse:
    user, endpoints = signed_in(request), page.makers()
    form = form or NewVoiceForm(user=user, endpoints=endpoints, initial={"once": uuid4()})
    context = {
        "voices": page.own_voices(user),
        "form": form,
        "endpoints": endpoints,
        "may_make": may(user, May.CONVERT),
        "problem": problem,
        "team": current_team(user),
        "least_s": LEAST_S,
        "enough_s": ENOUGH_S,
    }
    return render(request, "conversions/own_voices.html", context, status=status)


def _load(request: HttpRequest, enrolment_id: UUID) -> Enrolment:
    rows = Enrolment.objects.select_related("endpoint", "voice__endpoint", "created_by")
    return get_or_404(request.user, rows, pk=enrolment_id)


@require_safe
def own_voice(request: HtmxHttpRequest, enrolment_id: UUID) -> HttpResponse:
    """One of them, for polling: 204 while nothing changed since `seen`, and nothing in its place once it is gone."""
    user = signed_in(request)
    try:
        found = page.shown(user, _load(request, enrolment_id))
    except Http404:
        # Deleted, or another team's: they can't be told apart. All of its card goes.
        return HttpResponse(headers={"HX-Retarget": f"#voice-{enrolment_id}"})
    if request.GET.get("seen") == found.mark:
        return HttpResponse(status=204)
    return render(request, "conversions/own_voice_state.html", {"own": found})


@require_POST
def rename(request: HttpRequest, enrolment_id: UUID) -> HttpResponse:
    enrolment, form = _load(request, enrolment_id), VoiceNameForm(request.POST)
    if not form.is_valid():
        return _page(request, problem=all_words(form), status=422)
    actions.rename_voice(enrolment, signed_in(request), form.cleaned_data["title"])
    messages.success(request, _("It is called “%(title)s” now.") % {"title": form.cleaned_data["title"]})
    return see_other("conversions:own_voices")


@require_POST
def retry(request: HttpRequest, enrolment_id: UUID) -> HttpResponse:
    if not actions.retry_voice(_load(request, enrolment_id), signed_in(request)):
        messages.info(request, _("There is nothing to retry."))
    return see_other("conversions:own_voices")


@require_POST
def delete(request: HttpRequest, enrolment_id: UUID) -> HttpResponse:
    enrolment = _load(request, enrolment_id)
    if actions.delete_voice(enrolment, signed_in(request)):
        messages.success(request, _("“%s” was deleted.") % enrolment.name)
    return see_other("conversions:own_voices")
