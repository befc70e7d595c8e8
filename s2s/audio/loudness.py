"""Integrated loudness after ITU-R BS.1770-4 and EBU R 128, by FFmpeg's own meter, in flat memory."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.filter import Graph
from numpy.typing import NDArray

_FORMAT: Final = "fltp"
_PIECES_PER_S: Final = 5
_GATE_LUFS: Final = -70.0  # blocks below do not count; the meter says so too when not one is above


class Loudness:
    """K-weighted, in blocks of 400 ms with 75 % overlap, gated at -70 LUFS and 10 LU below what passes that.

    Mono counts as what it is played as: the same on two loudspeakers. So a 1 kHz sine whose peaks are at -23 dBFS
    has -23 LUFS in mono as in stereo.
    """

    def __init__(self) -> None:
        self._meter: Graph | None = None
        self._kind = self._first = ("", 0)
        self._adapter: AudioResampler | None = None
        self._lufs = _GATE_LUFS

    def write(self, planes: NDArray[np.float32], layout: str, sample_rate_hz: int) -> None:
        """Take `(channels, n)` samples of libav's `layout`; one that changes inside is heard as the first one."""
        if self._meter is None:
            self._first = self._kind = (layout, sample_rate_hz)
            self._meter = _meter(layout, sample_rate_hz)
        elif (layout, sample_rate_hz) != self._kind:
            self._kind = (layout, sample_rate_hz)
            first_layout, first_rate_hz = self._first
            self._adapter = AudioResampler(_FORMAT, first_layout, first_rate_hz)
        # In pieces that stay in the processor's cache on their way through the meter.
        size = max(1, sample_rate_hz // _PIECES_PER_S)
        for start in range(0, planes.shape[1], size):
            frame = _frame(planes[:, start : start + size], layout, sample_rate_hz)
            for piece in [frame] if self._adapter is None else self._adapter.resample(frame):
                self._meter.push(piece)
                self._read(self._meter)

    def finish(self) -> float | None:
        """LUFS; None for silence and for less than one block."""
        if self._meter is not None:
            self._meter.push(None)
            self._read(self._meter)
        return self._lufs if self._lufs > _GATE_LUFS else None

    def _read(self, meter: Graph) -> None:
        """The meter's last word of those that are ready: it says one each 100 ms."""
        said: dict[str, str] = {}
        try:
            while True:
                said = meter.pull().metadata or said
        except (av.error.BlockingIOError, av.error.EOFError):
            self._lufs = float(said.get("lavfi.r128.I", self._lufs))


def _frame(planes: NDArray[np.float32], layout: str, sample_rate_hz: int) -> AudioFrame:
    # Not `from_ndarray`, which counts the planes of eight channels wrongly (see planes.py).
    frame = AudioFrame(format=_FORMAT, layout=layout, samples=planes.shape[1])
    frame.sample_rate, frame.time_base = sample_rate_hz, Fraction(1, sample_rate_hz)
    for plane, samples in zip(frame.planes, planes, strict=False):
        plane.update(samples.tobytes())
    return frame


def _meter(layout: str, sample_rate_hz: int) -> Graph:
    meter = Graph()
    meter.threads = 1
    source = meter.add_abuffer(
        sample_rate=sample_rate_hz, format=_FORMAT, layout=layout, time_base=Fraction(1, sample_rate_hz)
    )
    ebur128 = meter.add("ebur128", "metadata=1:framelog=quiet:dualmono=1")
    sink = meter.add("abuffersink")
    source.link_to(ebur128)
    ebur128.link_to(sink)
    meter.configure()
    return meter
