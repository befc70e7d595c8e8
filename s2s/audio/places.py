"""Which places of a recording are listened to before it is mixed.

A few, evenly over all of it: the beginning may be silent, or have one side only. More where they turn out to be silent,
and in the end all of it, so that nothing is taken for silent that isn't.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from s2s.audio.listening import Listener
from s2s.audio.mixing import Mix

Samples = NDArray[np.float32]

PLACE_S: Final = 0.15
_FEWEST, _USUALLY, _MOST = 8, 32, 256
_SECONDS_A_PLACE: Final = 10.0  # of a recording of some minutes
_ENOUGH: Final = 12  # windows with sound


def listened(
    names: Sequence[str],
    sample_rate_hz: int,
    duration_s: float | None,
    at: Callable[[Iterable[float]], Iterator[Samples]],
    everything: Callable[[], Iterator[Samples]],
) -> Mix:
    """`at` gives `(channels, n)` samples of places, from moments that ascend; `everything` all of them in turn.

    `names` are libav's of the channels.
    """
    listener = Listener(names, sample_rate_hz)
    for moments in _rounds(duration_s):
        for planes in at(moments):
            listener.write(planes)
        if listener.passages >= _ENOUGH:
            return listener.decide()
    if not listener.passages:
        for planes in everything():
            listener.write(planes)
            if listener.passages >= _ENOUGH:
                break
    return listener.decide()


def _rounds(duration_s: float | None) -> Iterator[Iterable[float]]:
    """Moments between those of the round before, twice as many each time."""
    if not duration_s or duration_s <= 0:
        yield _growing()
        return
    count = int(min(max(duration_s / _SECONDS_A_PLACE, _FEWEST), _USUALLY))
    first = True
    while count <= _MOST and (first or count * PLACE_S < 2 * duration_s):
        step = duration_s / count
        # Never the same place twice: each round halves the steps, and looks between what was heard.
        yield [max(0.0, (index + 0.5) * step - PLACE_S / 2) for index in range(count)]
        count, first = 2 * count, False


def _growing() -> Iterator[float]:
    """Moments of what nobody knows the length of: `at` ends where it ends."""
    moment = 0.0
    while True:
        yield moment
        moment += max(0.5, moment / 8)
