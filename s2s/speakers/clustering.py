"""Whose voice is whose: vectors of the same speaker in one group, however many speakers there are."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST_SPEAKERS: Final = 15
_SAME: Final = 0.4  # cosine of two groups, on average, from which they are one speaker (as in 3D-Speaker)
_COMPARED: Final = 1200  # vectors: all pairs of them are 6 MB and a second or two
_BLEND: Final = 0.55  # two people are .2 to .4 here, a blend of two .6 and more
_LEAST_S: Final = 2.0  # who is heard for less isn't told from noise, a laugh or two who speak at once


def group(vectors: NDArray[np.float32], seconds: NDArray[np.float32]) -> NDArray[np.float32]:
    """(speakers, n) float32: one direction of length 1 a speaker, of (windows, n) vectors of length 1, each of which
    stands for so many seconds. None, (0, n), where there are no vectors.

    Average linkage (Sokal and Michener 1958). Of many windows evenly chosen ones are compared: an hour's speakers are
    all among them.
    """
    chosen = np.unique(np.linspace(0, len(vectors) - 1, min(len(vectors), _COMPARED)).round().astype(int))
    compared = vectors[chosen]
    if not len(compared):
        return np.zeros((0, vectors.shape[-1]), np.float32)
    labels = _linked(compared)
    labels, counts = _largest(labels)
    shares = counts * (float(seconds.sum()) / len(compared))
    speakers = [_direction(compared[labels == 0])]
    for label in range(1, int((shares >= _LEAST_S).sum())):
        direction = _direction(compared[labels == label])
        if len(speakers) < MOST_SPEAKERS and _likeness_to_blends(direction, np.stack(speakers)) < _BLEND:
            speakers.append(direction)
    return np.asarray(np.stack(speakers), np.float32)


def _likeness_to_blends(direction: NDArray[np.float32], speakers: NDArray[np.float32]) -> float:
    """Its cosine with the most alike of all that two or more of the others sound like together: a window in which one
    answers the other lies between them, and enough of those look like somebody else."""
    weights = np.linalg.lstsq(speakers.T, direction, rcond=None)[0]
    return float(np.linalg.norm(weights @ speakers))


def _linked(vectors: NDArray[np.float32]) -> NDArray[np.intp]:
    """A label for each: the two most alike groups become one until none are alike."""
    likeness = (vectors @ vectors.T).astype(np.float32)
    np.fill_diagonal(likeness, -np.inf)
    sizes = np.ones(len(vectors), np.float32)
    labels = np.arange(len(vectors))
    while True:
        one, other = divmod(int(likeness.argmax()), len(vectors))
        if not likeness[one, other] >= _SAME:
            return labels
        both = (sizes[one] * likeness[one] + sizes[other] * likeness[other]) / (sizes[one] + sizes[other])
        likeness[one], likeness[:, one] = both, both
        likeness[other], likeness[:, other] = -np.inf, -np.inf
        likeness[one, one] = -np.inf
        sizes[one] += sizes[other]
        labels[labels == other] = one


def _largest(labels: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Numbered from the largest group on, with the sizes."""
    _names, places, counts = np.unique(labels, return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[places], counts[order]


def _direction(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    mean = vectors.mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)
