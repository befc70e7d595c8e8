"""Who speaks in `bench/quality`: both sexes, five languages, one in noise, four on the telephone.

Freely licensed: prompts of Debian's asterisk packages (CC BY-SA 3.0, GPL) and flite's voices (BSD-like).
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
import wave
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from bench.quality_needs import unpacked

Samples = NDArray[np.float32]
_PAUSE_S = 0.25
_SHORTEST_S, _LONGEST_S = 2.5, 9.0
# One phrase that is heard otherwise is three words: of fifty that would be more than what is to be told apart.
_WORDS_S = 60.0
# Lists 1 to 3 of the Harvard sentences (IEEE 1969).
_READ_ALOUD = (
    "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background. "
    "It's easy to tell the depth of a well. These days a chicken leg is a rare dish. "
    "Rice is often served in round bowls.",
    "The juice of lemons makes fine punch. The box was thrown beside the parked truck. "
    "The hogs were fed chopped corn and garbage. Four hours of steady work faced us. "
    "A large size in stockings is hard to sell.",
    "The boy was there when the sun rose. A rod is used to catch pink salmon. "
    "The source of the huge river is the clear spring. Kick the ball straight and follow through. "
    "Help the woman get back to her feet.",
    "A pot of tea helps to pass the evening. Smoky fires lack flame and heat. "
    "The soft cushion broke the man's fall. The salt breeze came across from the sea. "
    "The girl at the booth sold fifty bonds.",
    "The small pup gnawed a hole in the sock. The fish twisted and turned on the bent hook. "
    "Press the pants and sew a button on the vest. The swan dive was far short of perfect. "
    "The beauty of the view stunned the young boy.",
)
_NOISE_DB = 15.0


@dataclass(frozen=True, slots=True)
class Passage:
    """What is said from `start_s` to `end_s`, in no more than the recogniser hears at once."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Clip:
    """`samples` mono (n,) at `rate_hz`; `passages` where a recogniser knows the language."""

    name: str
    samples: Samples
    rate_hz: int
    passages: tuple[Passage, ...] = ()
    is_clean: bool = True

    @property
    def key(self) -> str:
        return hashlib.sha256(self.samples.tobytes()).hexdigest()


def clips(names: list[str], seconds: float) -> list[Clip]:
    """Those named, or all; about `seconds` long, those whose words are counted at least `_WORDS_S`."""
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
        return Clip(name, np.concatenate(found), rate_hz)

    return make


def _english(name: str, seconds: float) -> Clip:
    """Prompts of which the package says what is said."""
    paths = unpacked("asterisk-core-sounds-en-g722").rglob("*.g722")
    known = [path for path in paths if path.stem in _TEXTS]
    known.sort(key=lambda path: hashlib.sha256(path.stem.encode()).digest())
    return _read_aloud(name, seconds, ((*read_sound(path), _TEXTS[path.stem]) for path in known))


def _synthetic(voice: str) -> Callable[[str, float], Clip]:
    def spoken(text: str) -> tuple[Samples, int, str]:
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            subprocess.run(["flite", "-voice", voice, "-t", text, "-o", file.name], check=True)
            return *read_sound(Path(file.name)), text

    return lambda name, seconds: _read_aloud(name, seconds, map(spoken, _READ_ALOUD))


def _read_aloud(name: str, seconds: float, texts: Iterable[tuple[Samples, int, str]]) -> Clip:
    """One after the other, until it is long enough for its words to be counted."""
    found, passages, at_s, rate_hz = [], [], 0.0, 0
    for samples, rate_hz, text in texts:
        end_s = at_s + len(samples) / rate_hz + _PAUSE_S
        found += [samples, np.zeros(round(_PAUSE_S * rate_hz), np.float32)]
        passages.append(Passage(at_s, end_s, text))
        at_s = end_s
        if at_s >= max(seconds, _WORDS_S):
            break
    return Clip(name, np.concatenate(found), rate_hz, tuple(passages))


def _noisy(make: Callable[[str, float], Clip]) -> Callable[[str, float], Clip]:
    """With pink noise below it (power falls by 3 dB an octave)."""

    def made(name: str, seconds: float) -> Clip:
        clean = make(name, seconds)
        white = np.fft.rfft(np.random.default_rng(0).standard_normal(len(clean.samples)))
        pink = np.fft.irfft(white / np.sqrt(np.maximum(1, np.arange(len(white)))), len(clean.samples))
        noise = pink / pink.std() * clean.samples.std() * 10 ** (-_NOISE_DB / 20)
        both = clean.samples + noise
        return Clip(name, (both * 0.5 / np.abs(both).max()).astype(np.float32), clean.rate_hz, clean.passages, False)

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
    "demo-congrats": "Congratulations. You have successfully installed and executed the Asterisk open source PBX. "
    "You have also installed a set of sample sounds and configuration files that should help you to get started. "
    "Like a normal PBX, you will navigate this demonstration by dialing digits. "
    "If you are using a console channel driver instead of a real phone, "
    "you can use the dial, answer and hang up commands to simulate the actions of a standard telephone.",
    "demo-echotest": "You are about to enter an echo test. "
    "In this mode, everything you say will be repeated back to you just as soon as it is received. "
    "The purpose of this test is to give you an audible sense of the latency "
    "between you and the machine that is running the echo test application. "
    "You may end this test by hanging up, or by pressing the pound key.",
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
