"""A film with another sound: its pictures copied packet by packet, never encoded anew. Runs only in a worker, behind
its limits.

The sound begins where the film's time line has its zero (`clocks.origin_s`), which is where the samples begin that
were read of it. It takes the place of the track that was read; everything else that the container can hold stays.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, cast

import av
import av.error
import numpy as np
from av.audio.format import AudioFormat
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import AttachmentStream, Discard, Disposition, Stream
from av.video.stream import VideoStream
from numpy.typing import NDArray

from s2s.audio import clocks
from s2s.audio.clocks import Clock
from s2s.audio.edits import EditList, edit_list
from s2s.audio.errors import AudioError
from s2s.audio.films import Film
from s2s.audio.lanes import in_step
from s2s.audio.opening import Input, audio_stream, open_container, pictures_of, raise_if_memory
from s2s.audio.pictures import complete
from s2s.audio.proportions import ROOM, Head, is_shape, tell_proportions
from s2s.audio.remuxing import HEAD_BYTES, Sink, writer_of
from s2s.audio.writers import LAYOUTS, in_turn

if TYPE_CHECKING:
    from s2s.audio.chain import Sound

_QUICKTIME: Final = b"qt  "
# What players of a container play for certain, and what editors take. libav's name, its sample format, its rates
# (none: any), and bits a second for each sample a second at most.
_AAC_RATES: Final = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_OPUS_RATES: Final = (8_000, 12_000, 16_000, 24_000, 48_000)
_BIT_RATE: Final = 160_000
# H.264 and its successors hold back sixteen pictures at most (ITU-T H.264, A.3.1).
_HELD_BACK: Final = 16
# Written by muxers themselves, and wrong in a copy.
_OF_MUXERS: Final = ("encoder", "major_brand", "minor_version", "compatible_brands")


@dataclass(frozen=True, slots=True)
class _Codec:
    name: str
    encoder: str
    sample_format: str
    rates_hz: tuple[int, ...] = ()
    lossy: bool = True

    def rate_hz(self, own_hz: int) -> int:
        """Its own rate or the next above it, which loses nothing."""
        return next((rate_hz for rate_hz in self.rates_hz if rate_hz >= own_hz), max(self.rates_hz, default=own_hz))


_AAC: Final = _Codec("aac", "aac", "fltp", _AAC_RATES)
_OPUS: Final = _Codec("opus", "libopus", "flt", _OPUS_RATES)
_FLAC: Final = _Codec("flac", "flac", "s16", lossy=False)
_PCM: Final = _Codec("pcm_s16le", "pcm_s16le", "s16", lossy=False)


def film(source: Input, track: int | None, sounds: Sequence[Sound], *, lossless: bool, sink: Sink) -> Film:
    """Write `source` with other sound in place of that sound track (see `audio_stream`). `lossless`: as it was ordered.

    `sounds`: one for each channel, one or two.

    Raises `AudioError`: film_cut, film_uncopied, and what opening and reading raise.
    """
    container = open_container(source, None)
    replaced = audio_stream(container, source, track)
    edits = None
    if container.format.name == clocks.MOV:
        edits = edit_list(source, replaced.id)
        if any(found is not None and found.cuts for found in _edits(source, container)):
            raise AudioError("film_cut")
    pictures = pictures_of(container, source)
    name = next((name for name in _writers(container, source.head(HEAD_BYTES)) if _holds(name, pictures)), None)
    if name is None:
        raise AudioError("film_uncopied")
    origin_s = clocks.origin_s(container, Clock(dated=True, edits=edits))
    head = Head(sink)
    try:
        with av.open(head, "w", format=name, container_options=_options(name)) as copy:
            copying = _Copy(source, container, copy, replaced, sounds, origin_s, lossless=lossless)
            made = copying.write(name)
        tell_proportions(head, copying.pixels)
        return made
    except av.error.FFmpegError as error:
        raise_if_memory(error)
        raise AudioError("film_uncopied") from error


def _edits(source: Input, container: InputContainer) -> Iterator[EditList | None]:
    return (edit_list(source, stream.id) for stream in container.streams.video)


def _writers(container: InputContainer, head: bytes) -> tuple[str, ...]:
    """Of a container of its own kind, and of the one that also holds what that one shouldn't: H.263 of old phones is in
    3GP, and Chromium records H.264 into what it calls WebM."""
    name = writer_of(container, head)
    if name == "mp4":
        has_brand = head[4:8] == b"ftyp"
        return ("mov",) if not has_brand or head[8:12] == _QUICKTIME else ("mp4", "mov")
    return ("webm", "matroska") if name == "webm" else (name,)


def _holds(name: str, pictures: str) -> bool:
    with av.open(Sink(lambda _place, _data: None), "w", format=name) as copy:
        return pictures in copy.supported_codecs


def _options(name: str) -> dict[str, str]:
    match name:
        case "mp4":
            # What says that pictures go all around (360°) or are Dolby Vision's is left out by a strict writer.
            return {"strict": "unofficial"}
        case "mov":
            # Cameras keep place and device under names of their own, which QuickTime has a list for.
            return {"strict": "unofficial", "movflags": "use_metadata_tags"}
        case _:
            return {}


def _codec(name: str, *, lossless: bool) -> _Codec:
    if name == "webm":
        return _OPUS
    if name == "matroska":
        return _FLAC
    return _PCM if lossless and name == "mov" else _AAC


@dataclass(slots=True)
class _Copy:
    """A film on its way from `container` to `copy`."""

    source: Input
    container: InputContainer
    copy: OutputContainer
    replaced: AudioStream
    sounds: Sequence[Sound]
    origin_s: float
    lossless: bool = field(kw_only=True)
    tracks: dict[int, Stream] = field(default_factory=dict, init=False)
    left_out: set[str] = field(default_factory=set, init=False)
    pixels: dict[int, Fraction] = field(default_factory=dict, init=False)  # that aren't square, by their track's number

    def write(self, name: str) -> Film:
        codec = _codec(name, lossless=self.lossless)
        rate_hz = codec.rate_hz(self.sounds[0].description.sample_rate_hz)
        new = self._declare(codec, rate_hz)
        coming = _encoded(in_step([sound.blocks(rate_hz) for sound in self.sounds]), new, rate_hz)
        sounding = next(coming, None)
        for packet in self._packets():
            while sounding is not None and _time(sounding) <= _time(packet):
                self.copy.mux_one(sounding)
                sounding = next(coming, None)
            packet.stream = self.tracks[packet.stream_index]
            self.copy.mux_one(packet)
        while sounding is not None:
            self.copy.mux_one(sounding)
            sounding = next(coming, None)
        return Film(name, codec.name, tuple(sorted(self.left_out)))

    def _declare(self, codec: _Codec, rate_hz: int) -> AudioStream:
        """All tracks in their order, the new sound in place of the old."""
        for name, value in self.container.metadata.items():
            if name not in _OF_MUXERS:
                self.copy.metadata[name] = value
        self.copy.set_chapters(self.container.chapters())
        new = None
        for stream in self.container.streams:
            if stream is self.replaced:
                new = _sounding(self.copy, codec, rate_hz, len(self.sounds))
                new.disposition = stream.disposition | Disposition.default  # whoever opens the film hears it
                new.metadata.update({k: v for k, v in stream.metadata.items() if k in ("language", "title")})
            else:
                self._keep(stream)
        assert new is not None
        self._miss_data()
        return new

    def _miss_data(self) -> None:
        """Chapters and time code of a MOV are tracks of data too, and its writer makes them anew from what they say."""
        remade = int(bool(self.container.chapters()))
        remade += any("timecode" in stream.metadata for stream in self.container.streams)
        if len(self.container.streams.data) > remade:
            self.left_out.add("data")

    def _keep(self, stream: Stream) -> None:
        stream.discard = Discard.all
        if isinstance(stream, AttachmentStream):
            self._attach(stream, stream.data)
            return
        if stream.disposition & Disposition.timed_thumbnails:
            return  # pictures of chapters, of which libav gives only the first
        if stream.disposition & Disposition.attached_pic and self.container.format.name == clocks.MATROSKA:
            self._attach_cover(stream)
            return
        if stream.type == "data":
            return
        try:
            kept = self.copy.add_stream_from_template(stream, opaque=True)
        except (ValueError, TypeError, av.error.FFmpegError):
            self.left_out.add(stream.type)
            return
        # A player of Apple's takes only one of two names of the same codec, the one that cameras write.
        if self.copy.format.name in ("mp4", "mov") and self.container.format.name == clocks.MOV:
            kept.codec_context.codec_tag = stream.codec_context.codec_tag
        if isinstance(kept, VideoStream):
            complete(kept, cast("VideoStream", stream), self.source)
        is_other_sound = isinstance(stream, AudioStream)
        kept.disposition = stream.disposition & ~Disposition.default if is_other_sound else stream.disposition
        kept.metadata.update(stream.metadata)
        pixel = stream.sample_aspect_ratio if isinstance(stream, VideoStream) else None
        if self.copy.format.name in ("matroska", "webm") and is_shape(pixel):
            kept.metadata["title"] = stream.metadata.get("title", "") + ROOM
            self.pixels[kept.index] = pixel
        stream.discard = Discard.default
        self.tracks[stream.index] = kept

    def _attach(self, stream: Stream, data: bytes) -> None:
        if self.copy.format.name != "matroska":
            self.left_out.add("attachment")
            return
        name = stream.metadata.get("filename", "attachment")
        self.copy.add_attachment(name, stream.metadata.get("mimetype", "application/octet-stream"), data)

    def _attach_cover(self, stream: Stream) -> None:
        """A file like others, which libav gives as the first packet of a stream of pictures."""
        for packet in self.container.demux(stream):
            if packet.size:
                self._attach(stream, bytes(packet))
            return

    def _packets(self) -> Iterator[Packet[Stream]]:
        """Of all that is kept, with the film's zero at zero."""
        demuxed = self.container.demux([self.container.streams[index] for index in self.tracks])
        packets: Iterator[Packet[Stream]] = (packet for packet in demuxed if packet.size)
        packets = (_in_order if self.container.format.name == clocks.MATROSKA else _one_by_one)(packets)
        for packet in packets:
            if self.origin_s and packet.time_base:
                ticks = round(self.origin_s / packet.time_base)
                packet.pts = None if packet.pts is None else packet.pts - ticks
                packet.dts = None if packet.dts is None else packet.dts - ticks
            yield packet


