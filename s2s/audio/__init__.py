"""The audio room: what a recording is, its samples, its waveform, and its bytes in every format of the contract.

Recordings come from strangers, so they are decoded in a child process with limits (`sandbox`, `forkserver`,
`child`); what we encode is ours and is encoded in process (`encoding`).
"""

from s2s.audio.decoding import Examination, decode, examine, excerpt, measure_loudness
from s2s.audio.encoding import Encoder, encode
from s2s.audio.errors import AudioError
from s2s.audio.limits import Limits, RawPcm
from s2s.audio.sandbox import warm_up
from s2s.audio.writers import Pieces

__all__ = [
    "AudioError",
    "Encoder",
    "Examination",
    "Limits",
    "Pieces",
    "RawPcm",
    "decode",
    "encode",
    "examine",
    "excerpt",
    "measure_loudness",
    "warm_up",
]
