"""How alike two voices are: cosine of speaker embeddings (GE2E, Wan et al. 2018), in numpy.

The network and its weights are Resemblyzer's (Apache-2.0); only the weights file of its wheel is used, so that no
torch is needed. Same speaker: about .8 and above; different speakers: about .5 to .7.
"""

from __future__ import annotations

import importlib.util
import struct
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from s2s.speakers.checkpoint import TensorUnpickler

RATE_HZ = 16_000
_WINDOW, _HOP, _MELS = 400, 160, 40
_PARTIAL_FRAMES, _PARTIALS_PER_S = 160, 1.3
_LEVEL_DBFS = -30.0

Weights = dict[str, NDArray[np.float32]]


def similarity(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Cosine of the embeddings of two recordings, mono (n,) at 16 kHz; 1 is the same voice."""
    return float(embedding(one) @ embedding(other))


def embedding(samples: NDArray[np.floating]) -> NDArray[np.float32]:
    """(256,) float32 of length 1: the mean over windows of 1.6 s."""
    level = 10 ** (_LEVEL_DBFS / 20) / max(float(np.sqrt(np.mean(np.square(samples)))), 1e-6)
    mel = mel_spectrogram(np.asarray(samples) * level)
    step = round(RATE_HZ / _PARTIALS_PER_S / _HOP)
    starts = range(0, max(1, len(mel) - _PARTIAL_FRAMES + 1), step)
    if len(mel) < _PARTIAL_FRAMES:
        mel = np.pad(mel, ((0, _PARTIAL_FRAMES - len(mel)), (0, 0)))
    partials = _network(np.stack([mel[start : start + _PARTIAL_FRAMES] for start in starts]))
    mean = partials.mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)


def mel_spectrogram(samples: NDArray[np.floating]) -> NDArray[np.float32]:
    """(frames, 40) mel power as librosa's `melspectrogram` has it: periodic Hann of 25 ms, hop 10 ms, centred,
    Slaney's mel scale and norm, 0..8 kHz."""
    padded = np.pad(samples, _WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    return np.asarray(power @ mel_filters().T, dtype=np.float32)


def _slaney_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear up to 1 kHz (15 mels), logarithmic above (Slaney 1998)."""
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))


@cache
def mel_filters() -> NDArray[np.float64]:
    """(40, 201) triangles of equal area."""
    top = 15 + 27 * np.log(RATE_HZ / 2 / 1000) / np.log(6.4)
    edges = _slaney_hz(np.linspace(0, top, _MELS + 2))
    hz = np.fft.rfftfreq(_WINDOW, 1 / RATE_HZ)
    rising = (hz - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - hz) / np.diff(edges)[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return triangles * (2 / (edges[2:] - edges[:-2]))[:, None]


def _network(mels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Three LSTM layers, the last state through a ReLU layer, length 1: (partials, frames, 40) -> (partials, 256)."""
    weights = _weights()
    sequence = mels
    for layer in range(3):
        sequence = _lstm(
            sequence,
            weights[f"lstm.weight_ih_l{layer}"],
            weights[f"lstm.weight_hh_l{layer}"],
            weights[f"lstm.bias_ih_l{layer}"] + weights[f"lstm.bias_hh_l{layer}"],
        )
    raw = np.maximum(0, sequence[:, -1] @ weights["linear.weight"].T + weights["linear.bias"])
    return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True), dtype=np.float32)


def _lstm(
    inputs: NDArray[np.float32],
    input_weight: NDArray[np.float32],
    state_weight: NDArray[np.float32],
    bias: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Hochreiter and Schmidhuber 1997 with forget gate; gates stacked as input, forget, cell, output."""
    size = state_weight.shape[1]
    driven = inputs @ input_weight.T + bias
    hidden = np.zeros((len(inputs), size), np.float32)
    cell = np.zeros_like(hidden)
    states = np.empty((*inputs.shape[:2], size), np.float32)
    for frame in range(inputs.shape[1]):
        gates = driven[:, frame] + hidden @ state_weight.T
        gate_in, forget, candidate, gate_out = np.split(gates, 4, axis=1)
        cell = expit(forget) * cell + expit(gate_in) * np.tanh(candidate)
        hidden = expit(gate_out) * np.tanh(cell)
        states[:, frame] = hidden
    return states


# ---- the weights: a checkpoint in torch's first file format, read without torch ----


def _read_checkpoint(file: BinaryIO) -> Weights:
    for _ in range(3):  # magic number, protocol version, sizes of types
        TensorUnpickler(file).load()
    state = TensorUnpickler(file).load()["model_state"]
    keys = TensorUnpickler(file).load()
    needed = {storage[1] for storage, _, _ in state.values()}
    storages: dict[str, NDArray[np.float32]] = {}
    for key in keys:  # all float32; most of them are the optimiser's memory
        (length,) = struct.unpack("<q", file.read(8))
        if key in needed:
            storages[key] = np.frombuffer(file.read(4 * length), "<f4")
        else:
            file.seek(4 * length, 1)
    return {
        name: storages[storage[1]][offset : offset + int(np.prod(shape))].reshape(shape)
        for name, (storage, offset, shape) in state.items()
    }


@cache
def _weights() -> Weights:
    spec = importlib.util.find_spec("resemblyzer")
    assert spec is not None
    assert spec.origin is not None, "pip install --no-deps resemblyzer"
    with (Path(spec.origin).parent / "pretrained.pt").open("rb") as file:
        return _read_checkpoint(file)
