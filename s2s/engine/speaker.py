"""Who is speaking in a recording: statistics of the source voice, from what is spoken in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s2s.engine import spectrum
from s2s.engine.vocoder import BIN_HZ, Features, Floats

# Below this much voiced speech nothing can be said about the speaker.
_FEWEST_VOICED_FRAMES = 20
_UNKNOWN_F0_HZ = 150.0
_SMALLEST_SPREAD = 0.05

_LPC_ORDER = 12
# Of which lags the normal equations of linear prediction are made: a Toeplitz matrix, |row - column|.
_LAGS = np.abs(np.subtract.outer(np.arange(_LPC_ORDER), np.arange(_LPC_ORDER)))
_LPC_TOP_HZ = 5500.0
_LPC_MOST_FRAMES = 400
_LPC_FEWEST_FRAMES = 30
_LPC_WIDEST_FORMANT_HZ = 500.0
# Telephone speech holds no F4; poles would gather at the edge of its band and pass for formants.
_NARROW_BAND_HZ = (4300.0, 5300.0)
_NARROW_BAND_BELOW = 75 / spectrum.NEPER_DB
# F3 and F4 of a neutral tube of 17.5 cm, closed at one end (Fant 1960).
_TUBE_FORMANTS_HZ = np.array([2500.0, 3500.0])


@dataclass(frozen=True, slots=True)
class SourceStatistics:
    """A source voice in a few numbers.

    `log_f0` median and `log_f0_spread` (interquartile range / 1.349) of ln F0; `envelope` mean log-mel
    (MEL_BANDS,) of voiced speech, None if there is none; `aperiodicity` (4,) band logits; `formant_scale` 1 =
    a neutral adult male tract, None if it can't be told; `loudness_db` the recording's loudness reference;
    `voiced_s` seconds of voiced speech these are based on.
    """

    log_f0: float
    log_f0_spread: float
    envelope: Floats | None
    aperiodicity: Floats
    formant_scale: float | None
    loudness_db: float
    voiced_s: float


def measure(features: Features, frame_s: float) -> SourceStatistics:
    """Statistics of the speech in `features`, whose frames are `frame_s` seconds apart."""
    loudness_db = spectrum.loudness_reference_db(features.level_db)
    active = spectrum.activity(features.level_db, loudness_db)
    speech = features.voiced & (active > 0.8)
    voiced_s = float(speech.sum()) * frame_s
    if speech.sum() < _FEWEST_VOICED_FRAMES:
        return SourceStatistics(
            np.log(_UNKNOWN_F0_HZ), 0.2, None, np.zeros(len(spectrum.BAND_EDGES_HZ)), None, loudness_db, voiced_s
        )
    low, median, high = np.percentile(np.log(features.f0_hz[speech]), [25, 50, 75])
    envelope = spectrum.log_mel(features.envelope[speech]).mean(axis=0)
    telephone = _is_narrow(envelope)
    return SourceStatistics(
        log_f0=float(median),
        log_f0_spread=float(max((high - low) / 1.349, _SMALLEST_SPREAD)),
        envelope=envelope,
        aperiodicity=spectrum.band_aperiodicity(features.aperiodicity[speech]),
        formant_scale=None if telephone else formant_scale(features.envelope[features.voiced & (active > 0.9)]),
        loudness_db=loudness_db,
        voiced_s=voiced_s,
    )


def _is_narrow(envelope: Floats) -> bool:
    low, high = _NARROW_BAND_HZ
    band = (low < spectrum.MEL_HZ) & (high > spectrum.MEL_HZ)
    return bool(envelope[band].mean() < envelope.max() - _NARROW_BAND_BELOW)


def formant_scale(envelope: NDArray[np.floating]) -> float | None:
    """How high the formants lie against a neutral male tract, from voiced frames (frames, BINS).

    Median F3 and F4 of an all-pole model (LPC by the autocorrelation method, Makhoul 1975) of the WORLD envelope
    below 5.5 kHz. F1 and F2 say which vowels were spoken, the higher ones how long the tract is (Lammert and Narayanan
    2015): with F2, a man who names playing cards measured .93, as he says o and u nearly all the time. Men measure
    .98 to 1.09, women 1.16 to 1.27. None if too few frames have four clear formants.
    """
    chosen = envelope[:: max(1, len(envelope) // _LPC_MOST_FRAMES)]
    below = BIN_HZ <= _LPC_TOP_HZ
    # Pre-emphasis: without it the poles crowd around the strong low harmonics.
    emphasised = chosen[:, below] * (BIN_HZ[below] / 1000 + 0.1) ** 1.2
    autocorrelation = np.fft.irfft(emphasised, axis=1)[:, : _LPC_ORDER + 1]
    found_hz = _formants_hz(autocorrelation)
    if len(found_hz) < _LPC_FEWEST_FRAMES:
        return None
    ratios = np.median(found_hz, axis=0)[2:] / _TUBE_FORMANTS_HZ
    return float(np.exp(np.log(ratios).mean()))


def _formants_hz(autocorrelation: Floats) -> Floats:
    """F1..F4 (m, 4) of those of the frames (n, _LPC_ORDER + 1) in which four narrow resonances are to be found."""
    # A little noise, so that every system has a solution.
    systems = autocorrelation[:, _LAGS] + 1e-9 * autocorrelation[:, :1, None] * np.eye(_LPC_ORDER)
    alive = autocorrelation[:, 0] > 0
    predictors = np.linalg.solve(systems[alive], -autocorrelation[alive, 1:, None])[:, :, 0]
    # The roots of a polynomial are the eigenvalues of its companion matrix.
    companions = np.repeat(np.eye(_LPC_ORDER, k=-1)[None], len(predictors), axis=0)
    companions[:, 0] = -predictors
    poles = np.linalg.eigvals(companions)
    hz = np.angle(poles) / np.pi * _LPC_TOP_HZ
    width_hz = -np.log(np.abs(poles) + 1e-9) * 2 * _LPC_TOP_HZ / np.pi
    clear = (width_hz < _LPC_WIDEST_FORMANT_HZ) & (hz > 200) & (hz < _LPC_TOP_HZ - 200)
    found = np.sort(np.where(clear, hz, np.inf), axis=1)[:, :4]
    return np.asarray(found[np.isfinite(found).all(axis=1)], dtype=np.float64)
