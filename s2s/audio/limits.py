"""How much a recording may ask of us, and what must be said about one that has no header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

# What is no louder is silent: a thirtieth of the smallest step of 16 bits.
SILENCE_DBFS: Final = -120.0
# At which a part of a recording is handed on: its own rate within these.
MIN_RATE_HZ: Final = 16_000
MAX_RATE_HZ: Final = 48_000
# How much of the beginning of a recording is searched for somebody who speaks.
SPEECH_SEARCH_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What decoding one recording may cost. Defaults take six hours of anything a person records.

    `cpu_s` and `memory_bytes` (address space, of which some 300 MB is code) are set on the child by the
    kernel; `idle_s` is how long a child may give no sign of life while we wait for it. Time in which the reader of
    `decode()` is busy with a block does not count.
    """

    max_duration_s: float = 6 * 3600
    max_channels: int = 8
    min_sample_rate_hz: int = 4_000
    max_sample_rate_hz: int = 384_000
    cpu_s: int = 600
    memory_bytes: int = 1 << 30
    idle_s: float = 60.0


@dataclass(frozen=True, slots=True)
class RawPcm:
    """Headerless samples: `s16le` is the contract's `pcm_s16le_16` and `pcm_*`, `ulaw` and `alaw` are G.711."""

    sample_rate_hz: int = 16_000
    channels: int = 1
    encoding: Literal["s16le", "ulaw", "alaw"] = "s16le"
