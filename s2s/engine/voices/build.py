"""Build the profiles and previews of the built-in voices: `python -m s2s.engine.voices.build`.

Needs flite (Debian: `apt install flite`) when run, and nothing of it afterwards. The neutral envelope is the
mean over flite's CMU ARCTIC voices, synthetic speech under a free licence: no living person's voice is in a
profile. What sets a voice apart (pitch, formants, colour, breath) is chosen, not measured: `designs.toml`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import tomllib
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from s2s.audio import Encoder
from s2s.engine import denoiser, spectrum
from s2s.engine.analysis import analyse
from s2s.engine.converter import convert
from s2s.engine.speaker import SourceStatistics, measure
from s2s.engine.vocoder import FRAME_PERIOD_MS, SAMPLE_RATE_HZ
from s2s.engine.voices import FOLDER, load, own_voice

_NEUTRAL_SPEAKERS = ("slt", "rms", "awb")
_NEUTRAL_SCALE = 1.1
_TEXT = (
    "Early in the morning the harbour was quiet, and only a few fishing boats had gone out. "
    "She asked him why the yellow house on the hill had been empty for so many years. "
    "Nobody could say, though everyone had a story about a judge, a ship and a chest of silver. "
    "We measured the table, joined the boards, and brushed on a thin coat of oil. "
    "If you think about it, a good voice is mostly patience, breath and a little courage."
)
# flite's voices are sampled at 16 kHz: what lies above is the edge of their filter, not a voice.
_MEASURED_UP_TO_HZ = 7000.0
_BELLS_HZ, _BELL_OCTAVES = (1100.0, 2000.0, 5200.0), (0.4, 0.35, 0.4)
_PREVIEW_RATE_HZ = 44_100
_PREVIEW_KBPS = 64
_SPEECH_OVER_NOISE_DB = 10.0
_HUM_HZ = 50.0


class Design(BaseModel):
    """What is chosen for a voice. `presence_db` at 3 kHz, `warmth_db` at 250 Hz; `throat_db` at 1.1, `nose_db` at 2 and
    `teeth_db` at 5.2 kHz, which set voices apart that are alike else; `breath` in logits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    voice_id: str
    name: str
    description: str
    labels: dict[str, str]
    preview_speaker: str
    preview_text: str
    f0_hz: float
    formant_scale: float
    f0_spread: float
    tilt_db_per_octave: float
    presence_db: float
    warmth_db: float
    throat_db: float = 0.0
    nose_db: float = 0.0
    teeth_db: float = 0.0
    breath: float = 0.0
    tremor_cents: float = 0.0


