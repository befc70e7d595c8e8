"""A recording's own packets in a file that players can search. Runs only in a worker, behind its limits.

What a browser recorded (MediaRecorder) was written while it went on: WebM without a length and without cues
(https://www.rfc-editor.org/rfc/rfc9559#name-cues), MP4 in fragments. Nothing is decoded here and nothing encoded.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import av
import av.error
from av.container import InputContainer, OutputContainer

from s2s.audio.errors import AudioError

HEAD_BYTES = 1 << 16
# Whoever writes cues says in the first bytes where they lie, by their id; fragments are announced beside the tracks.
_CUES = bytes.fromhex("1c53bb6b")
_FRAGMENTS = b"mvex"
_WEBM = b"webm"  # the kind of document


class Sink:
    """What PyAV writes to: `write` and `seek`. Tells each piece with the place where it belongs."""

    def __init__(self, tell: Callable[[int, bytes], None]) -> None:
        self._tell = tell
        self._position = 0
        self.size = 0

    def write(self, data: bytes) -> int:
        self._tell(self._position, bytes(data))
        self._position += len(data)
        self.size = max(self.size, self._position)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        return self._position


def can_be_searched(container: InputContainer, head: bytes) -> bool:
    """Whether players find a place in it. `head` are the file's first bytes."""
    match container.format.name:
        case "matroska,webm":
            return _CUES in head
        case "mov,mp4,m4a,3gp,3g2,mj2":
            return _FRAGMENTS not in head
        case _:
            return True


def remux(container: InputContainer, head: bytes, sink: Sink) -> None:
    """Copy the packets of what a player shows and plays. Raises AudioError where they are not fit for that."""
    try:
        with av.open(sink, "w", format=writer_of(container, head)) as copy:
            _copy(container, copy)
    except av.error.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        raise AudioError("not_audio") from error


def _copy(container: InputContainer, copy: OutputContainer) -> None:
    tracks = {
        stream.index: copy.add_stream_from_template(stream)
        for stream in (*container.streams.video[:1], *container.streams.audio)
        if stream.codec_context is not None
    }
    for packet in container.demux([container.streams[index] for index in tracks]):
        if packet.size:
            packet.stream = tracks[packet.stream_index]
            copy.mux_one(packet)


def writer_of(container: InputContainer, head: bytes) -> str:
    """Who writes what is in `container`, of MP4, WebM and Matroska. `head` are the file's first bytes."""
    if container.format.name != "matroska,webm":
        return "mp4"
    return "webm" if _WEBM in head[:64] else "matroska"
