"""Who speaks in `bench/quality`: both sexes, five languages, one in noise, four on the telephone.

Freely licensed: prompts of Debian's asterisk packages (CC BY-SA 3.0, GPL) and flite's voices (BSD-like).
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import tempfile
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from bench.quality_needs import unpacked

Samples = NDArray[np.float32]
_PAUSE_S = 0.25
_SHORTEST_S, _LONGEST_S = 2.5, 9.0
_READ_ALOUD = (
    "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background. "
    "It's easy to tell the depth of a well. These days a chicken leg is a rare dish. "
    "Rice is often served in round bowls. The juice of lemons makes fine punch."
)
_NOISE_DB = 15.0


@dataclass(frozen=True, slots=True)
class Clip:
    """`samples` mono (n,) at `rate_hz`; `text` what is said, where a recogniser knows the language."""

    name: str
    samples: Samples
    rate_hz: int
    text: str | None
    is_clean: bool = True

    @property
    def key(self) -> str:
        return hashlib.sha256(self.samples.tobytes()).hexdigest()


def clips(names: list[str], seconds: float) -> list[Clip]:
    """Those named, or all; at most about `seconds` long, where no text says how much is said."""
    return [make(name, seconds) for name, make in SPEAKERS.items() if not names or name in names]


def _prompts(package: str, suffix: str) -> Callable[[str, float], Clip]:
    """The longest prompts, one after the other, in an order that doesn't depend on the disk."""

    def make(name: str, seconds: float) -> Clip:
        found, rate_hz, length = [], 0, 0.0
        paths = sorted(unpacked(package).rglob(f"*.{suffix}"))
        paths.sort(key=lambda path: hashlib.sha256(path.stem.encode()).digest())
        for path in paths:
            samples, rate_hz = read_sound(path)
            if not _SHORTEST_S <= len(samples) / rate_hz <= _LONGEST_S:
                continue
            found += [samples, np.zeros(round(_PAUSE_S * rate_hz), np.float32)]
            length += len(samples) / rate_hz
            if length >= seconds:
                break
        return Clip(name, np.concatenate(found), rate_hz, None)

    return make


def _english(name: str, seconds: float) -> Clip:
    """Prompts of which the package says what is said."""
    folder = unpacked("asterisk-core-sounds-en-g722")
    said, found, length = [], [], 0.0
    for path in sorted(folder.rglob("*.g722"), key=lambda path: hashlib.sha256(path.stem.encode()).digest()):
        text = _TEXTS.get(path.stem)
        if text is None:
            continue
        samples, rate_hz = read_sound(path)
        said.append(text)
        found += [samples, np.zeros(round(_PAUSE_S * rate_hz), np.float32)]
        length += len(samples) / rate_hz
        if length >= seconds:
            break
    return Clip(name, np.concatenate(found), rate_hz, " ".join(said))


def _synthetic(voice: str) -> Callable[[str, float], Clip]:
    def make(name: str, seconds: float) -> Clip:
        sentences = re.findall(r"[^.]+\.", _READ_ALOUD)
        said = " ".join(sentences[: max(2, round(seconds / 2.6))])
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            subprocess.run(["flite", "-voice", voice, "-t", said, "-o", file.name], check=True)
            samples, rate_hz = read_sound(Path(file.name))
        return Clip(name, samples, rate_hz, said)

    return make


def _noisy(make: Callable[[str, float], Clip]) -> Callable[[str, float], Clip]:
    """With pink noise below it (power falls by 3 dB an octave)."""

    def made(name: str, seconds: float) -> Clip:
        clean = make(name, seconds)
        white = np.fft.rfft(np.random.default_rng(0).standard_normal(len(clean.samples)))
        pink = np.fft.irfft(white / np.sqrt(np.maximum(1, np.arange(len(white)))), len(clean.samples))
        noise = pink / pink.std() * clean.samples.std() * 10 ** (-_NOISE_DB / 20)
        both = clean.samples + noise
        return Clip(name, (both * 0.5 / np.abs(both).max()).astype(np.float32), clean.rate_hz, clean.text, False)

    return made


def read_sound(path: Path) -> tuple[Samples, int]:
    formats = {".g722": "g722", ".gsm": "gsm", ".alaw": "alaw"}
    with av.open(str(path), format=formats.get(path.suffix)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="flt", layout="mono")
        frames = [out for frame in container.decode(stream) for out in resampler.resample(frame)]
        samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
        return samples.astype(np.float32), int(frames[0].sample_rate)


def write_wav(path: Path, samples: Samples, rate_hz: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate_hz, 0, "NONE", ""))
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


# What these prompts say, as one hears.
_TEXTS = {
    "tt-allbusy": "All representatives of the household are currently assisting other telemarketers. "
    "Please hold and your call will be answered in the order it was received.",
    "vm-intro": "Please leave your message after the tone. When done, hang up, or press the pound key.",
    "vm-nobox": "You cannot reply to this message because the sender does not have a mailbox.",
    "vm-review": "Press 1 to accept this recording. Press 2 to listen to it. Press 3 to re-record your message.",
}
SPEAKERS: dict[str, Callable[[str, float], Clip]] = {
    "en-man-kal": _synthetic("kal16"),
    "en-man-awb": _synthetic("awb"),
    "en-woman": _english,
    "es-woman-telephone": _prompts("asterisk-prompt-es-co", "gsm"),
    "fr-woman": _prompts("asterisk-core-sounds-fr-g722", "g722"),
    "fr-woman-telephone": _prompts("asterisk-prompt-fr-armelle", "gsm"),
    "it-man": _prompts("asterisk-core-sounds-it-g722", "g722"),
    "it-woman-telephone": _prompts("asterisk-prompt-it-menardi-gsm", "gsm"),
    "ru-woman-telephone": _prompts("asterisk-core-sounds-ru-gsm", "gsm"),
    "en-woman-noisy": _noisy(_english),
}
