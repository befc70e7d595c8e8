"""What a copy of pictures must say of them although nobody decodes one: libav itself looks into the first.

Where it can't, MPEG-4 and H.263 have no size, VP8 and VP9 no sampling, and a cover neither: libav refuses the one,
and of the other writes a file that nothing opens.
"""

from __future__ import annotations

import struct
from typing import Final

from av.stream import Disposition
from av.video.stream import VideoStream

from s2s.audio.clocks import MOV
from s2s.audio.edits import track
from s2s.audio.errors import AudioError
from s2s.audio.proportions import is_shape
from s2s.audio.structure import Bytes, Part, boxes

_SIZE_AT: Final = 24  # ISO/IEC 14496-12, 12.1.3: VisualSampleEntry
_BOXES_AT: Final = 78
_VPX: Final = ("vp8", "vp9")
_SUBSAMPLED: Final = {0: "yuv420p", 1: "yuv420p", 2: "yuv422p", 3: "yuv444p"}  # VP Codec ISO Media File Format Binding
_DEEPER: Final = {10: "10le", 12: "12le"}


def complete(kept: VideoStream, original: VideoStream, source: Bytes) -> None:
    """Tell `kept`, a stream without packets yet, what it is a copy of. Raises AudioError (film_uncopied)."""
    context = kept.codec_context
    if original.disposition & Disposition.attached_pic:
        if not context.width:
            context.width = context.height = 1  # what it is itself says how large that is
        return
    entry = _entry(source, original.id) if original.container.format.name == MOV else None
    if not context.width or not context.height:
        context.width, context.height = _size(source, entry)
    if context.codec.canonical_name in _VPX and not context.pix_fmt:
        context.pix_fmt = _sampling(source, entry)
    if is_shape(original.sample_aspect_ratio):  # what the container says is what players heed
        context.sample_aspect_ratio = original.sample_aspect_ratio


def _entry(source: Bytes, track_id: int) -> Part | None:
    """How the first picture of a track is coded."""
    try:
        found = track(source, track_id, b"mdia", b"minf", b"stbl", b"stsd")
    except (LookupError, struct.error):
        return None
    return None if found is None else next(boxes(source, found.start + 8, found.end(source)), None)


def _size(source: Bytes, entry: Part | None) -> tuple[int, int]:
    width, height = struct.unpack(">HH", source.peek(entry.start + _SIZE_AT, 4).ljust(4, b"\0")) if entry else (0, 0)
    if not width or not height:
        raise AudioError("film_uncopied")
    return width, height


def _sampling(source: Bytes, entry: Part | None) -> str:
    """libav's name of it."""
    within = boxes(source, entry.start + _BOXES_AT, entry.end(source)) if entry else iter(())
    said = next((source.peek(part.start, 8) for part in within if part.name == b"vpcC"), b"")
    if len(said) < 7:
        return _SUBSAMPLED[0]  # all that is common
    depth, subsampling = said[6] >> 4, said[6] >> 1 & 7
    return _SUBSAMPLED.get(subsampling, _SUBSAMPLED[0]) + _DEEPER.get(depth, "")
