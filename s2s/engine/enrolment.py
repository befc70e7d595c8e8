"""A voice of somebody's own, measured on their speech: speaker enrolment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s2s.audio import speaking
from s2s.engine import blocks, spectrum
from s2s.engine.analysis import analyse
from s2s.engine.converter import joined
from s2s.engine.errors import Refusal
from s2s.engine.speaker import SourceStatistics, measure
from s2s.engine.vocoder import FRAME_PERIOD_MS, HOP, SAMPLE_RATE_HZ, Features, Floats

FEWEST_S = 10.0
# More speech says nothing new about a voice.
WANTED_S = 60.0
SEARCHED_S = 15 * 60.0
_EVERY = 4
_FRAME_S = _EVERY * FRAME_PERIOD_MS / 1000
_PIECE = 520 * HOP  # as the converter measures a source
# How far the pauses between words lie below what is loud. Ten speakers had 32 dB and more, one of them in noise 15 dB
# below her voice 22.
_LEAST_RANGE_DB = 18.0
_FEWEST_VOICED_S = 2.0
# Two voices in one sample: a second of voiced frames each, sorted into two heaps by pitch and colour. Ten speakers
# alone came to heaps up to 3.6 apart; a man with a woman to 9 and more, a telephone with a studio to 100. Voices that
# are alike (two women in one room) are not told apart by this.
_SECOND = round(1 / _FRAME_S)
_FEWEST_SECONDS = 4
_OCTAVE_WEIGHT, _COLOUR_WEIGHT = 4.0, 0.25
_APART, _APART_FOR_THEIR_SIZE = 6.0, 4.5
_SMALLEST_SHARE = 0.15
# What a melody's width (speaker.measure) is in the middle of the voices that we measured.
_USUAL_SPREAD = 0.2
_SPREADS = (0.8, 1.25)
# Without measurable formants: vocal tracts get shorter as voices get higher, by about .28 of the log ratio, from a man
# of 110 Hz on.
_TRACT_PER_LOG_F0, _NEUTRAL_F0_HZ = 0.28, 110.0
# A band so far below the loudest holds no speech: the telephone ends there, not the voice.
_EMPTY_BAND = 75 / spectrum.NEPER_DB


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What `voices.Voice` takes of a speaker: the same fields, units and shapes."""

    f0_hz: float
    f0_spread: float
    formant_scale: float
    envelope: Floats
    aperiodicity: Floats


def enrol(samples: Iterable[NDArray[np.float32]]) -> Enrolled:
    """The voice that speaks in `samples`, mono float32 blocks (n,) at 24 kHz; no more of them is pulled than is needed.

    Raises Refusal 400, with a sentence, where nobody speaks, too little is said, several people do or too much else is
    heard; and what `samples` raises. About .1 s of processor time for a second of speech.
    """
    found = speaking.find_speech(samples, SAMPLE_RATE_HZ, WANTED_S, SEARCHED_S)
    if found.begins_s is None:
        raise _refusal("not_speech", "Nobody was heard speaking in this sample.")
    spoken_s = len(found.samples) / SAMPLE_RATE_HZ
    if spoken_s < FEWEST_S:
        words = f"There are {spoken_s:.0f} s of speech in this sample; a voice needs {FEWEST_S:.0f} s or more."
        raise _refusal("too_short", words)
    features = _analysed(found.samples)
    if spectrum.loudness_reference_db(features.level_db) - np.percentile(features.level_db, 5) < _LEAST_RANGE_DB:
        words = "There is too much noise in this sample. Record it in a quiet room, or have the noise removed."
        raise _refusal("too_noisy", words)
    statistics = measure(features, _FRAME_S)
    if statistics.envelope is None or statistics.voiced_s < _FEWEST_VOICED_S:
        raise _refusal("not_speech", "There is hardly any voice in this sample: is it whispered?")
    if _are_two(_seconds(features)):
        raise _refusal("several_speakers", "More than one voice is heard in this sample. A voice is made of one.")
    return _enrolled(statistics, statistics.envelope)


def _refusal(status: str, message: str) -> Refusal:
    return Refusal.because(400, f"voice_sample_{status}", message)


def _analysed(samples: NDArray[np.float32]) -> Features:
    found = []
    for start in range(0, len(samples), _PIECE):
        with blocks.CRUNCHING.turn(done_s=0.0):
            found.append(analyse(samples[start : start + _PIECE], every=_EVERY))
    return joined(found)


def _seconds(features: Features) -> Floats:
    """Pitch and colour of each second of voiced speech, (seconds, 1 + MEL_BANDS), so that they count alike."""
    loud = spectrum.activity(features.level_db, spectrum.loudness_reference_db(features.level_db)) > 0.8
    voiced = np.flatnonzero(features.voiced & loud)
    rows = []
    for start in range(0, len(voiced) - _SECOND + 1, _SECOND):
        second = voiced[start : start + _SECOND]
        colour = spectrum.log_mel(features.envelope[second]).mean(axis=0)
        pitch = np.median(np.log(features.f0_hz[second]))
        rows.append(np.concatenate(([pitch * _OCTAVE_WEIGHT], (colour - colour.mean()) * _COLOUR_WEIGHT)))
    return np.array(rows)


def _are_two(seconds: Floats) -> bool:
    """Whether they fall into two heaps (k-means, Lloyd 1982), far apart for themselves and for how wide each is."""
    if len(seconds) < _FEWEST_SECONDS:
        return False
    # Begun at the two that are furthest apart, it is the same each time.
    distances = ((seconds[:, None] - seconds[None]) ** 2).sum(axis=2)
    middles = seconds[list(np.unravel_index(distances.argmax(), distances.shape))]
    for _ in range(20):
        heap = ((seconds[:, None] - middles[None]) ** 2).sum(axis=2).argmin(axis=1)
        share = heap.mean()
        if not _SMALLEST_SHARE <= share <= 1 - _SMALLEST_SHARE:
            return False
        middles = np.array([seconds[heap == one].mean(axis=0) for one in (0, 1)])
    width = np.mean([((seconds[heap == one] - middles[one]) ** 2).sum(axis=1).mean() for one in (0, 1)])
    apart = ((middles[0] - middles[1]) ** 2).sum()
    return bool(apart > _APART and apart > _APART_FOR_THEIR_SIZE * width)


def _enrolled(statistics: SourceStatistics, envelope: Floats) -> Enrolled:
    f0_hz = float(np.exp(statistics.log_f0))
    scale = statistics.formant_scale
    if scale is None:
        scale = float((f0_hz / _NEUTRAL_F0_HZ) ** _TRACT_PER_LOG_F0)
    heard = np.flatnonzero(envelope > envelope.max() - _EMPTY_BAND)
    whole = envelope.copy()
    whole[heard[-1] + 1 :] = whole[heard[-1]]
    return Enrolled(
        f0_hz=f0_hz,
        f0_spread=float(np.clip(statistics.log_f0_spread / _USUAL_SPREAD, *_SPREADS)),
        formant_scale=scale,
        envelope=np.asarray(whole - whole.mean(), dtype=np.float64),
        aperiodicity=statistics.aperiodicity,
    )
