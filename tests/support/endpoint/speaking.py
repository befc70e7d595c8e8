"""What an endpoint answers that leaves the voice as it is, and does to the sound what endpoints do."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from s2s.audio import decode, encode
from s2s.formats import OUTPUT_FORMATS
from tests.support.endpoint.script import Behaviour, detail

TONE = 0.01


def _refusal(audio: BinaryIO, output_format: str, behaviour: Behaviour) -> Behaviour | None:
    if output_format in behaviour.refused_formats:
        words = f"Output format {output_format} requires a higher subscription tier."
        return replace(behaviour, status=403, body=detail("output_format_not_allowed", words))
    if behaviour.most_s is not None:
        seconds = sum(len(block) for block in decode(audio, sample_rate_hz=8000)) / 8000
        if seconds > behaviour.most_s:
            words = "Audio duration exceeds the limit."
            return replace(behaviour, status=400, body=detail("audio_too_long", words))
    return None


def tone(hz: float, samples: int, rate_hz: int) -> NDArray[np.float32]:
    """Quiet enough to change no level noticeably."""
    turns = np.arange(samples) * (hz / rate_hz)
    return np.asarray(TONE * np.sin(2 * np.pi * turns), np.float32)


def speak(audio: BinaryIO, output_format: str, behaviour: Behaviour) -> Behaviour:
    """How the call goes on; `audio` is the answer then."""
    began, format = time.monotonic(), OUTPUT_FORMATS[output_format]
    refused = _refusal(audio, output_format, behaviour)
    if refused is not None:
        return refused
    rate_hz = format.sample_rate_hz
    samples = np.concatenate(list(decode(audio, sample_rate_hz=rate_hz)))
    if (behaviour.late_s, behaviour.stretch) != (0.0, 1.0):
        length = round(len(samples) * behaviour.stretch + behaviour.late_s * rate_hz)
        places = (np.arange(length) - behaviour.late_s * rate_hz) / behaviour.stretch
        samples = np.interp(places, np.arange(len(samples)), samples, left=0, right=0).astype(np.float32)
    if behaviour.speed != 1.0:
        places = np.arange(round(len(samples) / behaviour.speed)) * behaviour.speed
        samples = np.interp(places, np.arange(len(samples)), samples).astype(np.float32)
    samples = samples * np.float32(10 ** (behaviour.louder_db / 20))
    if behaviour.tone_hz:
        samples = samples + tone(behaviour.tone_hz, len(samples), rate_hz)
    audio.seek(0)
    audio.truncate()
    encode([samples], audio, format.codec, rate_hz, format.bitrate_kbps, input_rate_hz=rate_hz)
    if behaviour.pace is not None:
        time.sleep(max(0.0, len(samples) / rate_hz / behaviour.pace - (time.monotonic() - began)))
    return behaviour
