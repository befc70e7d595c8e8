"""How loud a recording and its result are: measured when somebody compares them first, and kept.

Measuring takes as long as decoding. Nobody waits for it on the way to a result, and most are never compared. A result
that was joined of pieces is measured as it is joined, when its samples are at hand.
"""

from __future__ import annotations

import logging
import os
import threading

from django.conf import settings
from django.db.models import Q

from conversions.files import durable
from conversions.ground.connections import give_back
from conversions.models import Conversion
from conversions.sound.reading import headerless, raw_source
from s2s.audio import AudioError, Limits, RawPcm, measure_loudness

logger = logging.getLogger(__name__)

# More meters than cores would make none of them quicker.
_meters = threading.BoundedSemaphore(os.cpu_count() or 1)


def source_lufs(conversion: Conversion) -> float | None:
    """Of the recording; None for silence, and for what can't be read any more."""
    if conversion.source_lufs is None:
        raw = None if conversion.is_rendered else raw_source(conversion)
        conversion.source_lufs = _measured(conversion.sent, raw)  # what is played
        _keep(conversion, Q(), source_lufs=conversion.source_lufs)
    return conversion.source_lufs


def output_lufs(conversion: Conversion) -> float | None:
    """Of the result."""
    if conversion.output_lufs is None and conversion.output:
        conversion.output_lufs = _measured(conversion.output, headerless(conversion.format, conversion.output_channels))
        _keep(conversion, Q(output=conversion.output), output_lufs=conversion.output_lufs)
    return conversion.output_lufs


def _measured(key: str, raw: RawPcm | None) -> float | None:
    give_back()
    try:
        with _meters, durable.open_file(key) as file:
            return measure_loudness(file, limits=Limits(max_duration_s=settings.MAX_DURATION_S), raw=raw)
    except (AudioError, OSError) as error:  # the page claims nothing then
        logger.warning("%s can't be measured: %s", key, error)
        return None


def _keep(conversion: Conversion, if_still: Q, **lufs: float | None) -> None:
    """Not of a result that has become another one meanwhile."""
    Conversion.objects.filter(if_still, pk=conversion.pk).update(**lufs)