def _in_order(packets: Iterator[Packet[Stream]]) -> Iterator[Packet[Stream]]:
    """With times of decoding. Matroska has none, and libav finds them only by decoding pictures."""
    held: dict[int, deque[Packet[Stream]]] = {}
    for packet in packets:
        if packet.pts is None or packet.stream.type != "video":
            yield packet
            continue
        queue = held.setdefault(packet.stream_index, deque())
        queue.append(packet)
        if len(queue) > _HELD_BACK:
            yield _timed(queue)
    for queue in held.values():
        while queue:
            yield _timed(queue)


def _one_by_one(packets: Iterator[Packet[Stream]]) -> Iterator[Packet[Stream]]:
    """Each decoded a tick after the one before at least, as writers want it: recorders of screens count two pictures at
    one time."""
    before: dict[int, int] = {}
    for packet in packets:
        if packet.dts is not None:
            earliest = before.get(packet.stream_index, packet.dts - 1) + 1
            packet.dts = before[packet.stream_index] = max(packet.dts, earliest)
            packet.pts = packet.dts if packet.pts is None else max(packet.pts, packet.dts)
        yield packet


def _timed(queue: deque[Packet[Stream]]) -> Packet[Stream]:
    """The first, decoded no later than whatever follows it is shown."""
    earliest = min(packet.pts for packet in queue if packet.pts is not None)
    first = queue.popleft()
    first.dts = earliest
    return first


