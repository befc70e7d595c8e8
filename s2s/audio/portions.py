"""Into how many pieces a recording is cut, known from lengths alone: before it has been heard, and without numpy."""

from __future__ import annotations

import math
from typing import Final

OVERLAP_S: Final = 0.25  # to each side of a cut, at most
SHORTEST_S: Final = 2.0  # of which pieces nothing natural is made

_FRAME_S: Final = 0.01  # to which a cut is known
_WINDOW_S: Final = 8.0  # in which somebody takes a breath
_WINDOW_SHARE: Final = 0.15  # of a piece's length


def most_s(longest_s: float) -> float:
    """How much of a recording a piece of `longest_s` has for itself at most, beside what it has in common with others.

    Raises ValueError where that is shorter than SHORTEST_S.
    """
    most = longest_s - 2 * OVERLAP_S - 2 * _FRAME_S
    if most < SHORTEST_S:
        raise ValueError(f"nothing is cut into pieces of {longest_s} s")
    return most


def usual_s(longest_s: float) -> float:
    """The same on average, so that there is room to look for a quiet place. Raises as `most_s` does."""
    most = most_s(longest_s)
    return most - min(_WINDOW_S, _WINDOW_SHARE * most)


def pieces(seconds: float, longest_s: float) -> int:
    """As few as leave that room; one where none is needed. Raises as `most_s` does."""
    return 1 if seconds <= longest_s else math.ceil(seconds / usual_s(longest_s))
