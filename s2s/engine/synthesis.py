"""From F0, envelope and aperiodicity back to a voice: a pulse for each period, and one stream of noise.

As WORLD's own synthesis has it (Morise, Yokomori, Ozawa 2016), at a third of its cost for a high voice, and with noise
that belongs to its place in the recording: a voice sounds the same in whichever block it lies. Pulses are
minimum-phase responses (Oppenheim, Schafer 1975); noise is filtered frame by frame.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from s2s.engine.along import along
from s2s.engine.vocoder import (
    BINS,
    EDGE,
    FFT_SIZE,
    HOP,
    SAMPLE_RATE_HZ,
    Features,
    Floats,
    Rows,
    Stretch,
    voiced_stretches,
)

_TINY = np.float32(1e-16)
# A pulse that lies between two samples rings before it, too.
_AHEAD = 32
# Pulses at a time: what they need stays in the processor's cache.
_AT_ONCE = 128
_NOISE_CHUNK = 4096
_BREATH_STREAM, _DRIFT_STREAM = 0, 1
# How far a seed moves the melody, and how often that changes: less than a listener takes for another note.
_DRIFT_CENTS = 8.0
_DRIFT_EVERY_S = 0.1
_DRIFT_FRAMES = round(_DRIFT_EVERY_S * SAMPLE_RATE_HZ / HOP)
# Noise needs no detail finer than 47 Hz.
_COARSER = 2
_NOISE_FFT = FFT_SIZE // _COARSER
_NOISE_WINDOW = np.hanning(2 * HOP + 1)[:-1].astype(np.float32)
_NOISE_AHEAD = (_NOISE_FFT - 2 * HOP) // 2

# What makes of a cepstrum that of the minimum-phase response.
_CAUSAL = np.concatenate(([1], np.full(FFT_SIZE // 2 - 1, 2), [1], np.zeros(FFT_SIZE // 2 - 1))).astype(np.float32)
_TURNS_A_SAMPLE = (-2 * np.pi * np.arange(BINS) / FFT_SIZE).astype(np.float32)
_BELL = np.hanning(FFT_SIZE + 2)[1:-1]
_OFFSET = (_BELL / _BELL.sum()).astype(np.float32)

# A voice comes and goes within 8 ms, half a frame outside of its stretch.
_FADE = int(0.008 * SAMPLE_RATE_HZ)


def synthesise(
    features: Features,
    length: int,
    *,
    first_frame: int = 0,
    turns: Mapping[int, float] | None = None,
    seed: int = 0,
) -> Rows:
    """The voice of `features`, faded where it is none (`voice_share`): float32 (length,) at 24 kHz.

    `first_frame` says where in the recording the first frame lies: from it and the `seed` (0 to 2**32 - 1) follows
    which noise it gets. `turns`: by how many cycles the pulses of the stretch that begins with a frame are ahead.
    """
    samples = np.zeros(length, np.float32)
    for stretch in voiced_stretches(features.f0_hz):
        begin, sound = _stretch(features, stretch, first_frame, (turns or {}).get(stretch[0], 0.0), seed)
        low, high = max(0, begin), min(length, begin + len(sound))
        if high > low:
            samples[low:high] += sound[low - begin : high - begin]
    if features.hiss.any():
        samples *= 1 - _hissing(features, length, 1)
    return samples


def voice_share(features: Features, length: int, ratio: int) -> Rows:
    """How much of each sample is the voice's, (length,) 0..1 at `ratio` times 24 kHz; what `synthesise` fades by."""
    slope, reach = np.diff(_risen(np.arange(_FADE * ratio + 1) / (_FADE * ratio) - 0.5)), _FADE * ratio // 2
    pad = EDGE * HOP * ratio
    change = np.zeros(length + 2 * pad)
    for first, stop in voiced_stretches(features.f0_hz):
        for frame, way in ((first, 1), (stop, -1)):
            place = (2 * frame - 1) * HOP * ratio // 2 - reach + pad
            some = change[place : place + len(slope)]
            some += way * slope[: len(some)]
    share = np.clip(np.cumsum(change)[pad : pad + length], 0, 1).astype(np.float32)
    return share * (1 - _hissing(features, length, ratio)) if features.hiss.any() else share


