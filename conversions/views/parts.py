"""Voices for parts of a recording and for its speakers: marked, looked at, sent as a further take."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from conversions import actions
from conversions.access.reach import conversion_or_404
from conversions.access.sources import of_conversion
from conversions.forms.parts import MORE, MOST_FIELDS, Begin, Parts
from conversions.ledger.usage import over_quota
from conversions.models import Conversion
from conversions.pages import parts as page
from conversions.pages.progress import progress_of, with_progress
from conversions.upkeep.retention import gone_at, unordered_until
from conversions.views.answers import say_what_is_missing, see_other
from conversions.views.problems import problem_of
from conversions.views.requests import HtmxHttpRequest, at_work
from teams.gatekeeper import current_team, may_change, membership, require, signed_in
from teams.models import User
from teams.roles import May
from voices.catalogue import offered_voices
from voices.models import Voice


@require_http_methods(["GET", "HEAD", "POST"])
def parts(request: HttpRequest, conversion_id: UUID) -> HttpResponse:
    """POST: `do` says whether it is sent, looked at (check), given more rows (parts, speakers) or shown (again)."""
    objects = Conversion.objects.select_related("endpoint", "voice__endpoint", "team")
    conversion = conversion_or_404(request.user, conversion_id, objects)
    require(signed_in(request), May.CONVERT, conversion.team_id)
    length_s = conversion.source_duration_s
    if not length_s or (conversion.unordered and not conversion.finished):
        return _unread(request, conversion)
    voices = _offered(signed_in(request), conversion)
    if request.method != "POST":
        form = Parts(length_s, voices, begin=_begin(request, conversion, voices), once=uuid4())
        form.problems += page.lost_words(conversion, voices)
        return _page(request, conversion, form)
    do = request.POST.get("do", "")
    if do in MORE:
        return _page(request, conversion, Parts(length_s, voices, data=Parts.with_more(request.POST, do)))
    form = Parts(length_s, voices, data=request.POST)
    is_looked_at = do == "check"
    if not form.is_valid():
        is_wrong = form.problems or form.has_errors or not is_looked_at
        return _page(request, conversion, form, is_looked_at=is_looked_at, status=422 if is_wrong else 200)
    if is_looked_at:
        return _page(request, conversion, form, summary=page.summary_of(form))
    return _send(request, conversion, form)


parts.most_fields = MOST_FIELDS  # type: ignore[attr-defined]  # read by s2s_site/door.py


def _unread(request: HttpRequest, conversion: Conversion) -> HttpResponse:
    """Of one that is to be marked first the page waits until it is read; its own page says why it never will be."""
    context: dict[str, object] = {"conversion": conversion}
    if conversion.unordered and conversion.finished:
        return redirect("conversions:detail", conversion.pk)
    if conversion.unordered:
        watched = conversion_or_404(request.user, conversion.pk, with_progress(Conversion.objects.all()))
        if watched.finished:  # a moment ago: a page that waits for it would wait for ever
            return redirect("conversions:parts", conversion.pk)
        context = {"conversion": watched, "progress": progress_of(watched)}
    return render(request, "conversions/parts_unread.html", context)


def _begin(request: HttpRequest, conversion: Conversion, voices: list[Voice]) -> Begin:
    """What was found counts where nothing was ordered, or somebody asks to see it (`speakers=found`)."""
    wants_found = request.GET.get("speakers") == "found" or not conversion.in_regions
    found = page.begin_with_found(conversion) if wants_found else None
    return found or page.begin_with(conversion, voices)


@require_http_methods(["GET", "HEAD", "POST"])
def speakers(request: HtmxHttpRequest, conversion_id: UUID) -> HttpResponse:
    """POST: they are to be found. GET: how far that is, for polling: 204 while nothing changed since `seen`."""
    conversion = conversion_or_404(
        request.user, conversion_id, Conversion.objects.defer("source_peaks", "output_peaks")
    )
    require(signed_in(request), May.CONVERT, conversion.team_id)
    if request.method == "POST":
        try:
            actions.diarize(conversion, signed_in(request))
        except actions.RefusedError as error:
            messages.error(request, str(problem_of(error)))
            return see_other("conversions:parts", conversion_id)
        if not request.htmx:
            return see_other("conversions:parts", conversion_id)
    search = page.search_of(conversion)
    if request.method != "POST" and request.GET.get("seen") == search.state:
        return HttpResponse(status=204)
    return render(request, "conversions/parts_search.html", {"conversion": conversion, "search": search})


def _offered(user: User, conversion: Conversion) -> list[Voice]:
    voices = offered_voices(current_team(user)).order_by("endpoint_id", "name", "pk")
    return list(voices.filter(endpoint__zero_retention=True) if conversion.zero_retention else voices)


def _send(request: HttpRequest, conversion: Conversion, form: Parts) -> HttpResponse:
    wanted = form.wanted
    voices = [wanted.voice, *(region.voice for region in wanted.regions if region.voice)]
    order = actions.Order(
        actions.fitting(conversion.parameters, voices),
        regions=wanted.regions,
        only_me=conversion.only_me,
        once=form.whole.cleaned_data["once"],
    )
    user, team = at_work(request)
    try:
        # What somebody else ordered a moment ago, or just now, is no longer to be had: it is a further take then.
        if _may_change(request, conversion) and actions.order(conversion, user, wanted.voice, order):
            return see_other("conversions:detail", conversion.pk)
        accepted = actions.submit_all(user, team, [of_conversion(conversion)], [wanted.voice], order)
    except Exception as error:
        problem = problem_of(error, gone=_("The recording is gone from the server, so it can’t be converted again."))
        form.problems += [words for _about, words in problem.words]
        return _page(request, conversion, form, status=problem.status)
    say_what_is_missing(request, accepted)
    return see_other("conversions:detail", accepted.conversions[0].pk)


def _is_its_own(request: HttpRequest, conversion: Conversion) -> bool:
    """Whether what is marked is ordered of the conversion itself; else, for a colleague too, it is a further take."""
    return conversion.status == Conversion.Status.UNORDERED and _may_change(request, conversion)


def _may_change(request: HttpRequest, conversion: Conversion) -> bool:
    return may_change(request.user, team_id=conversion.team_id, created_by_id=conversion.created_by_id)


def _page(
    request: HttpRequest,
    conversion: Conversion,
    form: Parts,
    *,
    summary: page.Summary | None = None,
    is_looked_at: bool = False,
    status: int = 200,
) -> HttpResponse:
    member = membership(signed_in(request))
    over = over_quota(member, seconds=page.converted_s(form)) if member and summary else None
    context = {
        "conversion": conversion,
        "is_its_own": _is_its_own(request, conversion),
        "form": form,
        "summary": summary,
        "is_looked_at": is_looked_at,
        "over": over,
        "is_stereo": conversion.source_apart or form.whole["by"].value() == "channels",
        "gone_at": gone_at(conversion) if conversion.zero_retention else None,
        "kept_until": unordered_until(conversion),
        "search": page.search_of(conversion),
        "most_parts": actions.MOST_REGIONS,
        "shortest_s": actions.SHORTEST_S,
    }
    return render(request, "conversions/parts.html", context, status=status)
