"""The audio room: what a recording is, its samples, its waveform, and its bytes in every format of the contract.

Recordings come from strangers, so they are decoded in a child process with limits (`sandbox`, `forkserver`,
`child`); plain PCM needs no codec and is read in process (`plain`), and so is encoded what is ours (`encoding`). Only
who encodes, or looks at samples, loads numpy and libav: most processes just hand recordings over.
"""

from typing import TYPE_CHECKING, Any

from s2s.audio.decoding import (
    SPEECH_RATE_HZ,
    Examination,
    decode,
    examine,
    examine_plain,
    excerpt,
    film,
    measure_loudness,
    searchable,
    speech_of,
    spoken,
    stretch,
    warm_up,
)
from s2s.audio.errors import AudioError
from s2s.audio.films import Film, in_playing_order
from s2s.audio.limits import SPEECH_SEARCH_S, Limits, RawPcm
from s2s.audio.noticed import Noticed
from s2s.audio.pieces import Pieces
from s2s.audio.sandbox import Stop

if TYPE_CHECKING:
    from s2s.audio.encoding import Encoder, encode

__all__ = [
    "SPEECH_RATE_HZ",
    "SPEECH_SEARCH_S",
    "AudioError",
    "Encoder",
    "Examination",
    "Film",
    "Limits",
    "Noticed",
    "Pieces",
    "RawPcm",
    "Stop",
    "decode",
    "encode",
    "examine",
    "examine_plain",
    "excerpt",
    "film",
    "in_playing_order",
    "measure_loudness",
    "searchable",
    "speech_of",
    "spoken",
    "stretch",
    "warm_up",
]


def __getattr__(name: str) -> Any:
    """`Encoder` and `encode`, when they are asked for (PEP 562)."""
    if name not in ("Encoder", "encode"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from s2s.audio import encoding

    return getattr(encoding, name)
