"""What players get of a recording that they can't search as it came: the same packets, with length and index.

What is converted and downloaded stays as it came. Without the copy a recording is heard all the same, so nothing fails
for it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from io import BufferedReader

from conversions import files
from conversions.queue.claim import Claim
from s2s.audio import AudioError, Examination, Limits, Stop, searchable

logger = logging.getLogger(__name__)

# Those that are written while somebody speaks.
_LIVE = frozenset({"matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2"})


@dataclass(frozen=True, slots=True)
class Copy:
    key: str = ""
    size: int = 0


_NONE = Copy()


def make_copy(source: BufferedReader, found: Examination, claim: Claim, limits: Limits, stop: Stop) -> Copy:
    """The copy, under a name of the attempt's own; none where none is needed, or none could be made.

    Raises AudioError (decoder_lost) where `stop` or the decoder's death ended it.
    """
    if found.container not in _LIVE:
        return _NONE
    try:
        with files.store_for_players(claim.conversion_id, claim.token) as (copy, keep):
            size = searchable(source, copy, limits=limits, stop=stop)
            return Copy(keep(), size) if size else _NONE
    except AudioError as error:
        if error.code == "decoder_lost":
            raise
        logger.info("a recording could not be made searchable: %s", error.code)
    except OSError as error:
        logger.warning("a copy for players can't be stored: %s", error.strerror or "?")
    return _NONE
