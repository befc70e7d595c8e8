"""How the files of a conversion are read, and what it keeps of that.

Most recordings are understood by `prepare`, those that need no decoder at the door. What came without a header says
nothing itself.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from io import BufferedReader
from itertools import chain
from typing import BinaryIO, cast

from django.conf import settings
from django.core.files import File
from django.utils.translation import gettext as _
from xxhash import xxh3_128

from conversions.ground.connections import give_back
from conversions.ledger.usage import over_quota
from conversions.models import Conversion, Failure
from conversions.words.noticed import missing_words
from s2s.audio import AudioError, Examination, Limits, RawPcm, Stop, examine, examine_plain
from s2s.audio.limits import SILENCE_DBFS
from s2s.formats import OutputFormat
from teams.models import Membership
from voices.models import Endpoint

logger = logging.getLogger(__name__)

# A request with as much as this is not kept waiting noticeably longer.
AT_THE_DOOR_BYTES = 20 * 1000**2
_ALAW_SILENCE_DBFS = -72.2  # ITU-T G.711 has no zero: the value next to it is 8 of 32,768
_at_the_door = threading.BoundedSemaphore(os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Understood:
    """A recording as decoding all of it has shown it, and its checksum (see `files`)."""

    found: Examination
    checksum: str

    @property
    def fields(self) -> dict[str, object]:
        """What its conversion keeps."""
        found = self.found
        return {
            "source_checksum": self.checksum,
            "source_container": found.container[:40],
            "source_codec": found.codec[:40],
            "source_pictures": found.pictures[:40],
            "source_rate_hz": found.sample_rate_hz,
            "source_channels": found.channels,
            "source_apart": found.is_apart,
            "source_samples": found.samples,
            "source_duration_s": found.duration_s,
            "source_peaks": found.peaks,
            "source_places": array("q", chain.from_iterable(found.places)).tobytes(),
            "source_noticed": found.noticed.as_json(),
        }

    @property
    def told(self) -> dict[str, object]:
        """What the timeline says."""
        told = {"duration_s": round(self.found.duration_s, 3), "codec": self.found.codec}
        return told | ({"noticed": self.found.noticed.as_json()} if self.found.noticed else {})


def understand(source: BufferedReader, conversion: Conversion, stop: Stop) -> Understood:
    """Raises AudioError, also for what is silent: its conversion would be, too, and may be billed."""
    found = examine(
        source,
        limits=limits(),
        raw=raw_source(conversion),
        track=conversion.track,
        with_levels=True,
        stop=stop,
    )
    if found.level_dbfs <= SILENCE_DBFS:
        raise AudioError("silent")
    return Understood(found, _checksum(source))


def places_of(conversion: Conversion) -> list[tuple[int, int, int]]:
    """Of its own file, as `s2s.audio.stretch` takes them."""
    kept = array("q", bytes(conversion.source_places))
    return list(zip(kept[::3], kept[1::3], kept[2::3], strict=True))


def understand_at_the_door(upload: File[bytes], conversion: Conversion) -> Understood | None:
    """An upload that needs no decoder; `uploads` has given it a `checksum`.

    None for what is left to `prepare`: any other kind of recording, one with which something is wrong, and what comes
    when every core is busy with others.
    """
    checksum: str | None = getattr(upload, "checksum", None)
    if checksum is None or not _at_the_door.acquire(blocking=False):
        return None
    try:
        give_back()
        found = examine_plain(
            cast(BinaryIO, upload), limits=limits(), raw=raw_source(conversion), with_channel_levels=True
        )
        is_plain = found and found.level_dbfs > SILENCE_DBFS and not found.noticed
        return Understood(found, checksum) if found and is_plain else None
    except AudioError:
        return None
    except Exception:
        logger.exception("a recording was not understood at the door")
        return None
    finally:
        _at_the_door.release()


def refusal(conversion: Conversion, seconds: float, member: Membership | None) -> Failure | None:
    """Why so much of it goes beyond a quota."""
    over = over_quota(member, seconds=seconds, of=conversion) if member else None
    if over:
        return Failure("quota", _("%s Your recording is safe; press Retry when there is room again.") % over)
    return None


def question(found: Examination, endpoints: Iterable[Endpoint]) -> Failure | None:
    """What a person is to say before it is paid for: whether it is to be sent, though a part of it is missing."""
    words = missing_words(found.noticed.as_json(), found.duration_s)
    billing = next((endpoint for endpoint in endpoints if endpoint.billed), None)
    if not words or billing is None:
        return None
    more = _(
        "Nothing was sent to %(endpoint)s, and nothing was billed. "
        "If you have the whole file, upload that; else convert what is there."
    )
    return Failure(Conversion.INCOMPLETE, f"{words} {more % {'endpoint': billing.name}}")


def heard(answer: BinaryIO, format: OutputFormat) -> dict[str, object]:
    """The fields of a conversion that tell what its result sounds like.

    Raises AudioError, also for silence (silent): no recording is that is sent.
    """
    found = examine(answer, limits=limits(), raw=headerless(format))
    if _is_silent(found, format):
        raise AudioError("silent")
    return _output(found)


def heard_at_once(answer: BinaryIO, format: OutputFormat) -> dict[str, object] | None:
    """The same of one that needs no decoder; else None, and for silence."""
    found = examine_plain(answer, limits=limits(), raw=headerless(format))
    return _output(found) if found and not _is_silent(found, format) else None


def _is_silent(found: Examination, format: OutputFormat) -> bool:
    return found.level_dbfs <= (_ALAW_SILENCE_DBFS if format.codec == "alaw" else SILENCE_DBFS)


def _output(found: Examination) -> dict[str, object]:
    return {"output_duration_s": found.duration_s, "output_peaks": found.peaks}


def raw_source(conversion: Conversion) -> RawPcm | None:
    return RawPcm() if conversion.file_format == "pcm_s16le_16" else None


def headerless(format: OutputFormat, channels: int = 1) -> RawPcm | None:
    """How to read an output that has no header; None for those that say themselves what they are."""
    match format.codec:
        case "pcm":
            return RawPcm(format.sample_rate_hz, channels)
        case "ulaw" | "alaw" as encoding:
            return RawPcm(format.sample_rate_hz, channels, encoding)
        case _:
            return None


def limits() -> Limits:
    return Limits(max_duration_s=settings.MAX_DURATION_S)


def _checksum(source: BufferedReader) -> str:
    source.seek(0)
    return hashlib.file_digest(source, xxh3_128).hexdigest()