class OwnDesign(BaseModel):
    """What is chosen for one's own voice: what its preview says in noise, and what without it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    voice_id: str
    name: str
    description: str
    labels: dict[str, str]
    preview_speaker: str
    preview_before: str
    preview_after: str


def designs() -> list[Design]:
    """Of all built-in voices. Raises ValueError (pydantic's) for one that says too little or too much."""
    return [Design.model_validate(row) for row in _chosen()["voice"]]


def own_design() -> OwnDesign:
    """Raises as `designs`."""
    return OwnDesign.model_validate(_chosen()["own_voice"])


def _chosen() -> dict[str, Any]:
    return tomllib.loads((FOLDER / "designs.toml").read_text(encoding="utf-8"))


def speak(speaker: str, text: str) -> NDArray[np.float32]:
    """flite's rendering of a text, (n,) float32 at 24 kHz. Raises CalledProcessError without flite's voice."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["flite", "-voice", speaker, "-t", text, "-o", file.name], check=True)
        with wave.open(file.name) as clip:
            rate_hz = clip.getframerate()
            samples = np.frombuffer(clip.readframes(clip.getnframes()), dtype="<i2")
    scaled = samples.astype(np.float32) / 32768
    return np.asarray(soxr.resample(scaled, rate_hz, SAMPLE_RATE_HZ), dtype=np.float32)


def neutral() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean envelope (MEL_BANDS,), warped to formant scale 1.1 and centred on 0, and band aperiodicity (4,)."""
    speakers = [
        measure(analyse(speak(speaker, _TEXT), every=2), 2 * FRAME_PERIOD_MS / 1000) for speaker in _NEUTRAL_SPEAKERS
    ]
    envelope = np.mean([_at_neutral_scale(statistics) for statistics in speakers], axis=0)
    return envelope, np.mean([statistics.aperiodicity for statistics in speakers], axis=0)


def _at_neutral_scale(statistics: SourceStatistics) -> NDArray[np.float64]:
    if statistics.envelope is None or statistics.formant_scale is None:
        raise ValueError("a flite voice could not be measured")
    envelope = statistics.envelope.copy()
    beyond = spectrum.MEL_HZ > _MEASURED_UP_TO_HZ
    envelope[beyond] = envelope[~beyond][-1]
    warped = spectrum.warp_mel_curve(envelope, _NEUTRAL_SCALE / statistics.formant_scale)
    return np.asarray(warped - warped.mean(), dtype=np.float64)


def profile(design: Design, envelope: NDArray[np.float64], aperiodicity: NDArray[np.float64]) -> dict[str, object]:
    """The JSON of a voice."""
    hz = spectrum.MEL_HZ
    shaped = spectrum.warp_mel_curve(envelope, design.formant_scale / _NEUTRAL_SCALE)
    shaped = shaped + design.presence_db / spectrum.NEPER_DB * np.exp(-0.5 * ((hz - 3000) / 800) ** 2)
    shaped = shaped + design.warmth_db / spectrum.NEPER_DB * np.exp(-0.5 * ((hz - 250) / 150) ** 2)
    for centre_hz, octaves, db in zip(
        _BELLS_HZ, _BELL_OCTAVES, (design.throat_db, design.nose_db, design.teeth_db), strict=True
    ):
        bell = np.exp(-0.5 * (np.log2(np.maximum(hz, 50) / centre_hz) / octaves) ** 2)
        shaped = shaped + db / spectrum.NEPER_DB * bell
    return {
        "voice_id": design.voice_id,
        "name": design.name,
        "description": design.description,
        "labels": design.labels,
        "f0_hz": design.f0_hz,
        "f0_spread": design.f0_spread,
        "formant_scale": design.formant_scale,
        "tilt_db_per_octave": design.tilt_db_per_octave,
        "breath": design.breath,
        "tremor_cents": design.tremor_cents,
        "aperiodicity": [round(float(value), 3) for value in aperiodicity],
        "envelope": [round(float(value), 3) for value in shaped],
    }


def write_preview(design: Design, path: Path) -> None:
    """flite speech converted by the engine itself, as a small mp3 beside the profile."""
    voice = load(path)
    with voice.preview.open("wb") as sink:
        encoder = Encoder("mp3", _PREVIEW_RATE_HZ, _PREVIEW_KBPS, input_rate_hz=SAMPLE_RATE_HZ, sink=sink)
        for block in convert(_spoken(design), voice):
            encoder.write(block)
        encoder.finish()


def _spoken(design: Design) -> Iterator[NDArray[np.float32]]:
    yield speak(design.preview_speaker, design.preview_text)


def write_own_preview(design: OwnDesign) -> None:
    """flite speech in noise, and then what the denoiser makes of more of it, as a small mp3."""
    rate_hz = denoiser.RATE_HZ
    spoken = (speak(design.preview_speaker, text) for text in (design.preview_before, design.preview_after))
    before, after = (soxr.resample(speech, SAMPLE_RATE_HZ, rate_hz) for speech in spoken)
    noisy = in_noise(np.concatenate([before, after]), rate_hz)
    with denoiser.Denoiser(own_voice().settings(None).noise_reduction_db or 0) as without:
        cleaned = np.concatenate([without.write(noisy), without.finish()])
    with own_voice().preview.open("wb") as sink:
        encoder = Encoder("mp3", _PREVIEW_RATE_HZ, _PREVIEW_KBPS, input_rate_hz=rate_hz, sink=sink)
        encoder.write(np.concatenate([noisy[: len(before)], cleaned[len(before) :]]))
        encoder.finish()


def in_noise(speech: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """`speech` (n,) beside a road: noise that falls by 3 dB an octave, and a mains hum. The same each time."""
    at_hz = np.fft.rfftfreq(len(speech), 1 / rate_hz)
    white = np.fft.rfft(np.random.default_rng(1).standard_normal(len(speech)))
    noise = np.fft.irfft(white / np.sqrt(np.maximum(at_hz, _HUM_HZ)), len(speech))
    hum = sum(np.sin(2 * np.pi * _HUM_HZ * k * np.arange(len(speech)) / rate_hz) / k for k in range(1, 8))
    noise = noise / noise.std() + 0.3 * np.asarray(hum)
    level = speech.std() / noise.std() * 10 ** (-_SPEECH_OVER_NOISE_DB / 20)
    return np.asarray(speech + level * noise, dtype=np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the built-in voices (needs flite).")
    parser.add_argument("--without-previews", action="store_true", help="write the profiles only")
    arguments = parser.parse_args()
    envelope, aperiodicity = neutral()
    for design in designs():
        path = FOLDER / f"{design.name.lower()}.json"
        text = json.dumps(profile(design, envelope, aperiodicity), indent=2)
        path.write_text(text + "\n", encoding="utf-8")
        if not arguments.without_previews:
            write_preview(design, path)
    if not arguments.without_previews:
        write_own_preview(own_design())


if __name__ == "__main__":
    main()
