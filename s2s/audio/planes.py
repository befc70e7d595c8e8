"""Decoded frames of any sample format and channel layout to float32."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

_DTYPES: Final = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}
_CEILING: Final = 16.0  # a float file may hold anything; filters and codecs may not


def channels(frames: Sequence[AudioFrame], full_scale: float = 1.0) -> NDArray[np.float32]:
    """The samples of `frames`, all of one format and layout: `(channels, n)`, nominally -1..1.

    `full_scale` is what becomes 1 of floats (see `scaling`).

    Never NaN, never beyond +-16: float files may hold anything. The frames have no times afterwards.
    """
    planes = _planes(_joined(frames))
    with np.errstate(over="ignore", invalid="ignore"):
        samples = _scaled(planes)
        if full_scale != 1.0:
            samples = samples / np.float32(full_scale)
        # What compares with a NaN is false.
        if planes.dtype.kind != "f" or (samples.min() >= -_CEILING and samples.max() <= _CEILING):
            return samples
        bounded: NDArray[np.float32] = np.clip(np.nan_to_num(samples, nan=0.0), -_CEILING, _CEILING)
        return bounded


def _joined(frames: Sequence[AudioFrame]) -> AudioFrame:
    """One frame of all. libav copies what would take numpy as long as it takes a codec to decode it."""
    fifo = AudioFifo()
    for frame in frames:
        frame.pts = None  # they need not follow each other
        fifo.write(frame)
    joined = fifo.read()
    assert joined is not None
    return joined


def _planes(frame: AudioFrame) -> NDArray[np.generic]:
    """`(channels, n)` of the sample type that the decoder gave.

    Not `AudioFrame.to_ndarray`: PyAV 18.1 takes libav's list of planes to end with a null, which it does not at eight
    channels or more, and reads what lies behind it.
    """
    channels, dtype = frame.layout.nb_channels, _DTYPES[frame.format.packed.name]
    if frame.format.is_planar:
        return np.stack([np.frombuffer(memoryview(plane), dtype, frame.samples) for plane in frame.planes[:channels]])
    interleaved = np.frombuffer(memoryview(frame.planes[0]), dtype, frame.samples * channels)
    return interleaved.reshape(-1, channels).T


def _scaled(planes: NDArray[np.generic]) -> NDArray[np.float32]:
    """Full scale of any of libav's sample types to -1..1."""
    kind, width = planes.dtype.kind, planes.dtype.itemsize
    if kind == "f":
        return planes.astype(np.float32, copy=False)
    if kind == "u":
        return (planes.astype(np.float32) - np.float32(128)) / np.float32(128)
    return planes.astype(np.float32) * np.float32(2.0 ** (1 - 8 * width))
