"""A recording in, the same recording in another voice out: the engine without its server."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np
from numpy.typing import NDArray

from s2s.contract import VoiceSettings
from s2s.engine import blocks
from s2s.engine.speaker import SourceStatistics, measure
from s2s.engine.spool import Spool
from s2s.engine.transform import Transform
from s2s.engine.vocoder import FRAME_PERIOD_MS, SAMPLE_RATE_HZ, Features, analyse
from s2s.engine.voices import Voice

STATISTICS_S = 15.0
# A listener waits while the source is measured: `optimize_streaming_latency` 1 to 4 trades sureness for time.
_STATISTICS_BY_LATENCY_S = {0: STATISTICS_S, 1: 10.0, 2: 6.0, 3: 4.0, 4: 3.0}
_PIECE_S = 3.0
# A voice is on for about half of the time that somebody speaks.
_VOICED_SHARE = 0.5
# A recording without a voice is not searched for one for ever.
_LONGEST_SEARCH_S = 60.0
_SILENCE = 10 ** (-60 / 20)
_EVERY = 2


def statistics_seconds(optimize_streaming_latency: int | None) -> float:
    """How much speech to measure the source by."""
    return _STATISTICS_BY_LATENCY_S[optimize_streaming_latency or 0]


def measure_source(spool: Spool, seconds: float = STATISTICS_S) -> SourceStatistics:
    """Statistics of the first `seconds` of speech in the recording, wherever they begin.

    Silence is skipped; at most a minute of sound is searched.
    """
    found: list[Features] = []
    voiced_s = searched_s = 0.0
    start, piece = 0, int(_PIECE_S * SAMPLE_RATE_HZ)
    while voiced_s < seconds * _VOICED_SHARE and searched_s < max(seconds, _LONGEST_SEARCH_S):
        if not spool.reach(start + 1):
            break
        samples = spool.read(start, start + piece)
        start += piece
        if found and len(samples) < piece // 4:
            break
        if np.abs(samples).max() < _SILENCE:
            continue
        with blocks.CRUNCHING.turn(done_s=0.0):
            features = analyse(samples, every=_EVERY)
        found.append(features)
        searched_s += _PIECE_S
        voiced_s += float(features.voiced.sum()) * _EVERY * FRAME_PERIOD_MS / 1000
    if not found:
        found.append(analyse(np.zeros(0), every=_EVERY))
    return measure(_joined(found), _EVERY * FRAME_PERIOD_MS / 1000)


def _joined(pieces: list[Features]) -> Features:
    return Features(
        np.concatenate([piece.f0_hz for piece in pieces]),
        np.concatenate([piece.envelope for piece in pieces]),
        np.concatenate([piece.aperiodicity for piece in pieces]),
    )


def convert(
    decoded: Iterator[NDArray[np.float32]],
    voice: Voice,
    settings: VoiceSettings | None = None,
    *,
    streaming: bool = False,
    statistics_s: float = STATISTICS_S,
) -> Generator[NDArray[np.float32], None, None]:
    """Change the speaker of a recording and keep the performance.

    `decoded` gives mono float32 blocks (n,) at 24 kHz, -1..1; blocks of the same form come out, exactly as many
    samples in all. `streaming` begins with short blocks. Deterministic: the same samples, voice and settings
    give the same samples. Raises what `decoded` raises. Close the generator to stop the work.
    """
    with Spool(decoded) as spool:
        transform = Transform(measure_source(spool, statistics_s), voice, voice.settings(settings))
        sizes = blocks.growing_sizes() if streaming else blocks.constant_sizes()
        for block in blocks.convert_blocks(spool, transform, sizes):
            yield block.astype(np.float32)
