"""The pieces of a long recording: how far they are, and each to be listened to while the others are converted.

Of one that is a single call: what of its answer has come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from conversions import actions
from conversions.access.reach import conversion_or_404
from conversions.files import beginnings
from conversions.ground.connections import give_back
from conversions.models import Conversion, Step
from conversions.pages.blocks import MOST_LISTED, block_of, overview_of
from conversions.pages.pieces import Pieces, edition_of, pieces_of
from conversions.pages.timeline import timeline_of
from conversions.views.answers import SeeOther
from conversions.views.files import Sound, load, serve, serve_sound
from conversions.views.requests import HtmxHttpRequest
from s2s.audio.gapless import cut_mp3_head
from s2s.audio.wav import cut_wav_header, wav_header
from s2s.formats import OUTPUT_FORMATS, OutputFormat
from teams.gatekeeper import may_change, signed_in

_READ = (
    *("team_id", "created_by_id", "status", "pieces", "in_regions", "output", "output_duration_s", "output_channels"),
    *("source_rate_hz", "source_samples", "source_duration_s"),
)
_MOST = 2**15  # beyond it nothing is a number of a piece
_HEAD_BYTES = 4096  # in which the sound begins
# What says at its beginning how much follows is told how much is there.
_CUT: Final[Mapping[str, Callable[[bytes, int], bytes]]] = {"wav": cut_wav_header, "mp3": cut_mp3_head}


@require_safe
def status(request: HttpRequest, conversion_id: UUID) -> HttpResponse:
    """For polling: 204 while nothing changed since `seen`, else those pieces that have."""
    conversion = conversion_or_404(request.user, conversion_id, Conversion.objects.only(*_READ))
    block, seen = request.GET.get("block", ""), request.GET.get("seen", "")
    if conversion.pieces > MOST_LISTED and not block:
        return _overview(request, conversion, seen)
    pieces = block_of(conversion, _number_of(block)) if block else pieces_of(conversion)
    if pieces is None:
        raise Http404
    if _has_another_result(request, conversion):
        return _result_has_changed()
    if seen == pieces.mark and pieces.unfinished:
        return HttpResponse(status=204)
    changed = pieces.changed_since(seen)
    may_redo = any(piece.redo_words or piece.is_redone for piece in changed) and may_change(
        request.user, team_id=conversion.team_id, created_by_id=conversion.created_by_id
    )
    context = {"conversion": conversion, "pieces": pieces, "changed": changed, "may_change": may_redo}
    template = "conversions/piece_block.html" if block and not seen else "conversions/pieces_changed.html"
    return render(request, template, context)


def _overview(request: HttpRequest, conversion: Conversion, seen: str) -> HttpResponse:
    overview = overview_of(conversion)
    if overview is None:
        raise Http404
    if _has_another_result(request, conversion):
        return _result_has_changed()
    if seen == overview.mark and overview.unfinished:
        return HttpResponse(status=204)
    may_redo = any(piece.redo_words or piece.is_redone for piece in overview.now) and may_change(
        request.user, team_id=conversion.team_id, created_by_id=conversion.created_by_id
    )
    context = {"conversion": conversion, "pieces": overview, "may_change": may_redo}
    return render(request, "conversions/blocks_changed.html", context)


def _number_of(words: str) -> int:
    return int(words) if words.isascii() and words.isdigit() and len(words) < 6 else 0


def _has_another_result(request: HttpRequest, conversion: Conversion) -> bool:
    return bool(conversion.output) and request.GET.get("of", conversion.edition) != conversion.edition


def _result_has_changed() -> HttpResponse:
    words = _("Ready, and the result has changed")
    return HttpResponse(words, content_type="text/plain; charset=utf-8", headers={"HX-Refresh": "true"})


@require_safe
def listen(request: HttpRequest, conversion_id: UUID, number: int) -> HttpResponseBase:
    """What came back for one piece, as browsers play it: samples without a header get one."""
    conversion = load(request, conversion_id)
    done = conversion.steps.filter(kind=Step.Kind.CONVERT, status=Step.Status.DONE).exclude(result="")
    step = (
        done.filter(position=number - 1).only("conversion", "result", "output_format").first()
        if 0 < number < _MOST
        else None
    )
    if step is None or not conversion.in_pieces:
        raise Http404
    format = OUTPUT_FORMATS.get(step.output_format, conversion.format)
    header = _header_of(format)
    media_type = format.media_type if header is None else "audio/wav"
    return serve(
        request,
        step.result,
        media_type,
        None,
        header=header,
        no_store=conversion.zero_retention,
        lasts=request.GET.get("of") == edition_of(step.result),
    )


@require_safe
def beginning(request: HttpRequest, conversion_id: UUID) -> HttpResponseBase:
    """What has come of the answer to its one call, as browsers play it: `of` says which answer, and how much of it."""
    conversion = load(request, conversion_id)
    step = conversion.steps.filter(kind=Step.Kind.CONVERT).only("pk").first() if conversion.pieces == 1 else None
    give_back()
    found = beginnings.find(conversion.pk, step.pk, request.GET.get("of", "")) if step else None
    if found is None:
        raise Http404
    format = conversion.format
    sound, header, media_type = Sound(found.size, found.blocks), _header_of(format), format.media_type
    if header is not None:
        sound, media_type = sound.after(header(found.size)), "audio/wav"
    elif cut := _CUT.get(format.codec):
        head = b"".join(found.blocks(0, min(found.size, _HEAD_BYTES)))
        sound = sound.after(cut(head, found.size), instead=len(head))
    return serve_sound(request, sound, media_type, no_store=conversion.zero_retention)


@require_POST
def redo(request: HtmxHttpRequest, conversion_id: UUID, number: int) -> HttpResponse:
    """Has one converted once more; what there is stays until that is there."""
    conversion = load(request, conversion_id)
    try:
        is_redone = number < _MOST and actions.redo(conversion, signed_in(request), number)
    except actions.OverQuotaError as error:
        messages.error(request, str(error))
        return _answer(request, conversion)
    words = _("Piece %d is converted again. The result stays as it is until that is there.") % number
    return _answer(request, conversion, number, words if is_redone else _("This piece can’t be converted again now."))


@require_POST
def cancel_redo(request: HtmxHttpRequest, conversion_id: UUID, number: int) -> HttpResponse:
    """It isn't converted once more after all."""
    conversion = load(request, conversion_id)
    is_cancelled = number < _MOST and actions.cancel_redo(conversion, signed_in(request), number)
    words = _("Piece %d stays as it is.") % number
    redos = conversion.steps.filter(kind=Step.Kind.REDO, position=number - 1, endpoint__billed=True)
    if is_cancelled and redos.exists():
        words = f"{words} {_('What was sent already may be billed.')}"
    over = _("This piece isn’t being converted again any more.")
    return _answer(request, conversion, number, words if is_cancelled else over)


