"""The result in other formats: asked for, waited for, downloaded."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from conversions import actions
from conversions.models import Step
from conversions.pages.exports import made_of
from conversions.upkeep import retention
from conversions.views.answers import SeeOther
from conversions.views.files import gone, is_gone, load, serve
from conversions.views.requests import HtmxHttpRequest, signed_in
from conversions.words import filenames
from s2s.formats import OUTPUT_FORMATS
from teams.gatekeeper import May, may


@require_POST
def create(request: HtmxHttpRequest, conversion_id: UUID) -> HttpResponse:
    conversion = load(request, conversion_id)
    try:
        if actions.export(conversion, signed_in(request), request.POST.get("output_format", "")) is None:
            messages.info(request, _("There is nothing to download yet."))
    except ValueError:
        messages.error(request, _("Choose one of the formats in the list."))
    except actions.OverQuotaError as error:
        messages.error(request, str(error))
    if request.htmx:
        return SeeOther(headers={"Location": reverse("conversions:exports_status", args=[conversion_id])})
    address = reverse("conversions:detail", args=[conversion_id])
    return SeeOther(headers={"Location": f"{address}#exports"})


@require_safe
def status(request: HttpRequest, conversion_id: UUID) -> HttpResponse:
    """What was made, for polling: 204 while nothing changed since `seen`."""
    conversion = load(request, conversion_id)
    made = made_of(conversion)
    if request.GET.get("seen") == made.mark:
        return HttpResponse(status=204)
    # Asked where something failed: a poll has no query to spare.
    may_export = partial(may, request.user, May.EXPORT, conversion.team_id)
    context = {"conversion": conversion, "made": made, "may_export": may_export}
    return render(request, "conversions/exports_made.html", context)


@require_safe
def download(request: HttpRequest, conversion_id: UUID, output_format: str) -> HttpResponseBase:
    conversion = load(request, conversion_id)
    exports = conversion.exports.select_related("step")
    export = exports.filter(output_format=output_format, step__status=Step.Status.DONE).first()
    if export is None:
        raise Http404
    if is_gone(export.file):
        actions.forget_export(export)
        return gone(request, conversion, _("This file is gone from the server. You can have it made again."))
    format = OUTPUT_FORMATS[output_format]
    sent = partial(retention.note_download, conversion) if conversion.zero_retention else None
    name = filenames.of_result(conversion, output_format)
    return serve(request, export.file, format.media_type, name, sent=sent, no_store=conversion.zero_retention)
