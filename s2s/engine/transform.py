"""From one speaker to another: what happens to F0, envelope and aperiodicity between analysis and synthesis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from s2s.engine import spectrum
from s2s.engine.speaker import SourceStatistics
from s2s.engine.synthesis import drift
from s2s.engine.vocoder import BIN_HZ, BINS, FRAME_PERIOD_MS, Features, Floats, Rows
from s2s.engine.voices import Voice
from s2s.voice_settings import VoiceSettings

# 1.25 came out of ten other pairs of speakers; 1.1 kept the words of a deep voice better on two of the test recordings.
_FORMANT_EXPONENT = 1.1
_FORMANT_SCALE_RANGE = (0.80, 1.25)
# Without measurable formants: vocal tracts get shorter as voices get higher, by about .28 of the log ratio.
_TRACT_PER_LOG_F0 = 0.28
_SPREAD_RANGE = (0.7, 1.5)
_SPECTRUM_STRENGTH = 1.0
_SPECTRUM_CEPSTRA = 24
_SPECTRUM_LIMIT = 14 / spectrum.NEPER_DB
_APERIODICITY_STRENGTH = 0.7
_APERIODICITY_RANGE = (-2.0, 3.0)
_F0_RANGE_HZ = (50.0, 700.0)
_LOUDNESS_LIMIT = 3.0
# Of old voices: 4 to 6 Hz.
_TREMOR_HZ = 5.2
# Seconds of voiced speech at which the source's mean envelope is trusted by half.
_TRUST_HALF_S = 0.5
# What `use_speaker_boost` lifts: where a voice has its presence, about 2 to 5.5 kHz.
_PRESENCE_HZ, _PRESENCE_OCTAVES = 3300.0, 0.6
_PRESENCE = 4 / spectrum.NEPER_DB
# A band this far below the loudest holds no speech: telephone and low-bitrate sources end early.
_EMPTY_BAND = 75 / spectrum.NEPER_DB


@dataclass(frozen=True, slots=True)
class Strengths:
    """What `voice_settings` make of the voice: factors on the change of timbre and on the melody's width."""

    timbre: float
    melody: float

    @classmethod
    def of(cls, settings: VoiceSettings) -> Strengths:
        """`settings` must be complete (the voice's own, overridden by the request's)."""
        similarity = 0.75 if settings.similarity_boost is None else settings.similarity_boost
        stability = 0.5 if settings.stability is None else settings.stability
        style = settings.style or 0.0
        return cls(timbre=0.4 + 0.8 * similarity, melody=(1.3 - 0.6 * stability) * (1 + 0.3 * style))


