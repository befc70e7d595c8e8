"""Files over HTTP: recordings and results, to listen to and to download. Ranges are answered: players can seek."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from conversions.access.reach import conversion_or_404
from conversions.files import durable
from conversions.files.ranges import ByteRange, UnsatisfiableRangeError, parse_range
from conversions.ground.connections import give_back
from conversions.models import Conversion
from conversions.upkeep import retention
from conversions.words import filenames
from s2s.formats import OUTPUT_FORMATS
from teams.gatekeeper import current_team
from voices.models import Voice

logger = logging.getLogger(__name__)

# The location of deploy/nginx/locations.conf that hands out what lies in DATA_DIR/media.
PROTECTED = "/protected/"
# What a browser's player understands by container name; anything else is handed over as bytes.
_SOURCE_TYPES = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "matroska,webm": "audio/webm",
    "mov,mp4,m4a,3gp,3g2,mj2": "audio/mp4",
    "aac": "audio/aac",
}


@require_safe
def download(request: HttpRequest, conversion_id: UUID) -> HttpResponseBase:
    """The result, as a file with a name that says what it is."""
    conversion = load(request, conversion_id, auditions=True)
    if conversion.status != Conversion.Status.READY or not conversion.output:
        raise Http404
    format = OUTPUT_FORMATS[conversion.output_format]
    name = filenames.of_result(conversion)
    inline = "play" in request.GET
    if not inline and is_gone(conversion.output):
        return gone(request, conversion, _("The converted file is gone from the server."))
    sent = partial(retention.note_download, conversion) if conversion.zero_retention else None
    shown_as = None if inline else name
    return serve(
        request,
        conversion.output,
        format.media_type,
        shown_as,
        sent=sent,
        no_store=conversion.zero_retention,
        lasts=request.GET.get("of", "") == conversion.edition,
    )


@require_safe
def source(request: HttpRequest, conversion_id: UUID) -> HttpResponseBase:
    """The recording as it came. Its type is what decoding found, never what the uploader claimed."""
    conversion = load(request, conversion_id, auditions=True)
    inline = "play" in request.GET
    media_type = source_type(conversion, inline=inline)
    if not inline and is_gone(conversion.source):
        return gone(request, conversion, _("The original recording is gone from the server."))
    name = None if inline else filenames.on_disk(conversion.source_name)
    key = (inline and conversion.player) or conversion.source
    return serve(request, key, media_type, name, no_store=conversion.zero_retention)


def source_type(conversion: Conversion, *, inline: bool) -> str:
    container = conversion.played_container if inline else conversion.source_container
    return _SOURCE_TYPES.get(container, "application/octet-stream")


@require_safe
def preview(request: HttpRequest, voice_id: int) -> HttpResponseBase:
    """A voice's preview clip, from our own copy."""
    voice = Voice.objects.filter(Voice.visible_to(current_team(request.user)), pk=voice_id).exclude(preview="").first()
    if voice is None:
        raise Http404
    return serve(request, voice.preview, "audio/mpeg", None)


def load(request: HttpRequest, conversion_id: UUID, *, auditions: bool = False) -> Conversion:
    objects = Conversion.objects.defer("source_peaks", "output_peaks")
    return conversion_or_404(request.user, conversion_id, objects, auditions=auditions)


def is_gone(key: str) -> bool:
    """Asked for downloads alone: a player asks for many parts, and its page says what is missing."""
    give_back()
    try:
        return not durable.exists(key)
    except OSError:  # the storage is away for a moment
        return False


def gone(request: HttpRequest, conversion: Conversion, words: str) -> HttpResponse:
    logger.error("conversion %s: a file that was to be downloaded is gone", conversion.pk)
    return render(request, "conversions/file_gone.html", {"conversion": conversion, "words": words}, status=404)


@dataclass(frozen=True, slots=True)
class Sound:
    """`size` bytes; `blocks` gives so many of them from there on, and raises FileNotFoundError before the first."""

    size: int
    blocks: Callable[[int, int], Iterator[bytes]]

    def after(self, before: bytes, *, instead: int = 0) -> Sound:
        """With `before` at its beginning, in place of as many bytes as `instead` says."""

        def blocks(start: int, length: int) -> Iterator[bytes]:
            first = before[start : start + length]
            rest = length - len(first)
            more = self.blocks(max(0, start - len(before)) + instead, rest) if rest else iter(())
            return chain([first], more) if first else more

        return Sound(len(before) + self.size - instead, blocks)


