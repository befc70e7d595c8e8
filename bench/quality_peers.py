"""What others make of the same clip: Praat's *Change gender*, Rubber Band with formants kept, SoX's pitch."""

from __future__ import annotations

import resource
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.quality_speakers import Clip, Samples, read_sound, write_wav
from s2s.engine.voices import Voice

_FORMANT_EXPONENT = 1.1
_FORMANT_RANGE = (0.80, 1.25)
_HIGH_VOICE_HZ = 180.0


@dataclass(frozen=True, slots=True)
class Source:
    f0_hz: float
    formant_scale: float | None


Peer = Callable[[Clip, Voice, Source], Samples]


def praat(clip: Clip, voice: Voice, source: Source) -> Samples:
    import parselmouth
    from parselmouth.praat import call

    ratio = 1.0 if source.formant_scale is None else voice.formant_scale / source.formant_scale
    ratio = float(np.clip(ratio**_FORMANT_EXPONENT, *_FORMANT_RANGE))
    floor_hz = 75 if source.f0_hz < _HIGH_VOICE_HZ else 100
    sound = parselmouth.Sound(clip.samples.astype(np.float64), clip.rate_hz)
    changed = call(sound, "Change gender", floor_hz, 600, ratio, voice.f0_hz, voice.f0_spread, 1.0)
    return np.asarray(changed.values[0], np.float32)


def rubber_band(clip: Clip, voice: Voice, source: Source) -> Samples:
    semitones = 12 * np.log2(voice.f0_hz / source.f0_hz)
    return _by_program(clip, ["rubberband", "-3", "--formant", "-q", "-p", f"{semitones:.3f}", "IN", "OUT"])


def sox(clip: Clip, voice: Voice, source: Source) -> Samples:
    cents = 1200 * np.log2(voice.f0_hz / source.f0_hz)
    return _by_program(clip, ["sox", "IN", "OUT", "pitch", f"{cents:.1f}"])


PEERS: dict[str, Peer] = {"praat": praat, "rubberband": rubber_band, "sox": sox}


def cpu_s() -> float:
    """Of this process and the programs that it has run."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _by_program(clip: Clip, command: list[str]) -> Samples:
    with tempfile.TemporaryDirectory(prefix="timbre-bench-") as name:
        source, result = Path(name) / "in.wav", Path(name) / "out.wav"
        write_wav(source, clip.samples, clip.rate_hz)
        places = {"IN": str(source), "OUT": str(result)}
        subprocess.run([places.get(word, word) for word in command], check=True, capture_output=True)
        return read_sound(result)[0]
