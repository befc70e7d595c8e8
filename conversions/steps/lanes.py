"""What a result is joined from, channel by channel: converted pieces, and what stays as it is between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING, BinaryIO

from conversions.files import durable
from conversions.models import Conversion, Step
from conversions.steps import cutting

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from s2s.audio.aligning import Alignment
    from s2s.audio.joining import Part


def recordings(open_files: ExitStack) -> Callable[[str], BinaryIO]:
    """What opens a recording by its key, once for all that stays of it: from a bucket all of it is fetched for that."""

    @cache
    def opened(key: str) -> BinaryIO:
        file: BinaryIO = open_files.enter_context(durable.open_file(key))
        return file

    return opened


def lanes(
    conversion: Conversion,
    pieces: Sequence[Step],
    alignments: Sequence[Alignment],
    answer: Callable[[Step], Iterator[NDArray[np.float32]]],
    recording: Callable[[str], BinaryIO],
    *,
    rate_hz: int,
    scale: float,
    usual_db: float,
) -> list[list[Part]]:
    """The parts of each channel of the result, whose samples at `rate_hz` are `scale` times as many as the recording's.

    What no piece has stays as it is, and as loud: beside it the pieces are levelled to their source, else to be
    `usual_db` louder than that. `answer` gives what became of a piece, when that is begun: there may be hundreds.
    `recording` opens what the rest is taken from, see `recordings`.
    """
    from s2s.audio.joining import Part, levelled

    samples = round((conversion.source_samples or 0) * scale)
    places = [(round(piece.start_sample * scale), round((piece.end_sample or 0) * scale)) for piece in pieces]
    channels = (0, 1) if conversion.output_channels == 2 else (None,)
    gaps = {
        channel: _gaps(
            [place for place, piece in zip(places, pieces, strict=True) if piece.channel == channel], samples
        )
        for channel in channels
    }
    gains = levelled(alignments, 0.0 if conversion.in_regions and any(gaps.values()) else usual_db)
    found: list[list[Part]] = []
    for channel in channels:
        parts = [
            Part(*place, answer(piece), alignment, gain_db)
            for place, piece, alignment, gain_db in zip(places, pieces, alignments, gains, strict=True)
            if piece.channel == channel
        ]
        kept = [_as_it_is(conversion, recording, gap, channel, samples, rate_hz) for gap in gaps[channel]]
        found.append(sorted([*parts, *kept], key=lambda part: part.start))
    return found


def _gaps(places: Sequence[tuple[int, int]], samples: int) -> list[tuple[int, int]]:
    """What lies between `places`, which are in order."""
    edges = [0, *(edge for place in places for edge in place), samples]
    return [(end, start) for end, start in zip(edges[::2], edges[1::2], strict=True) if start > end]


def _as_it_is(
    conversion: Conversion,
    recording: Callable[[str], BinaryIO],
    gap: tuple[int, int],
    channel: int | None,
    samples: int,
    rate_hz: int,
) -> Part:
    """With a little more to both sides, which the neighbours' edges are faded into."""
    from s2s.audio.joining import EDGE_S, Part

    edge = round(EDGE_S * rate_hz)
    start, end = max(0, gap[0] - edge), min(samples, gap[1] + edge)

    def recorded() -> Iterator[NDArray[np.float32]]:
        source = recording(cutting.file_of(conversion, channel))
        yield from cutting.excerpt(conversion, source, start, end - start, rate_hz, channel=channel)

    return Part(start, end, recorded())
