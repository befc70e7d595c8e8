"""The copy that stands for a recording where its own file isn't what is wanted.

A recording that players can't search gets its own packets again, with length and index: for players alone, what is
converted stays as it came. One about which something was noticed (a time line of its own, channels that cancel each
other, links, samples that libav's defaults don't read right) gets what was understood of it, as lossless mono: every
player and every endpoint would make something else of the file. What is downloaded as the original is always the file.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from io import BufferedReader
from typing import Final

from conversions.files import durable
from conversions.queue.claim import Claim
from s2s import audio
from s2s.audio import AudioError, Examination, Limits, Stop, decode, searchable

logger = logging.getLogger(__name__)

# Those that are written while somebody speaks.
_LIVE: Final = frozenset({"matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2"})
_MOST_RATE_HZ: Final = 48_000  # more is not in any voice


@dataclass(frozen=True, slots=True)
class Copy:
    key: str = ""
    size: int = 0
    is_sent: bool = False

    @property
    def sent_size(self) -> int | None:
        """In bytes, where endpoints get it too."""
        return self.size if self.is_sent else None


_NONE: Final = Copy()


def make_copy(source: BufferedReader, found: Examination, claim: Claim, limits: Limits, stop: Stop) -> Copy:
    """The copy, under a name of the attempt's own; none where none is needed.

    Raises AudioError where `stop` or the decoder's death ended it (decoder_lost); of one that endpoints need also all
    that decoding raises, and OSError where it can't be stored. Of one for players alone nothing else fails: without it
    a recording is heard all the same.
    """
    if found.noticed:
        return _rendered(source, found, claim, limits, stop)
    return _searchable(source, claim, limits, stop) if found.container in _LIVE else _NONE


def _rendered(source: BufferedReader, found: Examination, claim: Claim, limits: Limits, stop: Stop) -> Copy:
    rate_hz = min(found.sample_rate_hz, _MOST_RATE_HZ)
    with durable.store_for_players(claim.conversion_id, claim.token) as (copy, keep):
        audio.encode(  # looked up when it is needed: it loads what most processes never do
            decode(source, sample_rate_hz=rate_hz, limits=limits, track=_track_of(found), stop=stop),
            copy,
            "flac",
            rate_hz,
            None,
            input_rate_hz=rate_hz,
        )
        size = copy.seek(0, 2)
        return Copy(keep(), size, is_sent=True)


def _track_of(found: Examination) -> int | None:
    return found.noticed.track if found.noticed.tracks else None


def _searchable(source: BufferedReader, claim: Claim, limits: Limits, stop: Stop) -> Copy:
    try:
        with durable.store_for_players(claim.conversion_id, claim.token) as (copy, keep):
            size = searchable(source, copy, limits=limits, stop=stop)
            return Copy(keep(), size) if size else _NONE
    except AudioError as error:
        if error.code == "decoder_lost":
            raise
        logger.info("a recording could not be made searchable: %s", error.code)
    except OSError as error:
        logger.warning("a copy for players can't be stored: %s", error.strerror or "?")
    return _NONE