class Transform:
    """The change from one source to one voice: fixed for a recording, applied block by block.

    `seed` (0 to 2**32 - 1) varies breath and melody a little; 0 leaves the melody as it is.
    """

    def __init__(self, source: SourceStatistics, voice: Voice, settings: VoiceSettings, seed: int = 0) -> None:
        strengths = Strengths.of(settings)
        self.seed = seed
        self._source = source
        self._target_log_f0 = float(np.log(voice.f0_hz))
        spread = float(np.clip(voice.f0_spread * strengths.melody, *_SPREAD_RANGE))
        self._spread = spread
        self._tremor_cents = voice.tremor_cents
        self.formant_ratio = _formant_ratio(source, voice, strengths.timbre)
        self.colour = self._colour_curve(source, voice, strengths.timbre)
        if settings.use_speaker_boost:
            self.colour = self.colour + _presence()
        shift = (voice.aperiodicity - source.aperiodicity) * _APERIODICITY_STRENGTH
        if source.envelope is None:
            shift = np.zeros_like(shift)
        shift = np.clip((shift + voice.breath) * min(1.0, strengths.timbre), *_APERIODICITY_RANGE)
        self._aperiodicity_shift = spectrum.bands_to_bins(shift)

    def _colour_curve(self, source: SourceStatistics, voice: Voice, strength: float) -> Floats:
        """What the long-term spectrum gains, (BINS,) log power: the voice's mean envelope less the source's."""
        if source.envelope is None:
            return np.zeros(BINS)
        warped = spectrum.knee_warp_mel_curve(source.envelope, self.formant_ratio)
        difference = voice.envelope - warped
        middle = (spectrum.MEL_HZ > 200) & (spectrum.MEL_HZ < 4000)
        difference -= difference[middle].mean()
        heard = warped > warped.max() - _EMPTY_BAND
        last_heard = int(np.flatnonzero(heard)[-1])
        difference[last_heard + 1 :] = difference[last_heard]
        trust = source.voiced_s / (source.voiced_s + _TRUST_HALF_S)
        curve = spectrum.smooth(difference, _SPECTRUM_CEPSTRA) * _SPECTRUM_STRENGTH * strength * trust
        return spectrum.mel_curve_to_bins(np.clip(curve, -_SPECTRUM_LIMIT, _SPECTRUM_LIMIT))

    @property
    def consonant_colour(self) -> Floats:
        """What the voice's colour adds to what has no voice, (BINS,) log power: consonants carry the words and not the
        speaker, so half of it, and formants stay."""
        return 0.5 * self.colour

    def activity(self, features: Features) -> Floats:
        """How surely each frame is speech, (frames,) 0..1: pauses keep their colour."""
        return spectrum.activity(features.level_db, self._source.loudness_db)

    def melody(self, f0_hz: Floats, first_frame: int = 0) -> Floats:
        """Log-Gaussian normalisation (Chappell and Hansen 1998): the same melody around another median. (frames,) from
        `first_frame` of the recording on."""
        voiced = f0_hz > 0
        moved = np.zeros_like(f0_hz)
        deviation = np.log(f0_hz[voiced]) - self._source.log_f0
        moved[voiced] = np.exp(self._target_log_f0 + deviation * self._spread)
        moved *= drift(first_frame, len(f0_hz), self.seed) * self._tremor(first_frame, len(f0_hz))
        moved[voiced] = np.clip(moved[voiced], *_F0_RANGE_HZ)
        return moved

    def _tremor(self, first_frame: int, frames: int) -> Floats:
        """Factors on F0, (frames,): what trembles does so through the whole recording."""
        at_s = (first_frame + np.arange(frames)) * FRAME_PERIOD_MS / 1000
        cents = self._tremor_cents * np.sin(2 * np.pi * _TREMOR_HZ * at_s)
        return np.asarray(2 ** (cents / 1200), dtype=np.float64)

    def apply(self, features: Features, first_frame: int = 0) -> Features:
        """The block in the target voice: same frames, same loudness frame by frame. `features` is used up; its first
        frame is `first_frame` of the recording."""
        sounding = features.sounding
        features.envelope[sounding] = self._timbre(features.envelope[sounding], self.activity(features)[sounding])
        alive = features.voiced & ~features.hiss
        features.aperiodicity[alive] = self._breath(features.aperiodicity[alive])
        features.f0_hz = self.melody(features.f0_hz, first_frame)
        return features

    def _timbre(self, envelope: Rows, active: Floats) -> Rows:
        """Rows (n, BINS) of power."""
        logarithm = np.asarray(spectrum.warp(np.log(envelope + np.float32(1e-16)), self.formant_ratio), np.float32)
        logarithm += active.astype(np.float32)[:, None] * self.colour.astype(np.float32)
        after = np.exp(logarithm)
        # Every frame keeps its loudness: dynamics are emotion.
        gain = np.log(envelope.mean(axis=1) + 1e-12) - np.log(after.mean(axis=1) + 1e-12)
        after *= np.exp(np.clip(gain, -_LOUDNESS_LIMIT, _LOUDNESS_LIMIT)).astype(np.float32)[:, None]
        return after

    def _breath(self, rows: Rows) -> Rows:
        clipped = np.clip(spectrum.warp(rows, self.formant_ratio), np.float32(1e-4), np.float32(1 - 1e-6))
        # The logistic function of logit(a) + shift, without leaving the odds.
        odds = clipped / (1 - clipped) * np.exp(self._aperiodicity_shift).astype(np.float32)
        changed: Rows = odds / (1 + odds)
        return changed


def _presence() -> Floats:
    """(BINS,) log power."""
    octaves = np.log2(np.maximum(BIN_HZ, 1) / _PRESENCE_HZ)
    return np.asarray(_PRESENCE * np.exp(-0.5 * (octaves / _PRESENCE_OCTAVES) ** 2), dtype=np.float64)


def _formant_ratio(source: SourceStatistics, voice: Voice, strength: float) -> float:
    if source.envelope is None:
        return 1.0
    if source.formant_scale is None:
        guess = np.exp((np.log(voice.f0_hz) - source.log_f0) * _TRACT_PER_LOG_F0 * strength)
        # Never down: the telephone's narrow band would get narrower still.
        return float(np.clip(guess, 1.0, _FORMANT_SCALE_RANGE[1]))
    ratio = voice.formant_scale / source.formant_scale
    return float(np.clip(ratio ** (_FORMANT_EXPONENT * strength), *_FORMANT_SCALE_RANGE))
