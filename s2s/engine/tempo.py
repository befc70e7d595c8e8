"""The same speech faster or slower, at its pitch.

By libav's `atempo`, which overlaps stretches of the sound where they are most alike (WSOLA: Verhelst, Roelands 1993):
each moment lies within 20 ms of where it belongs. What that takes is in `findings/libav-atempo-early.sh`.
"""

from __future__ import annotations

import contextlib

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

Samples = NDArray[np.float32]

_WINDOWS_A_SECOND = 24  # of atempo: each has the power of two from there on


class Tempo:
    """Takes samples at `rate_hz`, and gives as many divided by `speed` (.5 to 2), rounded."""

    def __init__(self, rate_hz: int, speed: float) -> None:
        self._rate_hz, self._speed = rate_hz, speed
        self._taken = self._given = self._pushed = 0
        self._graph = _graph(rate_hz, speed) if speed != 1 else None
        # It begins in the middle of its first window, and ends before its last one.
        self._edge = np.zeros(int(2 ** np.ceil(np.log2(rate_hz / _WINDOWS_A_SECOND))) // 2, np.float32)

    def write(self, samples: Samples) -> Samples:
        """What can be given of them now: (n,) as they are, -1..1. Until the end some are held back."""
        if self._graph is None:
            return samples
        self._taken += len(samples)
        return self._through(self._graph, samples if self._pushed else np.concatenate([self._edge, samples]))

    def finish(self) -> Samples:
        """What is left, when all has been written."""
        if self._graph is None:
            return np.zeros(0, np.float32)
        left = round(self._taken / self._speed) - self._given
        held = self._through(self._graph, np.zeros(2 * len(self._edge), np.float32))
        self._graph.push(None)
        last = np.concatenate([held, self._pulled(self._graph)])[:left]
        return np.pad(last, (0, left - len(last)))

    def _through(self, graph: Graph, samples: Samples) -> Samples:
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "flt", "mono")
        frame.sample_rate, frame.pts = self._rate_hz, self._pushed
        self._pushed += len(samples)
        graph.push(frame)
        return self._pulled(graph)

    def _pulled(self, graph: Graph) -> Samples:
        pulled = [np.zeros(0, np.float32)]
        with contextlib.suppress(av.BlockingIOError, av.EOFError):
            while True:
                got = graph.pull()
                assert isinstance(got, av.AudioFrame)
                pulled.append(got.to_ndarray().reshape(-1).astype(np.float32, copy=False))
        self._given += sum(map(len, pulled))
        return np.concatenate(pulled)


def _graph(rate_hz: int, speed: float) -> Graph:
    graph = Graph()
    form = f"sample_rate={rate_hz}:sample_fmt=flt:channel_layout=mono:time_base=1/{rate_hz}"
    graph.link_nodes(graph.add("abuffer", form), graph.add("atempo", repr(speed)), graph.add("abuffersink")).configure()
    return graph
