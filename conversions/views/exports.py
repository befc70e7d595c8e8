"""The result in other formats, and as the sound of its film: asked for, waited for, downloaded."""

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
from conversions.models import Conversion, Export, Step
from conversions.pages.exports import made_of
from conversions.pages.films import film_of
from conversions.upkeep import retention
from conversions.views.answers import SeeOther
from conversions.views.files import gone, is_gone, load, serve
from conversions.views.requests import HtmxHttpRequest
from conversions.words import filenames
from conversions.words.films import film_kind
from s2s.formats import OUTPUT_FORMATS
from teams.gatekeeper import may, signed_in
from teams.roles import May


@require_POST
def create(request: HtmxHttpRequest, conversion_id: UUID) -> HttpResponse:
    conversion = load(request, conversion_id)
    try:
        if actions.export(conversion, signed_in(request), request.POST.get("output_format", "")) is None:
            messages.info(request, _("There is nothing to download yet."))
    except ValueError:
        messages.error(request, _("Choose one of the formats in the list."))
    except (actions.OverQuotaError, actions.NoRoomError) as error:
        messages.error(request, str(error))
    is_film = request.POST.get("output_format") == Export.FILM and conversion.is_film
    if request.htmx:
        shown = "conversions:film" if is_film else "conversions:exports_status"
        return SeeOther(headers={"Location": reverse(shown, args=[conversion_id])})
    address = reverse("conversions:detail", args=[conversion_id])
    return SeeOther(headers={"Location": f"{address}#{'film' if is_film else 'exports'}"})


@require_safe
def status(request: HttpRequest, conversion_id: UUID) -> HttpResponse:
    """What was made, for polling: 204 while nothing changed since `seen`."""
    conversion = load(request, conversion_id)
    made = made_of(conversion)
    return _polled(request, conversion, made.mark, "conversions/exports_made.html", {"made": made})


@require_safe
def film(request: HttpRequest, conversion_id: UUID) -> HttpResponse:
    """The film and how far it is, for polling: 204 while nothing changed since `seen`."""
    conversion = load(request, conversion_id)
    if not conversion.is_film or conversion.status != Conversion.Status.READY:
        raise Http404
    shown = film_of(conversion)
    return _polled(request, conversion, shown.mark, "conversions/detail_film.html", {"film": shown})


def _polled(
    request: HttpRequest, conversion: Conversion, mark: str, template: str, shown: dict[str, object]
) -> HttpResponse:
    if request.GET.get("seen") == mark:
        return HttpResponse(status=204)
    # Asked where something failed: a poll has no query to spare.
    may_export = partial(may, request.user, May.EXPORT, conversion.team_id)
    return render(request, template, {"conversion": conversion, "may_export": may_export, **shown})


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
    media_type, name = _served_as(conversion, export, inline="play" in request.GET)
    sent = partial(retention.note_download, conversion) if conversion.zero_retention else None
    return serve(
        request,
        export.file,
        media_type,
        name,
        sent=sent,
        no_store=conversion.zero_retention,
        lasts=not conversion.edition,
    )


def _served_as(conversion: Conversion, export: Export, *, inline: bool) -> tuple[str, str | None]:
    """Its media type, and its name where it is to be saved."""
    if export.output_format == Export.FILM:
        kind = film_kind(export.facts)
        return (kind.played_as, None) if inline else (kind.media_type, filenames.of_film(conversion, kind.extension))
    return OUTPUT_FORMATS[export.output_format].media_type, filenames.of_result(conversion, export.output_format)