def phase(f0_hz: Floats, sample: int) -> tuple[int, float] | None:
    """The first frame of the stretch in which `sample` (24 kHz) lies, and the cycles that its pulses have run through
    there since it began; None where no voice is."""
    frame = round(sample / HOP)
    for first, stop in voiced_stretches(f0_hz):
        if first <= frame < stop:
            at, run = _cycles(f0_hz, (first, stop))
            return first, float(run[sample - at[0]])
    return None


def drift(first_frame: int, frames: int, seed: int) -> Floats:
    """What a `seed` makes of the melody from a frame of the recording on: factors (frames,) on F0, 1 for 0."""
    if not seed:
        return np.ones(frames)
    first, last = first_frame // _DRIFT_FRAMES, (first_frame + frames) // _DRIFT_FRAMES + 1
    knots = _drawn(first, last - first + 1, seed, _DRIFT_STREAM) * _DRIFT_CENTS
    at = np.arange(first_frame, first_frame + frames) / _DRIFT_FRAMES
    return np.asarray(2 ** (np.interp(at, np.arange(first, last + 1), knots) / 1200), dtype=np.float64)


def _cycles(f0_hz: Floats, stretch: Stretch) -> tuple[NDArray[np.intp], Floats]:
    """Samples from EDGE frames before a stretch to EDGE after it, and the cycles that have been run through at each."""
    first, stop = stretch
    at = np.arange((first - EDGE) * HOP, (stop + EDGE) * HOP)
    return at, np.cumsum(along(np.pad(f0_hz[first:stop], EDGE, mode="edge"), HOP, len(at))) / SAMPLE_RATE_HZ


def _stretch(features: Features, stretch: Stretch, first_frame: int, turn: float, seed: int) -> tuple[int, Rows]:
    """The sample with which the sound of a stretch begins, EDGE frames before it, and that sound."""
    first, stop = stretch
    begin, length = (first - EDGE) * HOP, (stop - first + 2 * EDGE) * HOP
    around = np.zeros(length + 2 * FFT_SIZE, np.float32)
    _add_pulses(around, features, stretch, turn)
    _add_noise(around, features, stretch, first_frame, seed)
    sound = around[FFT_SIZE : FFT_SIZE + length]
    end = np.arange(2 * EDGE * HOP)
    sound[: len(end)] *= _risen((end - (EDGE - 0.5) * HOP) / _FADE).astype(np.float32)
    sound[-len(end) :] *= _risen(((EDGE - 0.5) * HOP - end) / _FADE).astype(np.float32)
    return begin, sound


def _add_pulses(around: Rows, features: Features, stretch: Stretch, turn: float) -> None:
    """Add to `around`, whose sample FFT_SIZE lies EDGE frames before the stretch."""
    first, stop = stretch
    at, run = _cycles(features.f0_hz, stretch)
    run += turn
    where = np.interp(np.arange(np.ceil(run[0]), np.floor(run[-1]) + 1), run, at)
    period = SAMPLE_RATE_HZ / np.interp(where / HOP, np.arange(first, stop), features.f0_hz[first:stop])
    for some in range(0, len(where), _AT_ONCE):
        places, periods = where[some : some + _AT_ONCE], period[some : some + _AT_ONCE]
        whole = np.floor(places).astype(np.intp)
        power, noisy = _rows(features.envelope, features.aperiodicity, stretch, places / HOP)
        # A pulse every `period` samples of that power is as loud as noise of power 1.
        power *= (1 - noisy * noisy) * periods.astype(np.float32)[:, None]
        loudness = np.log(np.maximum(power, _TINY)) * np.float32(0.5)
        responses = _minimum_phase(loudness, places - whole + _AHEAD)
        for start, response in zip(whole - at[0] + FFT_SIZE - _AHEAD, responses, strict=True):
            around[start : start + FFT_SIZE] += response


