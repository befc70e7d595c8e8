"""One conversion: its state in words, both players, and what can be done with it."""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from conversions import actions, ledger
from conversions.access import conversion_or_404
from conversions.models import Conversion
from conversions.progress import FIELDS, progress_of, with_progress
from conversions.retention import gone_at
from conversions.timeline import timeline_of
from conversions.views.answers import see_other
from conversions.views.requests import signed_in
from teams.gatekeeper import may_change


def _load(request: HttpRequest, conversion_id: UUID) -> Conversion:
    objects = Conversion.objects.select_related("created_by", "team")
    return conversion_or_404(request.user, conversion_id, objects)


@require_safe
def detail(request: HttpRequest, conversion_id: UUID) -> HttpResponse:
    objects = with_progress(Conversion.objects.select_related("endpoint", "created_by", "team"))
    conversion = conversion_or_404(request.user, conversion_id, objects)
    used = ledger.used_by(conversion.calls.all())
    context = {
        "conversion": conversion,
        "progress": progress_of(conversion),
        "timeline": timeline_of(conversion),
        "cost": ledger.cost_words(conversion, used),
        "cancelled_words": ledger.cancelled_words(conversion, used),
        "retry_words": ledger.retry_words(conversion),
        "gone_at": gone_at(conversion) if conversion.zero_retention else None,
        "may_change": may_change(request.user, team_id=conversion.team_id, created_by_id=conversion.created_by_id),
    }
    return render(request, "conversions/detail.html", context)


@cache
def _polled() -> QuerySet[Any]:
    # Put together once; each poll clones it. It is never evaluated itself.
    return with_progress(Conversion.objects.only("title", "team_id", *FIELDS))


@require_safe
def status(request: HttpRequest, conversion_id: UUID) -> HttpResponse:
    """The state for polling: 204 while nothing changed since `seen`, else the fragment; a finished one reloads."""
    conversion = conversion_or_404(request.user, conversion_id, _polled())
    progress = progress_of(conversion)
    if request.GET.get("seen") == progress.mark:
        return HttpResponse(status=204)
    response = render(request, "conversions/status.html", {"conversion": conversion, "progress": progress})
    if conversion.finished:
        response["HX-Refresh"] = "true"
    return response


@require_POST
def cancel(request: HttpRequest, conversion_id: UUID) -> HttpResponse:
    conversion = _load(request, conversion_id)
    if not actions.cancel(conversion, signed_in(request)):
        messages.info(request, _("It was finished already."))
    return see_other("conversions:detail", conversion_id)


@require_POST
def retry(request: HttpRequest, conversion_id: UUID) -> HttpResponse:
    conversion = _load(request, conversion_id)
    if not actions.retry(conversion, signed_in(request)):
        messages.info(request, _("There is nothing to retry."))
    return see_other("conversions:detail", conversion_id)


@require_POST
def delete(request: HttpRequest, conversion_id: UUID) -> HttpResponse:
    conversion = _load(request, conversion_id)
    actions.delete(conversion, signed_in(request))
    messages.success(request, _("“%(title)s” was deleted.") % {"title": conversion.title})
    return see_other("conversions:history")
