"""Frames that are mixed together, and what belongs between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from s2s.audio.timeline import Placed


@dataclass(slots=True)
class Run:
    """Frames of one kind, the silence before them, and what of their samples isn't heard at beginning and end."""

    frames: list[AudioFrame] = field(default_factory=list)
    samples: int = 0
    silence: int = 0
    first: int = 0
    cut: int = 0

    @property
    def sample_rate_hz(self) -> int:
        return self.frames[0].sample_rate

    @property
    def length_s(self) -> float:
        return (self.silence + self.samples - self.first - self.cut) / self.sample_rate_hz

    def silent(self, channels: int) -> Iterator[NDArray[np.float32]]:
        """The silence before it, `(channels, n)`, at most a second at a time."""
        for begun in range(0, self.silence, self.sample_rate_hz):
            yield np.zeros((channels, min(self.sample_rate_hz, self.silence - begun)), np.float32)

    def heard(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of the samples `(channels, n)` of its frames."""
        return planes[:, self.first : planes.shape[1] - self.cut] if self.first or self.cut else planes


def grouped(pieces: Iterable[Placed[AudioFrame]]) -> Iterator[Run]:
    """About a second in each."""
    run = Run()
    for placed in pieces:
        frame = placed.sound
        if run.frames and (
            placed.silence or placed.first or run.cut or _is_full(run) or kind(frame) != kind(run.frames[0])
        ):
            yield run
            run = Run()
        if not run.frames:
            run.silence, run.first = placed.silence, placed.first
        run.frames.append(frame)
        run.samples += frame.samples
        run.cut = placed.cut
    if run.frames:
        yield run


def _is_full(run: Run) -> bool:
    return run.samples >= run.sample_rate_hz


def kind(frame: AudioFrame) -> tuple[str, str, int]:
    """What two frames must share to be mixed together."""
    return frame.format.name, frame.layout.name, frame.sample_rate
