"""What a recording is (`examine`) and its samples (`decode`), for bytes that nobody vouches for."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from s2s.audio import sources
from s2s.audio.limits import Limits, RawPcm
from s2s.audio.sandbox import Worker

_DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Examination:
    """A recording as decoding all of it has shown it; nothing here is taken from a header.

    `container` and `codec` are libav's names (`mov,mp4,m4a,3gp,3g2,mj2`, `aac`). `samples` are counted at
    `sample_rate_hz`, which is the rate of the first frame. `peaks` is one uint8 per bucket over the whole length,
    the largest |sample| with 255 as full scale, and `level_dbfs` the root mean square (-120.0 for silence), both of
    the mono mix. `loudness_lufs` is the integrated loudness of all channels (ITU-R BS.1770-4), mono counted as what it
    is played as, the same on two loudspeakers; None for silence and for less than 400 ms.
    """

    container: str
    codec: str
    sample_rate_hz: int
    channels: int
    samples: int
    duration_s: float
    peaks: bytes
    level_dbfs: float
    loudness_lufs: float | None


def examine(
    source: BinaryIO, *, limits: Limits = _DEFAULT_LIMITS, raw: RawPcm | None = None, peak_buckets: int = 1000
) -> Examination:
    """Decode all of `source` in a child process and say what it is.

    Reads from the first byte whatever the position of `source` is, and leaves that alone; a file that can be passed on
    as a descriptor isn't copied. `raw` says what headerless samples are. Memory is flat at any length.

    Raises `AudioError`.
    """
    job = _job("examine", limits, raw, peak_buckets=peak_buckets)
    with sources.opened(source) as input_fd, Worker(job, input_fd, limits.idle_s) as worker:
        found = worker.result()
    found["peaks"] = bytes.fromhex(found["peaks"])
    return Examination(duration_s=found["samples"] / found["sample_rate_hz"], **found)


def decode(
    source: BinaryIO, *, sample_rate_hz: int, limits: Limits = _DEFAULT_LIMITS, raw: RawPcm | None = None
) -> Generator[NDArray[np.float32], None, None]:
    """The samples of `source`: mono float32 blocks `(n,)` of about a second at `sample_rate_hz`, nominally -1..1.

    `n` samples at the recording's own rate come out as exactly `round(n * sample_rate_hz / own)`. Multichannel sound
    is mixed as ITU-R BS.775 has it. A damaged recording gives what can be decoded. `source` is
    read as `examine` reads it. Closing the generator ends the child process at once.

    Raises `AudioError`, also after blocks were given (too_long, decoder_failed and its like).
    """
    job = _job("decode", limits, raw, sample_rate_hz=sample_rate_hz)
    with sources.opened(source) as input_fd:
        worker = Worker(job, input_fd, limits.idle_s)
    with worker:
        for block in worker.blocks():
            yield np.frombuffer(block, np.float32)


def _job(task: str, limits: Limits, raw: RawPcm | None, **details: int) -> dict[str, Any]:
    return {
        "task": task,
        "limits": dataclasses.asdict(limits),
        "raw": dataclasses.asdict(raw) if raw else None,
        **details,
    }
