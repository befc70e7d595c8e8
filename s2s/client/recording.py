"""The recording to be sent: from a path, an open file or bytes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

Audio = str | os.PathLike[str] | bytes | BinaryIO
"""A path (a str is one, too), a binary seekable file, or the bytes themselves."""

UNNAMED = "audio"


@dataclass(frozen=True, slots=True)
class Recording:
    file: BinaryIO
    name: str
    ours: bool  # opened here, to be closed here


def open_recording(audio: Audio, filename: str | None) -> Recording:
    """A file is sent from its start to its end wherever it stands, and left open.

    Raises OSError for a path that cannot be opened, ValueError for a file that isn't seekable: its size must be told
    before it is sent.
    """
    if isinstance(audio, bytes):
        return Recording(BytesIO(audio), _sendable(filename or UNNAMED), ours=True)
    if isinstance(audio, str | os.PathLike):
        path = Path(audio)
        return Recording(path.open("rb"), _sendable(filename or path.name), ours=True)
    # A pipe has a size of 0 for fstat: httpx would announce that.
    if not audio.seekable():
        raise ValueError("the recording must be a seekable file")
    return Recording(audio, _sendable(filename or _name_of(audio)), ours=False)


def _name_of(file: BinaryIO) -> str:
    # A descriptor's number for what has no name; missing in memory.
    name: object = getattr(file, "name", None)
    return (Path(name).name if isinstance(name, str) else "") or UNNAMED


def _sendable(name: str) -> str:
    """A name from a disk may hold bytes that aren't UTF-8."""
    return name.encode("utf-8", "replace").decode()