def _time(packet: Packet[Any]) -> Fraction:
    at = packet.pts if packet.dts is None else packet.dts
    return Fraction(0) if at is None or packet.time_base is None else at * packet.time_base


def _sounding(copy: OutputContainer, codec: _Codec, rate_hz: int, channels: int) -> AudioStream:
    stream = cast("AudioStream", copy.add_stream(codec.encoder, rate=rate_hz))
    context = stream.codec_context
    context.format, context.layout = AudioFormat(codec.sample_format), AudioLayout(LAYOUTS[channels])
    context.time_base = Fraction(1, rate_hz)
    if codec.lossy:
        context.bit_rate = channels * min(_BIT_RATE, 5 * rate_hz)
    return stream


def _encoded(blocks: Iterator[NDArray[np.float32]], stream: AudioStream, rate_hz: int) -> Iterator[Packet[AudioStream]]:
    context = stream.codec_context
    if not context.is_open:
        context.open()
    size = context.frame_size or rate_hz // 10
    pending, written = np.zeros((context.layout.nb_channels, 0), np.float32), 0
    for block in blocks:
        pending = np.concatenate([pending, np.clip(block, -1.0, 1.0)], axis=1)
        whole = pending.shape[1] // size * size
        for start in range(0, whole, size):
            yield from stream.encode(_frame(pending[:, start : start + size], stream, rate_hz, written))
            written += size
        pending = pending[:, whole:]
    if pending.size:
        yield from stream.encode(_frame(pending, stream, rate_hz, written))
    yield from stream.encode(None)


def _frame(samples: NDArray[np.float32], stream: AudioStream, rate_hz: int, at: int) -> AudioFrame:
    format, layout = stream.codec_context.format, stream.codec_context.layout
    name = format.name
    coded = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype("<i2") if name == "s16" else samples
    ordered = np.ascontiguousarray(coded if format.is_planar else in_turn(coded))
    frame = AudioFrame.from_ndarray(ordered, format=name, layout=layout.name)
    frame.sample_rate, frame.time_base, frame.pts = rate_hz, Fraction(1, rate_hz), at
    return frame
