"""Studio: where a conversion is made."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from uuid import uuid4

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods

from conversions import actions
from conversions.access import sources
from conversions.access.reach import conversion_or_404
from conversions.forms import offers
from conversions.forms.studio import StudioForm
from conversions.ground.disk import free_bytes
from conversions.ledger import sums
from conversions.ledger.usage import over_quota
from conversions.pages import voicecards
from conversions.pages.heeded import left_out_words
from conversions.views import own_voices
from conversions.views.answers import lead_to, say_what_is_missing
from conversions.views.problems import problem_of
from conversions.views.receiving import receive
from conversions.views.requests import at_work
from teams.gatekeeper import current_team, may, membership, signed_in
from teams.models import User
from teams.roles import May
from voices.ids import is_id


@csrf_exempt  # _accept is protected: the token lies in the body, which is read only after the checks of the headers
@require_http_methods(["GET", "POST"])
@gzip_page
def studio(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return _opened(request)
    if "voice" in request.GET.getlist("makes"):
        return own_voices.make(request)
    return receive(request, partial(_refused, request)) or _accept(request)


# ---- opening it ----


def _empty(request: HttpRequest) -> StudioForm:
    return StudioForm(user=signed_in(request))


def _opened(request: HttpRequest) -> HttpResponse:
    """As the address says: with a recording to take again, with a preset, else as the person likes it."""
    user, take = signed_in(request), request.GET.get("take", "")
    preset = request.GET.get("preset", offers.default_key(user))
    offer = offers.find(user, preset) if preset else None
    initial: dict[str, object] = dict(offer.options) if offer else {}
    problem = ""
    if take:
        try:
            initial |= {"take": sources.find(user, take).value, **_options_with(user, take)}
        except Http404:
            problem = _("This recording isn’t there any more. Choose another one.")
        else:
            preset = ""
    if request.GET.get("anew") == "voice":
        initial["voice"] = []
    elif is_id(request.GET.get("voice", "")):
        initial["voice"] = [request.GET["voice"]]
    return _page(request, StudioForm(user=user, initial=initial), problem=problem, preset=(offer and offer.key) or "")


def _options_with(user: User, take: str) -> dict[str, object]:
    """What goes with a recording: how it was converted, or was going to be."""
    if take == sources.SAMPLE:
        return {}
    kind, identifier, _track = sources.parts_of(take)
    if kind == "recording":
        return offers.options_of(sources.recording_or_404(user, identifier))
    if kind == "conversion":
        conversion = conversion_or_404(user, identifier)
        voice = {} if conversion.unordered else {"voice": [conversion.voice_id]}
        return {**voice, **offers.options_of(conversion)}
    return {}


# ---- taking what it sends ----


def _refused(request: HttpRequest, problem: str, status: int) -> HttpResponse:
    return _page(request, _empty(request), problem=problem, status=status)


@csrf_protect
def _accept(request: HttpRequest) -> HttpResponse:
    form, do = StudioForm(request.POST, request.FILES, user=signed_in(request)), request.POST.get("do", "")
    form.fields["voice"].required = do != "parts"
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        return {"audition": _audition, "parts": _keep}.get(do, _convert)(request, form)
    except Exception as error:
        problem = problem_of(error)
        rest = form.refuse(problem.words)
        return _page(request, form, problem=rest, status=problem.status)


def _convert(request: HttpRequest, form: StudioForm) -> HttpResponse:
    data = form.cleaned_data
    user, team = at_work(request)
    order = replace(_order(form), place=data.get("place") or 0)
    accepted = actions.submit_all(user, team, form.recordings, data["voice"], order, batch_id=data.get("batch"))
    say_what_is_missing(request, accepted)
    if accepted.batch is not None:
        return lead_to(request, "conversions:batch", accepted.batch.pk)
    return lead_to(request, "conversions:detail", accepted.conversions[0].pk)


def _audition(request: HttpRequest, form: StudioForm) -> HttpResponse:
    data, recordings = form.cleaned_data, form.recordings
    if len(recordings) > 1:
        form.add_error("audio", _("Voices can be tried with one recording at a time."))
        return _page(request, form, status=422)
    user, team = at_work(request)
    recording = actions.audition(user, team, recordings[0], data["voice"], _order(form), data["start"])
    return lead_to(request, "conversions:audition", recording.pk)


def _keep(request: HttpRequest, form: StudioForm) -> HttpResponse:
    """Whoever gives parts voices of their own listens and marks first."""
    recordings = form.recordings
    if len(recordings) > 1:
        form.add_error("audio", _("Parts get voices of their own in one recording at a time."))
        return _page(request, form, status=422)
    user, team = at_work(request)
    kept = actions.keep(user, team, recordings[0], _order(form))
    # Sent again after it was ordered, it is no longer to be marked.
    return lead_to(request, "conversions:parts" if kept.unordered else "conversions:detail", kept.pk)


def _order(form: StudioForm) -> actions.Order:
    data = form.cleaned_data
    return actions.Order(form.parameters, only_me=data["only_me"], once=data.get("once"))


# ---- the page ----


def _page(
    request: HttpRequest, form: StudioForm, *, problem: str = "", preset: str = "", status: int = 200
) -> HttpResponse:
    user = signed_in(request)
    cards = voicecards.for_studio(user, form)
    left_out = _left_out(form, [card for card in cards if card.ticked])
    team = current_team(user)
    member = membership(user)
    over = (member and not form.is_bound and may(user, May.CONVERT) and over_quota(member)) or ""
    billed = any(card.voice.endpoint.billed for card in cards)
    context = {
        "form": form,
        "cards": cards,
        "take": _taken(user, form),
        "earlier": sources.earlier(user),
        "presets": offers.offered(user),
        "preset": preset,
        "left_out": left_out,
        "batch": uuid4(),
        # What the team has used so far, where something that is offered costs credits.
        "month": sums.month_words(team, sums.used_this_month(team)) if team and billed else "",
        # A quota that is used up is said before a recording is chosen.
        "problem": problem or over,
        "over": over,
        "most_at_once": actions.MOST_AT_ONCE,
        "may_convert": may(user, May.CONVERT),
        "most_auditions": actions.MOST_VOICES,
        "max_upload_bytes": settings.MAX_UPLOAD_BYTES,
        "max_duration_s": settings.MAX_DURATION_S,
        "max_pieces": settings.MAX_PIECES,
        "room_bytes": max(0, free_bytes() - settings.MIN_FREE_BYTES),
    }
    return render(request, "conversions/studio.html", context, status=status)


def _left_out(form: StudioForm, ticked: list[voicecards.Card]) -> str:
    """What the page would begin with and none of the ticked voices has isn't in the form; this says so."""
    if form.is_bound or not ticked:
        return ""
    form.leave_out(set.intersection(*(set(card.lacks) for card in ticked)))
    if not form.left_out:
        return ""
    labels = [str(form.fields[name].label) for name in form.left_out]
    return left_out_words(labels, dict.fromkeys(card.voice.endpoint.name for card in ticked))


def _taken(user: User, form: StudioForm) -> sources.Stored | None:
    take = form["take"].value()
    try:
        return sources.find(user, take) if take else None
    except Http404:
        return None
