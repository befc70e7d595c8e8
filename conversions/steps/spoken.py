"""What an endpoint measures the speaker of a piece by, where it takes that (`source_speech`).

A piece that is measured on itself comes out in a voice of its own: three seconds of somebody are another mood of them
than the minute after. So all pieces of one speaker come with the same speech: the first that is theirs. Where nobody
has said who speaks, it is the first of the recording, on which it would be measured as a whole; or beside regions, the
first of all that is in none.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from typing import TYPE_CHECKING, BinaryIO
from uuid import UUID

from conversions.files import durable
from conversions.ground.connections import give_back
from conversions.queue.passages import LEAST_BETWEEN_S
from conversions.steps import cutting
from conversions.steps.loading import Piece
from s2s.audio import SPEECH_RATE_HZ, AudioError, Stop, speech_of
from voices import abilities

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_Who = tuple[UUID, int | None, int | None, str]
_Span = tuple[float, float]  # from and up to which second

_KEPT = 8  # speakers whose pieces are likely to be next, some 700 KB each
_kept: OrderedDict[_Who, bytes] = OrderedDict()
_lock = threading.Lock()


def speech_behind(piece: Piece, source: BinaryIO, stop: Stop) -> bytes | None:
    """A WAV of who speaks in `piece`, from elsewhere in the recording; None where it is measured on itself.

    `source` is what the piece is cut out of. May ask the database, and gives the connection back.
    """
    conversion = piece.conversion
    if not (conversion.audition_of_id or conversion.in_pieces):
        return None
    if not abilities.takes_source_speech(piece.endpoint, conversion.model_id):
        return None
    if conversion.audition_of_id:
        give_back()
        with suppress(FileNotFoundError), durable.open_file(durable.speech_key(conversion.audition_of_id)) as file:
            return file.read()
        return None
    who, spans = _theirs(piece)
    give_back()
    return _of_speaker(piece, who, spans, source, stop) if spans else None


def _theirs(piece: Piece) -> tuple[_Who, list[_Span]]:
    """Who speaks in most of the piece, and where else."""
    conversion = piece.conversion
    length_s = conversion.source_duration_s or 0.0
    if not conversion.in_regions:
        return (conversion.pk, None, None, ""), [(0.0, length_s)]
    spans: dict[_Who, list[_Span]] = {}
    for voice_id, speaker, span in _stretches(piece, length_s):
        if voice_id == piece.voice.pk:
            spans.setdefault((conversion.pk, piece.channel, voice_id, speaker), []).append(span)
    rate_hz = conversion.source_rate_hz or 1
    here = (piece.samples[0] / rate_hz, piece.samples[1] / rate_hz)
    none = (conversion.pk, piece.channel, None, "")
    return max(spans.items(), key=lambda each: _in_common_s(here, each[1]), default=(none, []))


def _stretches(piece: Piece, length_s: float) -> Iterator[tuple[int | None, str, _Span]]:
    """In which voice, whose speech, and where. What nobody marked is in the recording's own voice, and of one speaker:
    of each by itself, the voice would jump from one to the next."""
    reached_s = 0.0
    for region in piece.conversion.regions.filter(channel=piece.channel):
        end_s = length_s if region.end_s is None else region.end_s
        if region.start_s - reached_s >= LEAST_BETWEEN_S:
            yield piece.conversion.voice_id, "", (reached_s, region.start_s)
        yield region.voice_id, region.speaker, (region.start_s, end_s)
        reached_s = end_s
    if length_s - reached_s >= LEAST_BETWEEN_S:
        yield piece.conversion.voice_id, "", (reached_s, length_s)


def _in_common_s(one: _Span, others: list[_Span]) -> float:
    return sum(max(0.0, min(one[1], end_s) - max(one[0], start_s)) for start_s, end_s in others)


def _of_speaker(piece: Piece, who: _Who, spans: list[_Span], source: BinaryIO, stop: Stop) -> bytes | None:
    with _lock:
        if who in _kept:
            _kept.move_to_end(who)
            return _kept[who]
    try:
        with closing(_heard(piece, spans, source, stop)) as blocks:
            found = speech_of(blocks)
    except AudioError:
        return None  # what is wrong there fails where it is converted, and says so
    if not piece.conversion.zero_retention:
        with _lock:
            _kept[who] = found
            while len(_kept) > _KEPT:
                _kept.popitem(last=False)
    return found


def _heard(
    piece: Piece, spans: list[_Span], source: BinaryIO, stop: Stop
) -> Generator[NDArray[np.float32], None, None]:
    for span in spans:
        first, end = (round(moment_s * SPEECH_RATE_HZ) for moment_s in span)
        yield from cutting.excerpt(
            piece.conversion, source, first, end - first, SPEECH_RATE_HZ, stop, channel=piece.channel
        )
