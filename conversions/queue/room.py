"""Whether there is room for all answers and the result of a recording in pieces, asked before the first call is paid;
and for a result in another format, or a film, asked before it is begun.

The answers, of samples mostly, stay beside the result: they take many times the room of an MP3. One that is a single
call waits for the room of its answer before it is sent (`steps/convert.py`), as each piece does.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.conf import settings
from django.db.models import FloatField, OuterRef, Subquery, Sum
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from conversions.files import durable
from conversions.ground import disk
from conversions.ground.connections import lock_out
from conversions.ledger.usage import export_size, unmade_exports
from conversions.models import Conversion, Failure, Step
from conversions.queue.plan import Planned
from s2s.formats import OUTPUT_FORMATS

logger = logging.getLogger(__name__)

NO_ROOM = "no_room"
_LOCK = 0x726F6F6D  # "room"
_SAMPLE_BYTES = 2


def refusal(conversion: Conversion, duration_s: float, planned: Sequence[Planned]) -> Failure | None:
    """Why a recording of this length isn't begun, with what the others still need that are under way.

    Within the transaction that begins it, and before every other lock: until its end nobody else is answered, or each
    of two would find the room that is there for one.
    """
    if len(planned) == 1:
        return None
    answers_s = sum(piece.seconds for piece in planned)
    needed = _needed(conversion.output_format, conversion.output_channels, answers_s, duration_s)
    if _is_there(needed, conversion):
        return None
    logger.error("a recording that needs %d bytes more wasn't begun: the disk is nearly full", needed)
    words = _(
        "There is no room on the server for this: its result and the pieces it is joined from take about %s. Nothing "
        "was sent, and nothing was billed. Your recording is safe: tell your admin, and press Retry once there is room."
    )
    return Failure(NO_ROOM, words % filesizeformat(needed))


def export_refusal(conversion: Conversion, output_format: str) -> str:
    """Why its result isn't made in that format too; empty where there is room. As `refusal` is asked."""
    needed = exporting_bytes(conversion, output_format)
    if _is_there(needed, conversion):
        return ""
    words = _(
        "There is no room on the server for this: while it is made it takes about %s. The result stays as it is: tell "
        "your admin, and ask for this again once there is room."
    )
    return words % filesizeformat(needed)


def exporting_bytes(conversion: Conversion, output_format: str) -> int:
    """Of an export while it is made: it lies there twice for a moment."""
    return 2 * export_size(conversion, output_format)


def _is_there(needed: int, but: Conversion) -> bool:
    """So many bytes, beside what all others still need. A bucket has no end."""
    if durable.free_bytes() is None:
        return True
    lock_out(_LOCK)
    left: int = (durable.free_bytes() or 0) - _taken(but) - settings.MIN_FREE_BYTES
    return needed + disk.AT_LEAST_FREE <= left


def joining_bytes(output_format: str, channels: int, result_s: float) -> int:
    """Of a result while it is joined: it lies there twice for a moment."""
    ordered = OUTPUT_FORMATS[output_format]
    times = 1 if ordered.bitrate_kbps else channels
    return round(2 * result_s * ordered.bytes_per_s * times)


def _needed(output_format: str, channels: int, answers_s: float, result_s: float) -> int:
    """Bytes of answers, which are asked for as samples where that can be had, and of a result."""
    ordered = OUTPUT_FORMATS[output_format]
    answer = max(_SAMPLE_BYTES * ordered.sample_rate_hz, ordered.bytes_per_s)
    return round(answers_s * answer) + joining_bytes(output_format, channels, result_s)


def _taken(but: Conversion) -> int:
    """Bytes that others in pieces, which are under way, and exports have room for and haven't written."""
    coming = Step.objects.filter(
        conversion=OuterRef("pk"), kind=Step.Kind.CONVERT, status__in=[Step.Status.WAITING, Step.Status.RUNNING]
    )
    seconds = coming.order_by().values("conversion").annotate(sum=Sum("seconds")).values("sum")
    unfinished = Conversion.objects.filter(status__in=Conversion.UNFINISHED, pieces__gt=1).exclude(pk=but.pk)
    answers_s = Subquery(seconds, output_field=FloatField())
    rows = unfinished.order_by().values_list("output_format", "output_channels", answers_s, "source_duration_s")
    taken = sum(
        _needed(output_format, channels, coming_s or 0.0, result_s or 0.0)
        for output_format, channels, coming_s, result_s in rows
    )
    return taken + sum(exporting_bytes(made.conversion, made.output_format) for made in unmade_exports())
