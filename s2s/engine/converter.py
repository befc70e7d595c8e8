"""A recording in, the same recording in another voice out: the engine without its server."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

import numpy as np
import soxr
from numpy.typing import NDArray

from s2s.audio import SPEECH_SEARCH_S, speaking
from s2s.engine import blocks
from s2s.engine.analysis import analyse
from s2s.engine.speaker import SourceStatistics, measure
from s2s.engine.spool import Spool
from s2s.engine.transform import Transform
from s2s.engine.vocoder import FRAME_PERIOD_MS, HOP, SAMPLE_RATE_HZ, Features
from s2s.engine.voices import Voice
from s2s.voice_settings import VoiceSettings

STATISTICS_S = speaking.WANTED_S
# A listener waits while the source is measured: `optimize_streaming_latency` 1 to 4 trades sureness for time.
_STATISTICS_BY_LATENCY_S = {0: STATISTICS_S, 1: 10.0, 2: 6.0, 3: 4.0, 4: 3.0}
# How far speech is looked for, for each second that is wanted of it.
_SEARCHED_FOR_EACH = SPEECH_SEARCH_S / speaking.WANTED_S
# A voice is on for about half of the time that somebody speaks.
_VOICED_SHARE = 0.5
_BLOCK = SAMPLE_RATE_HZ  # read at a time
_PIECE = 520 * HOP  # 2.6 s: DIO's transforms are just short of the next power of two
_EVERY = 4


def statistics_seconds(optimize_streaming_latency: int | None) -> float:
    """How much speech to measure the source by."""
    return _STATISTICS_BY_LATENCY_S[optimize_streaming_latency or 0]


def search_seconds(statistics_s: float) -> float:
    """In how much of a recording that speech is looked for."""
    return statistics_s * _SEARCHED_FOR_EACH


def speech_in(
    spool: Spool,
    statistics_s: float = STATISTICS_S,
    sample_rate_hz: int = SAMPLE_RATE_HZ,
    check: Callable[[], object] = lambda: None,
) -> NDArray[np.float32]:
    """The first `statistics_s` of speech in the recording, wherever they begin; where nobody speaks, of sound.

    Mono (n,) at 24 kHz, of a recording at `sample_rate_hz`. `check` is called for each second of it.
    """
    found = speaking.find_speech(
        _read(spool, check), sample_rate_hz, statistics_s, search_seconds(statistics_s)
    ).samples
    return found if sample_rate_hz == SAMPLE_RATE_HZ else soxr.resample(found, sample_rate_hz, SAMPLE_RATE_HZ)


def _read(spool: Spool, check: Callable[[], object]) -> Iterator[NDArray[np.float32]]:
    start = 0
    while spool.reach(start + 1):
        check()
        yield spool.read(start, start + _BLOCK)
        start += _BLOCK


def measure_source(
    speech: NDArray[np.float32], statistics_s: float = STATISTICS_S, check: Callable[[], object] = lambda: None
) -> SourceStatistics:
    """Statistics of the voice in `speech`, mono (n,) at 24 kHz: of as much of it as `statistics_s` usually have.
    `check` is called between its pieces."""
    found: list[Features] = []
    voiced_s = 0.0
    for start in range(0, max(1, len(speech)), _PIECE):
        check()
        with blocks.CRUNCHING.turn(done_s=0.0):
            found.append(analyse(speech[start : start + _PIECE], every=_EVERY))
        voiced_s += float(found[-1].voiced.sum()) * _EVERY * FRAME_PERIOD_MS / 1000
        if voiced_s >= statistics_s * _VOICED_SHARE:
            break
    return measure(joined(found), _EVERY * FRAME_PERIOD_MS / 1000)


def joined(pieces: list[Features]) -> Features:
    """One after the other, as if they had been analysed together."""
    return Features(
        np.concatenate([piece.f0_hz for piece in pieces]),
        np.concatenate([piece.level_db for piece in pieces]),
        np.concatenate([piece.envelope for piece in pieces]),
        np.concatenate([piece.aperiodicity for piece in pieces]),
        np.concatenate([piece.hiss for piece in pieces]),
    )


def convert(
    decoded: Iterator[NDArray[np.float32]],
    voice: Voice,
    settings: VoiceSettings | None = None,
    *,
    streaming: bool = False,
    statistics_s: float = STATISTICS_S,
    speech: NDArray[np.float32] | None = None,
    sample_rate_hz: int = SAMPLE_RATE_HZ,
    seed: int = 0,
    check: Callable[[], object] = lambda: None,
) -> Generator[NDArray[np.float32], None, None]:
    """Change the speaker of a recording and keep the performance.

    `decoded` gives mono float32 blocks (n,) at `sample_rate_hz`, 24 or 48 kHz, -1..1; blocks of the same form come
    out, exactly as many samples in all. `streaming` begins with short blocks. The source is measured on `speech` (as
    `measure_source` has it), or on the first `statistics_s` of speech in the recording. Deterministic: the same
    samples, speech, voice, settings and `seed` (as `Transform` has it) give the same samples. Raises what `decoded`
    raises, and ValueError for another rate. Close the generator to stop the work, or raise in `check`, which is called
    between its parts of some hundredths of a second.
    """
    ratio = _ratio(sample_rate_hz)
    with Spool(decoded) as spool:
        found = speech_in(spool, statistics_s, sample_rate_hz, check) if speech is None else speech
        transform = Transform(measure_source(found, statistics_s, check), voice, voice.settings(settings), seed)
        sizes = blocks.growing_sizes() if streaming else blocks.constant_sizes()
        yield from blocks.convert_blocks(spool, transform, sizes, ratio, check)


def unchanged(
    decoded: Iterator[NDArray[np.float32]], *, streaming: bool = False, sample_rate_hz: int = SAMPLE_RATE_HZ
) -> Generator[NDArray[np.float32], None, None]:
    """The recording as it is, in the blocks in which a converted one would come. Parameters and errors as `convert`."""
    ratio, start = _ratio(sample_rate_hz), 0
    sizes = blocks.growing_sizes() if streaming else blocks.constant_sizes()
    with Spool(decoded) as spool:
        while spool.reach(start + 1):
            stop = start + next(sizes) * ratio
            spool.reach(stop + 1)  # so that it is known whether this is all
            yield spool.read(start, stop)
            start = stop


def _ratio(sample_rate_hz: int) -> int:
    ratio, rest = divmod(sample_rate_hz, SAMPLE_RATE_HZ)
    if rest or ratio not in (1, 2):
        raise ValueError(f"24 or 48 kHz are converted, not {sample_rate_hz} Hz")
    return ratio