def serve(
    request: HttpRequest,
    key: str,
    media_type: str,
    name: str | None,
    *,
    sent: Callable[[], object] | None = None,
    no_store: bool = False,
    lasts: bool = True,
    header: Callable[[int], bytes] | None = None,
) -> HttpResponseBase:
    """The file, from whoever serves it best: S3 by a signed address, the proxy in front, or this process.

    With `name` the browser saves it under that name, without it plays it. `sent` is called when the whole file has
    been handed over, parts don't count; nobody but this process can tell that, so it serves such a file itself.
    `no_store`: nobody on the way keeps a copy, as zero retention promises; what S3 says of that isn't ours. `lasts`:
    whether this address will always have this file. `header` makes what stands before so many bytes of a file that has
    none itself; only this process can put it there.
    """
    disposition = content_disposition_header(name is not None, name or "") if name is not None else None
    give_back()  # a slow listener must not hold one of the pool's for minutes
    elsewhere = None if sent or no_store or header else _elsewhere(request, key, media_type, disposition)
    response = elsewhere or _from_here(request, key, media_type, sent, header)
    return _dressed(response, no_store=no_store, lasts=lasts, disposition=disposition)


def _dressed(
    response: HttpResponseBase, *, no_store: bool, lasts: bool = True, disposition: str | None = None
) -> HttpResponseBase:
    kept = "private, max-age=3600" if lasts else "private, no-cache"
    response.headers.setdefault("Cache-Control", "no-store" if no_store else kept)
    response["X-Content-Type-Options"] = "nosniff"
    # What was uploaded is shown as itself: should a browser take it for a page, that page may do nothing.
    response["Content-Security-Policy"] = "sandbox; default-src 'none'; media-src 'self'"
    if disposition:
        response["Content-Disposition"] = disposition
    return response


def _elsewhere(request: HttpRequest, key: str, media_type: str, disposition: str | None) -> HttpResponse | None:
    address = durable.address(key, method=request.method or "GET", media_type=media_type, disposition=disposition)
    if address is not None:
        # The address runs out, so every request asks for one of its own.
        return HttpResponseRedirect(address, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
    if settings.X_ACCEL:
        return HttpResponse(content_type=media_type, headers={"X-Accel-Redirect": f"{PROTECTED}{quote(key)}"})
    return None


def _from_here(
    request: HttpRequest,
    key: str,
    media_type: str,
    sent: Callable[[], object] | None,
    header: Callable[[int], bytes] | None,
) -> HttpResponse | StreamingHttpResponse:
    try:
        size = durable.size(key)
    except FileNotFoundError as error:
        raise Http404 from error
    sound = Sound(size, partial(durable.blocks, key))
    return _answer(request, sound.after(header(size)) if header else sound, media_type, sent)


def serve_sound(request: HttpRequest, sound: Sound, media_type: str, *, no_store: bool) -> HttpResponseBase:
    """What no single file holds. Its address will always have it."""
    give_back()
    return _dressed(_answer(request, sound, media_type), no_store=no_store)


def _answer(
    request: HttpRequest, sound: Sound, media_type: str, sent: Callable[[], object] | None = None
) -> HttpResponse | StreamingHttpResponse:
    """200, 206 or 416 (RFC 9110, 14)."""
    try:
        part = parse_range(request.headers.get("Range"), sound.size)
        span = part or ByteRange(0, sound.size)
        blocks = sound.blocks(span.start, span.length)
    except FileNotFoundError as error:
        raise Http404 from error
    except UnsatisfiableRangeError:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{sound.size}"})
    if sent is not None and part is None:
        blocks = _then(blocks, span.length, sent)
    response = StreamingHttpResponse(blocks, content_type=media_type, status=206 if part else 200)
    response["Content-Length"] = str(span.length)
    response["Accept-Ranges"] = "bytes"
    if part:
        response["Content-Range"] = f"bytes {span.start}-{span.start + span.length - 1}/{sound.size}"
    if sent is not None:
        response["X-Accel-Buffering"] = "no"  # what lies in a proxy's buffer has not been handed over
    return response


def _then(blocks: Iterator[bytes], length: int, sent: Callable[[], object]) -> Iterator[bytes]:
    for block in blocks:
        length -= len(block)
        yield block
    if length == 0:
        sent()
