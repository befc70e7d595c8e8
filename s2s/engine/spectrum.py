"""Spectral envelopes on a mel grid, their cepstra, formant warping, and how loud and how alive a frame is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from s2s.engine.vocoder import BIN_HZ, BINS, Floats

# Profiles live on a fixed grid so that they outlive a change of the sample rate.
MEL_BANDS = 64
MEL_TOP_HZ = 8000.0
NEPER_DB = 10 / np.log(10)  # envelopes are natural logarithms of power
_TINY = 1e-12


def _hz_to_mel(hz: float | Floats) -> Floats:
    return np.asarray(2595 * np.log10(1 + np.asarray(hz) / 700), dtype=np.float64)


def _mel_to_hz(mel: NDArray[np.floating]) -> Floats:
    return np.asarray(700 * (10 ** (mel / 2595) - 1), dtype=np.float64)


_MEL_STEP = float(_hz_to_mel(MEL_TOP_HZ)) / (MEL_BANDS - 1)
MEL_HZ: Floats = _mel_to_hz(np.arange(MEL_BANDS) * _MEL_STEP)


def _averaging_matrix() -> Floats:
    """(BINS, MEL_BANDS): triangles one band wide; a band narrower than a bin is interpolated instead."""
    edges_hz = _mel_to_hz(np.arange(-1, MEL_BANDS + 1) * _MEL_STEP)
    matrix = np.zeros((BINS, MEL_BANDS))
    for band in range(MEL_BANDS):
        low, centre, high = edges_hz[band : band + 3]
        weights = np.clip(np.minimum((BIN_HZ - low) / (centre - low), (high - BIN_HZ) / (high - centre)), 0, None)
        if weights.sum() < 1:
            position = centre / BIN_HZ[1]
            left = int(position)
            weights[:] = 0
            weights[left], weights[left + 1] = 1 - (position - left), position - left
        matrix[:, band] = weights / weights.sum()
    return matrix


def _spreading_matrix() -> Floats:
    """(MEL_BANDS, BINS): linear interpolation in mel; constant above the grid."""
    position = np.clip(_hz_to_mel(BIN_HZ) / _MEL_STEP, 0, MEL_BANDS - 1.0001)
    left = position.astype(int)
    matrix = np.zeros((MEL_BANDS, BINS))
    matrix[left, np.arange(BINS)] = 1 - (position - left)
    matrix[left + 1, np.arange(BINS)] = position - left
    return matrix


def _orthonormal_cosines() -> Floats:
    """(MEL_BANDS, MEL_BANDS): the DCT-II as a matrix (Ahmed, Natarajan, Rao 1974), a row for each cepstrum."""
    order, band = np.ogrid[:MEL_BANDS, :MEL_BANDS]
    cosines = np.cos(np.pi * order * (band + 0.5) / MEL_BANDS) * np.sqrt(2 / MEL_BANDS)
    cosines[0] /= np.sqrt(2)
    return np.asarray(cosines, dtype=np.float64)


_COSINES = _orthonormal_cosines()
_BINS_TO_MEL = _averaging_matrix()
_MEL_TO_BINS = _spreading_matrix()


def log_power(envelope: NDArray[np.floating]) -> Floats:
    """Natural logarithm of a power envelope, (frames, BINS) or (frames,); silence stays finite."""
    return np.asarray(np.log(envelope + _TINY), dtype=np.float64)


def log_mel(envelope: NDArray[np.floating]) -> Floats:
    """(frames, BINS) power -> (frames, MEL_BANDS) log power, 0..8 kHz."""
    return log_power(envelope) @ _BINS_TO_MEL


def mel_curve_to_bins(curve: Floats) -> Floats:
    """(MEL_BANDS,) -> (BINS,)."""
    return curve @ _MEL_TO_BINS


def smooth(curve: Floats, cepstra: int) -> Floats:
    """A (MEL_BANDS,) curve without detail finer than its first `cepstra` cepstra (orthonormal DCT-II)."""
    basis = _COSINES[:cepstra]
    return (basis @ curve) @ basis


# Below the knee lie the formants that tell tracts apart; from the ceiling on, what consonants are known by.
_KNEE_HZ = 4500.0
_CEILING_HZ = 8000.0


def warped_from(hz: NDArray[np.floating], scale: float) -> Floats:
    """Where what comes to lie at `hz` was before formants moved up by `scale`.

    Up to a knee everything moves; between the knee and 8 kHz ever less of it, and above nothing: sibilants and the edge
    of the band stay where the speaker has them (piecewise linear, as in vocal tract length normalisation: Lee and Rose
    1998).
    """
    knee_out = _KNEE_HZ * min(1.0, scale)
    knee_in = knee_out / scale
    bend = knee_in + (hz - knee_out) * (_CEILING_HZ - knee_in) / (_CEILING_HZ - knee_out)
    return np.asarray(np.where(hz <= knee_out, hz / scale, np.where(hz < _CEILING_HZ, bend, hz)), dtype=np.float64)


def warp(rows: NDArray[np.floating], scale: float) -> NDArray[np.floating]:
    """Move formants up by `scale`, as `warped_from` has it: rows (frames, BINS), of the same type."""
    if abs(scale - 1) < 1e-3:
        return rows
    position = np.clip(warped_from(BIN_HZ, scale) / BIN_HZ[1], 0, BINS - 1.001)
    left = position.astype(np.intp)
    fraction = (position - left).astype(rows.dtype)
    warped: NDArray[np.floating] = np.take(rows, left, axis=1)
    warped *= 1 - fraction
    upper = np.take(rows, left + 1, axis=1)
    upper *= fraction
    warped += upper
    return warped


def warp_mel_curve(curve: Floats, scale: float) -> Floats:
    """One (MEL_BANDS,) curve with everything in it moved: the whole tract of a voice that is designed."""
    return np.asarray(np.interp(MEL_HZ / scale, MEL_HZ, curve), dtype=np.float64)


def knee_warp_mel_curve(curve: Floats, scale: float) -> Floats:
    """What `warp` makes of a (MEL_BANDS,) curve."""
    return np.asarray(np.interp(warped_from(MEL_HZ, scale), MEL_HZ, curve), dtype=np.float64)


def loudness_reference_db(levels_db: Floats) -> float:
    """What counts as loud in a recording: the 95th percentile of its frame levels (dB)."""
    return float(np.percentile(levels_db, 95))


def activity(levels_db: Floats, reference_db: float, span_db: float = 35.0) -> Floats:
    """How surely each frame is speech and not the pause between words: (frames,) 0..1, soft around
    `reference_db - span_db`. One reference serves a whole recording so that its blocks agree."""
    return np.asarray(1 / (1 + np.exp(-(levels_db - (reference_db - span_db)) / 3)), dtype=np.float64)


BAND_EDGES_HZ = ((0, 1000), (1000, 3000), (3000, 5000), (5000, 8000))
_BAND_ANCHORS_HZ = (500, 2000, 4000, 6500)


def band_aperiodicity(aperiodicity: NDArray[np.floating]) -> Floats:
    """Mean logit of aperiodicity in four bands, (frames, BINS) -> (4,)."""
    clipped = np.clip(aperiodicity, 1e-3, 0.999)
    logit = np.log(clipped / (1 - clipped))
    return np.array([logit[:, (low <= BIN_HZ) & (high > BIN_HZ)].mean() for low, high in BAND_EDGES_HZ])


def bands_to_bins(bands: Floats) -> Floats:
    """(4,) band values -> (BINS,), linear between the bands' middles."""
    return np.asarray(np.interp(BIN_HZ, _BAND_ANCHORS_HZ, bands), dtype=np.float64)