def _rows(envelope: Rows, aperiodicity: Rows, stretch: Stretch, frames: Floats) -> tuple[Rows, Rows]:
    """Both between `frames`; what the voice has at its ends it has beyond them."""
    first, stop = stretch
    low, high = max(0, first - EDGE), min(len(envelope), stop + EDGE) - 1
    power = _between(envelope, np.clip(frames, low, high), high)
    return power, _between(aperiodicity, np.clip(frames, first, stop - 1), stop - 1)


def _between(rows: Rows, frames: Floats, last: int) -> Rows:
    left = np.minimum(frames.astype(np.intp), last)
    share = (frames - left).astype(np.float32)[:, None]
    found: Rows = rows[left]
    found += (rows[np.minimum(left + 1, last)] - found) * share
    return found


def _minimum_phase(loudness: Rows, delays: Floats) -> Rows:
    """Responses (n, FFT_SIZE) without an offset, of log amplitudes (n, BINS), late by `delays` (n,) samples."""
    cepstra = np.fft.irfft(loudness, FFT_SIZE) * _CAUSAL
    angle = np.fft.rfft(cepstra).imag
    angle += delays.astype(np.float32)[:, None] * _TURNS_A_SAMPLE
    amplitude = np.exp(loudness)
    spectra = np.empty(loudness.shape, np.complex64)
    spectra.real = amplitude * np.cos(angle)
    spectra.imag = amplitude * np.sin(angle)
    responses = np.asarray(np.fft.irfft(spectra, FFT_SIZE), dtype=np.float32)
    responses -= responses.sum(axis=1, keepdims=True) * _OFFSET
    return responses


def _add_noise(around: Rows, features: Features, stretch: Stretch, first_frame: int, seed: int) -> None:
    """As `_add_pulses`: white noise in Hann windows of two frames, each filtered as its frame is."""
    first, stop = stretch
    frames = np.arange(first - EDGE, stop + EDGE + 1)
    coarse = features.envelope[:, ::_COARSER], features.aperiodicity[:, ::_COARSER]
    power, noisy = _rows(*coarse, stretch, frames.astype(np.float64))
    white = _drawn((first_frame + first - EDGE - 1) * HOP, (len(frames) + 1) * HOP, seed, _BREATH_STREAM)
    windows = np.lib.stride_tricks.sliding_window_view(white, 2 * HOP)[::HOP] * _NOISE_WINDOW
    heard = np.fft.irfft(np.fft.rfft(windows, _NOISE_FFT) * (np.sqrt(power) * noisy), _NOISE_FFT)
    # Filters without phase: what rings before its time has come to lie at the end.
    heard = np.roll(heard, _NOISE_AHEAD, axis=1)
    for number, response in enumerate(heard):
        start = FFT_SIZE + (number - 1) * HOP - _NOISE_AHEAD
        around[start : start + _NOISE_FFT] += response


def _drawn(start: int, length: int, seed: int, stream: int) -> Rows:
    """Numbers `start` to `start + length` of a stream of the recording's noise, of power 1."""
    above = seed << 64 | stream << 96
    chunks = range(start // _NOISE_CHUNK, (start + length - 1) // _NOISE_CHUNK + 1)
    drawn = [
        np.random.Generator(np.random.Philox(key=chunk % 2**64 | above)).standard_normal(_NOISE_CHUNK, np.float32)
        for chunk in chunks
    ]
    offset = start - chunks[0] * _NOISE_CHUNK
    return np.concatenate(drawn)[offset : offset + length]


def _hissing(features: Features, length: int, ratio: int) -> Rows:
    """How much of each sample is a consonant's within a voice: (length,) 0..1."""
    soft = np.convolve(features.hiss.astype(np.float32), np.array((0.25, 0.5, 0.25), np.float32), "same")
    return along(soft, HOP * ratio, length)


def _risen(position: Floats) -> Floats:
    """The integral of a Hann window one wide around 0."""
    t = np.clip(position + 0.5, 0, 1)
    return np.asarray(t - np.sin(2 * np.pi * t) / (2 * np.pi), dtype=np.float64)
