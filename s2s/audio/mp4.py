"""MP4, M4A and MOV whose own structure tells why they can't be read (ISO/IEC 14496-12)."""

from __future__ import annotations

from s2s.audio.mistakes import MP4_STARTS
from s2s.audio.structure import Bytes, boxes


def without_index(source: Bytes) -> str:
    """The code (of `AudioError`) of one without the index that says where its sound lies; else "".

    `index_missing` where the file ends before it should, `unfinished` where its writer never got so far. The Studio's
    page looks the same way before anything is sent (inspecting.js).
    """
    if source.peek(4, 4) not in MP4_STARTS:
        return ""
    end: int | None = 0
    for part in boxes(source):
        if part.name in (b"moov", b"moof"):
            return "index_missing" if part.end(source) > source.size else ""
        end = None if part.length is None else part.end(source)
    return "unfinished" if end in (None, source.size) else "index_missing"
