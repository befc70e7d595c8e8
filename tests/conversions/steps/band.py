"""Several voices of two endpoints, each known by a tone, for recordings in which several speak."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from conversions import actions
from conversions.models import Conversion
from s2s.contract import ConvertParameters
from tests.conversions.conftest import upload
from tests.conversions.pieces import RATE, Samples, wav_of
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.endpoint.speaking import TONE
from voices.models import Voice

EDGE = round(0.005 * RATE)
HZ = {"nora": 1000.0, "marcus": 2000.0, "atlas": 3000.0}
VOICES = {name: Behaviour(speaks=True, tone_hz=hz) for name, hz in HZ.items()}


@dataclass
class Band:
    """Nora and Marcus of one endpoint, Atlas of another one, which bills."""

    nora: Voice
    marcus: Voice
    atlas: Voice
    scripted: ScriptedEndpoint
    cast: Cast

    def send(self, recording: Samples | bytes, *regions: actions.RegionOrder, **wanted: object) -> Conversion:
        given = ConvertParameters.model_validate({"output_format": "wav_16000", **wanted})
        with upload(recording if isinstance(recording, bytes) else wav_of(recording)) as file:
            return actions.submit(self.cast.alice, self.cast.team, file, self.nora, actions.Order(given, regions))

    @property
    def asked(self) -> list[str]:
        return [request.voice_id for request in self.scripted.requests]


def speaks(samples: NDArray[np.float32]) -> str:
    """Whose tone is in it."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) / len(samples) * 4
    loud = [name for name, hz in HZ.items() if spectrum[round(hz * len(samples) / RATE)] > TONE / 2]
    return " ".join(loud)
