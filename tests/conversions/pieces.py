"""What the tests of recordings in pieces hear with."""

from __future__ import annotations

import io
import wave

import numpy as np
from numpy.typing import NDArray

from conversions.files import durable
from conversions.models import Conversion
from s2s.audio import decode
from s2s.audio.aligning import Alignment, Energy, align
from tests.support.endpoint import Behaviour

RATE = 16_000
SPEAKS = Behaviour(speaks=True, most_s=10.0)
Samples = NDArray[np.float32]


def wav_of(samples: Samples) -> bytes:
    """Of `(n,)`, or of `(2, n)`."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1 if samples.ndim == 1 else 2, 2, RATE, 0, "NONE", ""))
        out.writeframes((samples.T * 32767).astype("<i2").tobytes())
    return file.getvalue()


def heard(conversion: Conversion, channel: int | None = None) -> Samples:
    with durable.open_file(conversion.output) as file:
        return np.concatenate(list(decode(file, sample_rate_hz=RATE, channel=channel)))


def lies(source: Samples, result: Samples) -> Alignment:
    energies = []
    for samples in (source, result):
        energy = Energy(RATE)
        energy.write(samples)
        energies.append(energy.finish())
    return align(*energies)
