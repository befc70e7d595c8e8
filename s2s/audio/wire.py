"""What travels between us and the processes that decode: the job, then messages of a kind and a length.

A job is one fixed-size JSON text with its file descriptors (results, fate, input, of a film its new sound), so that a
reader can never take bytes of the next one. A message is `kind`, `length` and that many bytes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, Final

JOB_BYTES: Final = 1024
HEADER: Final = struct.Struct("=cI")
FATE: Final = struct.Struct("=i")  # exit status of a worker; negative is the signal that ended it

ALIVE: Final = b"A"  # nothing in it: the worker is still reading
BLOCK: Final = b"B"  # float32 mono samples; of a file that is written, bytes after the PLACE where they belong
PLACE: Final = struct.Struct("=Q")
RESULT: Final = b"R"  # JSON, the last message of a job that went well
FAILURE: Final = b"F"  # JSON {"code", "facts", "cause"}, the last message of one that did not

MAX_MESSAGE_BYTES: Final = 1 << 26


def pack_job(job: Mapping[str, object]) -> bytes:
    text = json.dumps(job).encode()
    if len(text) > JOB_BYTES:
        raise ValueError("the job does not fit into its message")
    return text.ljust(JOB_BYTES)


def unpack_job(text: bytes) -> dict[str, Any]:
    return dict(json.loads(text))
