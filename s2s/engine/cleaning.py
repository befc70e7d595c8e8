"""A recording without its background noise, block by block, in turn with all that is converted."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from s2s.audio.resampling import Resampler
from s2s.engine import blocks
from s2s.engine.denoiser import RATE_HZ, Denoiser

_PIECE = RATE_HZ  # a tenth of a second of work, then others have a turn


def without_noise(
    decoded: Generator[NDArray[np.float32], None, None],
    limit_db: float,
    sample_rate_hz: int,
    check: Callable[[], None],
) -> Generator[NDArray[np.float32], None, None]:
    """`decoded` gives mono float32 blocks (n,) at 48 kHz. Blocks at `sample_rate_hz` come out, each sample in its
    place, and `round(n * sample_rate_hz / 48000)` in all. `limit_db` as `Denoiser` has it.

    `check` is called before each second of work, and may raise to stop it. Closing the generator closes `decoded`.
    """
    resampler = Resampler(RATE_HZ, sample_rate_hz)
    done = 0
    with closing(decoded), Denoiser(limit_db) as denoiser:
        for block in decoded:
            for start in range(0, len(block), _PIECE):
                check()
                piece = block[start : start + _PIECE]
                with blocks.CRUNCHING.turn(done / RATE_HZ), blocks.CORES.busy():
                    cleaned = denoiser.write(piece)
                done += len(piece)
                yield resampler.write(cleaned)
        yield resampler.write(denoiser.finish())
        yield resampler.finish()