def _answer(request: HtmxHttpRequest, conversion: Conversion, number: int = 0, words: str = "") -> HttpResponse:
    """In place where a script asks, so that who listens to one piece goes on; else the page anew. Without `words` a
    message says what is wrong."""
    shown = _changed_by_asking(request, conversion, number) if request.htmx and words else None
    if shown is not None:
        context = {"conversion": conversion, "words": words, "may_change": True, **shown}
        return render(request, "conversions/pieces_asked.html", context)
    if request.htmx:
        return HttpResponse(headers={"HX-Refresh": "true"})
    if words:
        messages.info(request, words)
    return _to_the_list(conversion.pk)


def _changed_by_asking(request: HttpRequest, conversion: Conversion, number: int) -> dict[str, object] | None:
    """Of hundreds of pieces what is shown of all of them, and the row in the `block` in which it was pressed."""
    overview = overview_of(conversion)
    pieces = overview or pieces_of(conversion)
    if pieces is None:
        return None
    block = block_of(conversion, _number_of(request.GET.get("block", ""))) if overview else None
    listed = block if overview else pieces
    changed = [line for line in listed.lines if line.number == number] if isinstance(listed, Pieces) else []
    timeline = [] if conversion.zero_retention else timeline_of(conversion)
    return {"pieces": pieces, "block": block, "changed": changed, "timeline": timeline}


def _to_the_list(conversion_id: UUID) -> HttpResponse:
    return SeeOther(headers={"Location": f"{reverse('conversions:detail', args=[conversion_id])}#pieces"})


def _header_of(format: OutputFormat) -> Callable[[int], bytes] | None:
    """What stands before so many bytes of samples; None where the format says itself what it is."""
    match format.codec:
        case "pcm" | "ulaw" | "alaw" as encoding:
            return lambda size: wav_header(format.sample_rate_hz, size, encoding)
        case _:
            return None
