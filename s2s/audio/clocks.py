"""What the times in a container are worth: where its time line begins, where it ends, and who wrote it how."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer

from s2s.audio.edits import Edit, EditList
from s2s.audio.timeline import HOUR_S, LEAST_LEAD_S, Origin

if TYPE_CHECKING:
    from s2s.audio.seeking import AudioPacket

MOV: Final = "mov,mp4,m4a,3gp,3g2,mj2"
MATROSKA: Final = "matroska,webm"
# Their packets carry times. What libav says of other containers' it has counted itself, from samples or bytes.
_DATED: Final = (MOV, MATROSKA, "flv", "asf", "mpegts", "mpeg")
# Programme and transport streams count from anywhere (ISO/IEC 13818-1, 2.4.2.2), so the first that there is begins.
_UNROOTED: Final = ("mpegts", "mpeg")
# Players show the others from their zero. What begins later, all of it, was cut out of a stream that went on for long.
_LATEST_START_S: Final = 60.0
# From one programme to the next their clock may jump anywhere. It is where the ffmpeg command takes a jump for one.
_LONGEST_HOLE_S: Final = 10.0
# libopus looks ahead 6.5 ms (https://www.rfc-editor.org/rfc/rfc7845#section-4.2), whatever is said of that.
_OPUS_DELAY_S: Final = 312 / 48_000
_OPUS_HEAD: Final = struct.Struct("<8sBBH")
_CHROMIUMS_PRESKIP: Final = 3840
_BLOCKS: Final = ("adpcm_", "gsm", "truespeech")  # codecs without frames: a WAV says in `fact` where the last ends
# Of these libav counts the samples of every page that it begins with in an Ogg; of FLAC and Speex it doesn't, and their
# first packets say a time that is up to a page too late.
_TIMED_AFTER_SEEKING: Final = ("opus", "vorbis")


@dataclass(frozen=True, slots=True)
class Clock:
    """How the times of a recording are read. `dated`: packets carry them. `delay_s`: what its recorder left in front.

    `edits` is its edit list. `unskipped` is what its decoder is to be told in place of the file's own words, where
    those cut sound.
    """

    dated: bool
    edits: EditList | None = None
    delay_s: float = 0.0
    unskipped: bytes | None = None

    @property
    def cuts(self) -> Sequence[Edit]:
        """The stretches that the sound is put together from, where there are several."""
        return self.edits.edits if self.edits is not None and self.edits.cuts else ()


def clock(container: InputContainer, stream: AudioStream, edits: EditList | None) -> Clock:
    name = container.format.name
    if name not in _DATED:
        return Clock(dated=False)
    head = stream.codec_context.extradata or b""
    if stream.codec_context.codec.canonical_name != "opus" or len(head) < _OPUS_HEAD.size:
        return Clock(dated=True, edits=edits)
    # Chromium's recorder (156) forgets the encoder's delay in WebM, and in MP4 writes the 80 ms that a player is to
    # read ahead for it: they would be cut off the sound.
    mark, version, channels, preskip = _OPUS_HEAD.unpack_from(head)
    if name == MATROSKA and preskip == 0 and container.metadata.get("encoder") == "Chrome":
        return Clock(dated=True, delay_s=_OPUS_DELAY_S)
    chromium = "vp09" in container.metadata.get("compatible_brands", "") and edits is None
    if name == MOV and preskip == _CHROMIUMS_PRESKIP and chromium:
        unskipped = _OPUS_HEAD.pack(mark, version, channels, 0) + head[_OPUS_HEAD.size :]
        return Clock(dated=True, delay_s=_OPUS_DELAY_S, unskipped=unskipped)
    return Clock(dated=True, edits=edits)


def origin(container: InputContainer, clock: Clock, first: AudioPacket) -> Origin:
    """Where the time line of `container` begins, and what of its times is believed. `first` is its first packet."""
    begins_s = origin_s(container, clock)
    starts_s = 0.0 if first.pts is None or first.time_base is None else float(first.pts * first.time_base)
    # Where packets begin at zero their sound isn't late: Vorbis and WMA only give nothing for the first of them.
    is_late = clock.delay_s or starts_s - begins_s > LEAST_LEAD_S
    return Origin(
        begins_s + clock.delay_s if is_late else None,
        longest_hole_s=_LONGEST_HOLE_S if container.format.name in _UNROOTED else HOUR_S,
        early_s=clock.delay_s,
    )


def has_index(container: InputContainer) -> bool:
    """Whether times found by the container's index are those of the time line: there they neither jump nor repeat."""
    return container.format.name in (MOV, MATROSKA)


def has_counted_index(container: InputContainer, stream: AudioStream) -> bool:
    """Whether libav counts right where it begins in the middle of a container without times of its own.

    Of a WAV it takes the header's word for how many bytes a second has, and of codecs in blocks that is often wrong.
    """
    if container.format.name == "ogg":
        return stream.codec_context.codec.canonical_name in _TIMED_AFTER_SEEKING
    return not _counts_blocks(container, stream)


def origin_s(container: InputContainer, clock: Clock) -> float:
    """The container's time that players show as zero."""
    starts = [
        float(stream.start_time * stream.time_base)
        for stream in (*container.streams.video, *container.streams.audio)
        if stream.start_time is not None and stream.time_base is not None
    ]
    if container.start_time is not None:
        starts.append(container.start_time / av.time_base)
    earliest_s = min(starts, default=0.0)
    if clock.edits is not None or (container.format.name not in _UNROOTED and earliest_s <= _LATEST_START_S):
        return 0.0
    return earliest_s


def end_s(container: InputContainer, stream: AudioStream, clock: Clock, last: AudioFrame) -> float:
    """Where the recording ends by what the file says of it, on our time line; infinite where it doesn't.

    `last` is its last frame.
    """
    edits = clock.edits
    if edits is not None:
        end_s = edits.end_s
        # A list counts in the film's units, often of a millisecond. Its last packet says more exactly when it ends.
        if last.time is not None and last.duration and last.time_base is not None:
            ends_s = last.time + float(last.duration * last.time_base)
            if abs(ends_s - end_s) <= 1.5 * edits.tick_s:
                return ends_s
        return end_s
    if _counts_blocks(container, stream) and stream.duration and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return math.inf


def _counts_blocks(container: InputContainer, stream: AudioStream) -> bool:
    return container.format.name in ("wav", "w64") and stream.codec_context.name.startswith(_BLOCKS)
