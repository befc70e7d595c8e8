"""How the files of a conversion are read: what came without a header says nothing itself."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from conversions import files
from conversions.models import Conversion
from s2s.audio import Limits, RawPcm, examine
from s2s.contract import OutputFormat


def described(key: str, format: OutputFormat) -> dict[str, Any]:
    """The fields of a conversion that tell about its result. Raises AudioError and FileNotFoundError."""
    with files.open_file(key) as answer:
        found = examine(answer, limits=Limits(max_duration_s=settings.MAX_DURATION_S), raw=headerless(format))
    return {
        "output": key,
        "output_bytes": files.size(key),
        "output_duration_s": found.duration_s,
        "output_peaks": found.peaks,
    }


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
