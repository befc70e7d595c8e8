"""What stands for full scale in a recording of floats, which may go beyond it without being clipped.

Its peak is known only when all of it was seen, and what is heard at the beginning depends on it: so such a recording is
looked through before it is read. Runs only in a worker, behind its limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from s2s.audio.opening import Reading, packets
from s2s.audio.sampling import decoded

# Codecs that give back what was recorded. What a lossy one gives beyond full scale is its own doing.
_PCM: Final = {"pcm_f32le": "<f4", "pcm_f32be": ">f4", "pcm_f64le": "<f8", "pcm_f64be": ">f8"}
_WAVPACK: Final = "wavpack"
_FLOATS: Final = ("flt", "dbl")
_UNHEARD: Final = 10 ** (0.05 / 20)
# No sound is that much above the loudest twentieth of its recording, and more than that above full scale: it is damage.
_DAMAGE: Final = 16.0


def full_scale(opened: Callable[[], Reading], codec: str, first: AudioFrame) -> float:
    """1.0, or the peak of a recording of floats that is beyond. `opened` opens it anew, `first` is its first frame."""
    if codec not in (*_PCM, _WAVPACK) or first.format.packed.name not in _FLOATS:
        return 1.0
    reading = opened()
    maxima = np.fromiter(_maxima(reading), np.float64)
    reading.container.close()
    if not len(maxima) or maxima.max() <= _UNHEARD:
        return 1.0
    loud = float(np.sort(maxima)[len(maxima) * 19 // 20])
    peak = float(maxima[maxima <= _DAMAGE * max(1.0, loud)].max(initial=1.0))
    return peak if peak > _UNHEARD else 1.0


def _maxima(reading: Reading) -> Iterator[float]:
    """The largest |sample| of each packet, as far as it is a number."""
    name = reading.decoder.codec.name
    if name in _PCM:
        kind = np.dtype(_PCM[name])
        for packet in packets(reading):
            data = memoryview(packet)
            yield _largest(np.frombuffer(data[: len(data) // kind.itemsize * kind.itemsize], kind))
    else:
        for packet in packets(reading):
            for frame in decoded(reading.decoder, packet):
                planes = (np.frombuffer(memoryview(plane), "f4") for plane in frame.planes)
                yield max((_largest(plane[: frame.samples]) for plane in planes), default=0.0)


def _largest(samples: NDArray[np.floating]) -> float:
    if not len(samples):
        return 0.0
    largest = max(float(samples.max()), -float(samples.min()))
    if np.isfinite(largest):
        return largest
    numbers = samples[np.isfinite(samples)]
    return float(np.abs(numbers).max(initial=0.0))
