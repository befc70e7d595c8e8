"""A batch: what was sent together, how far it has come, and all of its results."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from conversions import actions
from conversions.access.reach import of_batch
from conversions.ground.connections import give_back
from conversions.models import Batch, Conversion
from conversions.pages import batches
from conversions.views.answers import see_other
from conversions.words import filenames
from conversions.words.speakers import billing_among
from teams.gatekeeper import may_change, signed_in


@require_safe
def batch(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    return render(request, "conversions/batch.html", _context(request, batches.batch_or_404(request.user, batch_id)))


@require_safe
def status(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """For polling: 204 while nothing changed since `seen`, else the fragment; a finished one reloads."""
    context = _context(request, batches.batch_or_404(request.user, batch_id))
    progress = context["progress"]
    assert isinstance(progress, batches.Progress)
    if request.GET.get("seen") == progress.mark:
        return HttpResponse(status=204)
    response = render(request, "conversions/batch_status.html", context)
    if not progress.unfinished:
        response["HX-Refresh"] = "true"
    return response


def _context(request: HttpRequest, found: Batch) -> dict[str, object]:
    """Raises Http404 for a batch of which the user sees nothing: it is gone, or others' alone."""
    progress = batches.progress_of(request.user, found)
    if not progress.total:
        raise Http404
    may = may_change(request.user, team_id=found.team_id, created_by_id=found.created_by_id)
    return {"batch": found, "progress": progress, "may_change": may}


@require_safe
def download(request: HttpRequest, batch_id: UUID) -> StreamingHttpResponse:
    """Every result that is ready, in one ZIP."""
    found = batches.batch_or_404(request.user, batch_id)
    # Zero retention ones are handed out one by one: what was downloaded whole must be known of each.
    ready = of_batch(request.user, found).filter(status=Conversion.Status.READY, enable_logging=True)
    conversions = list(batches.in_order(ready.defer("source_peaks", "output_peaks")))
    if not conversions:
        raise Http404
    results = batches.results_of(conversions)
    give_back()  # a slow reader must not hold one of the pool's for minutes
    response = StreamingHttpResponse(batches.zipped(results), content_type="application/zip")
    name = filenames.of_archive(conversions[0], f"{found.created_at:%Y-%m-%d}")
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


def _rows_or_404(request: HttpRequest, batch_id: UUID) -> list[Conversion]:
    """What the user sees of it. Raises Http404 where that is nothing."""
    rows = of_batch(request.user, batches.batch_or_404(request.user, batch_id))
    found = list(rows.select_related("endpoint").defer("source_peaks", "output_peaks"))
    if not found:
        raise Http404
    return found


@require_POST
def cancel(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """Everything of it that isn't finished."""
    user, rows = signed_in(request), _rows_or_404(request, batch_id)
    unfinished = [row for row in rows if not row.finished]
    stopped = sum(actions.cancel(conversion, user) for conversion in unfinished)
    words = ngettext("%d recording was cancelled.", "%d recordings were cancelled.", stopped) % stopped
    messages.info(request, words)
    return see_other("conversions:batch", batch_id)


@require_POST
def retry(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """Everything of it that failed and can be helped by trying again without paying twice; or, where that is `asked`,
    everything that waits for someone to say so."""
    user, seen = signed_in(request), _rows_or_404(request, batch_id)
    rows = [row for row in seen if row.retryable and row.asks == ("asked" in request.POST)]
    billing = billing_among(row for row in rows if row.error_code in Conversion.PAID_BEFORE)
    safe = [row for row in rows if row.pk not in billing]
    again, over = 0, ""
    for conversion in safe:
        try:
            again += actions.retry(conversion, user)
        except actions.OverQuotaError as error:
            over = str(error)
    if over:
        messages.error(request, over)
    if again:
        words = ngettext("%d recording is tried again.", "%d recordings are tried again.", again) % again
        messages.info(request, words)
    elif rows and not over:
        messages.info(request, _("What failed may have been billed. Open each one to see its price and decide."))
    elif not rows:
        messages.info(request, _("There is nothing to retry."))
    return see_other("conversions:batch", batch_id)
