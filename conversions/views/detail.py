"""One conversion: its state in words, what can be heard, its other takes, and what can be done with it."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_cache_control
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from conversions import actions
from conversions.access.reach import conversion_or_404, of_batch, on_pages_of
from conversions.forms.titles import TitleForm
from conversions.ledger import sums
from conversions.models import Conversion
from conversions.pages.blocks import Overview, overview_of
from conversions.pages.compare import comparison_of
from conversions.pages.pieces import Pieces, pieces_of
from conversions.pages.progress import FIELDS, progress_of, with_progress, with_told
from conversions.pages.speakers import speaking_in
from conversions.pages.timeline import timeline_of
from conversions.sound import loudness
from conversions.upkeep.retention import gone_at, unordered_until
from conversions.words.lengths import odd_length_words
from conversions.words.noticed import noticed_words, other_tracks
from conversions.words.speakers import endpoint_names
from statements import Given, Select
from teams.gatekeeper import may, may_change, signed_in
from teams.roles import May


@require_safe
@gzip_page
def detail(request: HttpRequest, conversion_id: UUID) -> HttpResponse:
    return show(request, conversion_id)


def show(
    request: HttpRequest, conversion_id: UUID, title_form: TitleForm | None = None, *, status: int = 200
) -> HttpResponse:
    """The page, also as the answer to a name that could not be taken. What nobody has ordered yet has another one,
    where that is done."""
    objects = with_told(with_progress(Conversion.objects.select_related("endpoint", "created_by", "team", "batch")))
    conversion = conversion_or_404(request.user, conversion_id, objects)
    if title_form is None and _is_to_be_ordered(conversion) and may(request.user, May.CONVERT):
        return redirect("conversions:parts", conversion_id)
    used = sums.used_by(conversion.calls.all())
    is_apart = conversion.output_channels == 2
    noticed = noticed_words(conversion.source_noticed, conversion.source_duration_s, apart=is_apart)
    context = {
        "conversion": conversion,
        "progress": progress_of(conversion),
        "compared": comparison_of(request.user, conversion, request.GET.getlist("with")),
        "pieces": _pieces(request, conversion),
        "timeline": timeline_of(conversion),
        "speaking": speaking_in(conversion),
        "endpoint_names": endpoint_names(conversion),
        "title_form": title_form or TitleForm(initial={"title": conversion.title}),
        "batch_size": of_batch(request.user, conversion.batch).count() if conversion.batch else 0,
        "cost": sums.cost_words(conversion, used),
        "cancelled_words": sums.cancelled_words(conversion, used),
        "noticed": [words for words in noticed if words not in conversion.error],
        "other_tracks": other_tracks(conversion.source_noticed),
        "odd_length": odd_length_words(conversion),
        "retry_words": sums.retry_words(conversion),
        "gone_at": gone_at(conversion) if conversion.zero_retention else None,
        "kept_until": unordered_until(conversion),
        "comments": [] if conversion.zero_retention else list(conversion.comments.all()),
        "may_share": _may_share(request, conversion),
        "may_convert": may(request.user, May.CONVERT),
        "may_change": may_change(request.user, team_id=conversion.team_id, created_by_id=conversion.created_by_id),
    }
    return render(request, "conversions/detail.html", context, status=status)


def _may_share(request: HttpRequest, conversion: Conversion) -> bool:
    if conversion.status != Conversion.Status.READY or not actions.may_be_shared(conversion, signed_in(request)):
        return False
    return may(request.user, May.SHARE, conversion.team_id)


def _pieces(request: HttpRequest, conversion: Conversion) -> Pieces | Overview | None:
    """`block` in the query: one that is opened without a script."""
    opened = request.GET.get("block", "")
    number = int(opened) if opened.isascii() and opened.isdigit() and len(opened) < 6 else None
    is_joined = conversion.status == Conversion.Status.READY
    return overview_of(conversion, number, joins=is_joined) or pieces_of(conversion)


def _is_to_be_ordered(conversion: Conversion) -> bool:
    is_unordered = conversion.status == Conversion.Status.UNORDERED
    return conversion.unordered and (is_unordered or not conversion.finished)


@Select
def _polled() -> QuerySet[Conversion]:
    conversions = with_told(
        with_progress(Conversion.objects.only("title", "team_id", "enable_logging", "output_channels", *FIELDS))
    )
    return on_pages_of(Given("user_id"), conversions).filter(pk=Given("pk")).order_by()


@require_safe
def status(request: HttpRequest, conversion_id: UUID) -> HttpResponse:
    """The state for polling: 204 while nothing changed since `seen`, else the fragment, with the timeline where that
    says more; a finished one reloads."""
    conversion = _polled.first(Conversion, user_id=request.user.pk, pk=conversion_id)
    if conversion is None:
        raise Http404
    progress, seen = progress_of(conversion), request.GET.get("seen", "")
    if seen == progress.mark:
        return HttpResponse(status=204)
    if conversion.finished:
        return HttpResponse(progress.words, content_type="text/plain; charset=utf-8", headers={"HX-Refresh": "true"})
    context: dict[str, object] = {"conversion": conversion, "progress": progress}
    if progress.tells_more(seen) and not conversion.zero_retention:
        context["timeline"] = timeline_of(conversion)
    return render(request, "conversions/status.html", context)


@require_safe
def loud(request: HttpRequest, conversion_id: UUID, which: str) -> HttpResponse:
    """How loud it is, in LUFS, for the transport that plays all at one level; null where that can't be said."""
    conversion = conversion_or_404(
        request.user, conversion_id, Conversion.objects.defer("source_peaks", "output_peaks")
    )
    found = loudness.source_lufs(conversion) if which == "source" else loudness.output_lufs(conversion)
    return JsonResponse({"lufs": found})


@require_safe
def peaks(request: HttpRequest, conversion_id: UUID, which: str) -> HttpResponse:
    """The waveform in all its detail, one byte a peak (255 is full scale): what is drawn when one zooms in."""
    field = f"{which}_peaks"
    conversion = conversion_or_404(
        request.user,
        conversion_id,
        Conversion.objects.only("team_id", "enable_logging", "pieces", "in_regions", "output", field),
    )
    found = bytes(getattr(conversion, field))
    if not found:
        raise Http404
    response = HttpResponse(found, content_type="application/octet-stream")
    if conversion.zero_retention:
        patch_cache_control(response, no_store=True)
    elif which == "source" or request.GET.get("of", "") == conversion.edition:
        patch_cache_control(response, private=True, max_age=3600)
    else:
        patch_cache_control(response, private=True, no_cache=True)
    return response
