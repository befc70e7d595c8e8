"""Several signals side by side, in step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


def in_step(lanes: Sequence[Iterator[Samples]]) -> Iterator[Samples]:
    """Blocks `(lanes, n)` of mono `(n,)` blocks of any length. Lanes are as long as each other.

    Holds no more than one block of each.
    """
    waiting = [np.zeros(0, np.float32) for _ in lanes]
    while True:
        for number, lane in enumerate(lanes):
            while not len(waiting[number]) and (block := next(lane, None)) is not None:
                waiting[number] = block
        length = min(len(block) for block in waiting)
        if not length:
            return
        yield np.stack([block[:length] for block in waiting])
        waiting = [block[length:] for block in waiting]


def outline(planes: Samples) -> Samples:
    """`(channels, n)` to `(n,)`: of each sample the channel that is louder."""
    if len(planes) == 1:
        return np.asarray(planes[0])
    loudest = np.abs(planes).argmax(0)
    return np.asarray(np.take_along_axis(planes, loudest[None], 0)[0], np.float32)
