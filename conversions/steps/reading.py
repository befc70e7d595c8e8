"""How the files of a conversion are read: what came without a header says nothing itself."""

from __future__ import annotations

from typing import Any, BinaryIO

from django.conf import settings

from conversions.models import Conversion
from s2s.audio import Limits, RawPcm, examine
from s2s.contract import OutputFormat


def heard(answer: BinaryIO, format: OutputFormat) -> dict[str, Any]:
    """The fields of a conversion that tell what its result sounds like. Raises AudioError."""
    found = examine(answer, limits=Limits(max_duration_s=settings.MAX_DURATION_S), raw=headerless(format))
    return {"output_duration_s": found.duration_s, "output_peaks": found.peaks}


def raw_source(conversion: Conversion) -> RawPcm | None:
    return RawPcm() if conversion.file_format == "pcm_s16le_16" else None


def headerless(format: OutputFormat) -> RawPcm | None:
    """How to read an output that has no header; None for those that say themselves what they are."""
    match format.codec:
        case "pcm":
            return RawPcm(format.sample_rate_hz)
        case "ulaw" | "alaw" as encoding:
            return RawPcm(format.sample_rate_hz, encoding=encoding)
        case _:
            return None
