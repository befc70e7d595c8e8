"""Untrusted bytes to a container and the stream in it that is the recording. Only in a worker, behind its limits."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn, cast

import av
import av.error
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.codec.context import CodecContext, Flags2
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from s2s.audio import allowlist, clocks
from s2s.audio.clocks import Clock
from s2s.audio.edits import edit_list
from s2s.audio.errors import AudioError
from s2s.audio.limits import RawPcm
from s2s.audio.mistakes import HEAD_BYTES, mistaken
from s2s.audio.mp4 import without_index
from s2s.audio.noticed import Track
from s2s.audio.padded import Corrections, corrections
from s2s.audio.unreadable import encrypted, foreign, unknown_codec

_READ_BYTES = 1 << 16
_WAV_PROBE_BYTES = 1 << 14
_TRACKS_AT_MOST = 32
_TITLE_AT_MOST = 80
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*")  # ISO 639, or a tag of RFC 5646
# Containers that don't list their streams, so that one is known when its first packet comes: libav looks for five
# seconds and through 5 MB, and keeps in memory what it has looked through.
_UNLISTED = {"mpeg", "mpegts", "flv"}
_LONG_PROBE = {"probesize": str(1 << 28), "analyzeduration": str(3600 * av.time_base)}


class Input:
    """A file descriptor as PyAV wants it: `read`, `seek`, `tell`. Has its own position, so that nobody else's moves.

    `part` is from which byte to which, where it isn't all of the file.
    """

    def __init__(self, fd: int, on_read: Callable[[], None], part: tuple[int, int] | None = None) -> None:
        self._fd = fd
        self._on_read = on_read
        self._start, end = part or (0, os.fstat(fd).st_size)
        self._size = end - self._start
        self._position = 0
        self._corrections: Corrections = {}

    @property
    def is_corrected(self) -> bool:
        return bool(self._corrections)

    def correct(self, corrections: Corrections) -> None:
        """Give those bytes in place of what stands there in the file."""
        self._corrections = corrections

    def read(self, size: int) -> bytes:
        self._on_read()
        data = self.peek(self._position, size)
        if self._corrections:
            data = self._corrected(data)
        self._position += len(data)
        return data

    def _corrected(self, data: bytes) -> bytes:
        changed = bytearray(data)
        for place, right in self._corrections.items():
            for offset, byte in enumerate(right, place - self._position):
                if 0 <= offset < len(changed):
                    changed[offset] = byte
        return bytes(changed)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("a position before the start of the file")
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        return self._position

    @property
    def size(self) -> int:
        return self._size

    def peek(self, place: int, size: int) -> bytes:
        """What stands there, wherever reading is."""
        if place >= self._size:
            return b""
        return os.pread(self._fd, min(size, self._size - place), self._start + place)

    def head(self, size: int) -> bytes:
        return self.peek(0, size)

    def again(self) -> Input:
        """The same bytes, from their beginning, for somebody else."""
        return Input(self._fd, self._on_read, (self._start, self._start + self._size))


def open_container(source: Input, raw: RawPcm | None, *, uncut: bool = False) -> InputContainer:
    """Raises `AudioError`. What is plainly something else never reaches libav.

    `uncut` gives the packets of MP4 and its like with their own times, whatever the edit list makes of them.
    """
    if raw is None and (mistake := mistaken(source.head(HEAD_BYTES))):
        raise foreign(mistake, source)
    if raw is None and source.peek(4, 4) == b"ftyp" and (missing := without_index(source)):
        raise AudioError(missing)  # of half an index libav makes something
    demuxers: tuple[str, ...] = allowlist.DEMUXERS
    options: dict[str, str] = {"protocol_whitelist": "none", "codec_whitelist": ",".join(allowlist.DECODERS)}
    raw_demuxer = None
    if raw is not None:
        raw_demuxer = allowlist.RAW_DEMUXERS[raw.encoding]
        demuxers = (raw_demuxer,)
        options |= {"sample_rate": str(raw.sample_rate_hz), "ch_layout": f"{raw.channels}C"}
    elif allowlist.is_wav(source.head(allowlist.HEAD_BYTES)):
        # libav looks through 5 MB of samples for a film's sound that hides in a WAV: most of the time that one takes.
        options["probesize"] = str(_WAV_PROBE_BYTES)
    if raw is None:
        source.correct(corrections(source.peek))
    options["format_whitelist"] = ",".join(demuxers)
    if uncut:
        options["ignore_editlist"] = "1"
    container = _opened(source, raw_demuxer, options)
    if not container.streams.audio and container.format.name in _UNLISTED:
        container.close()
        source.seek(0)
        container = _opened(source, raw_demuxer, options | _LONG_PROBE)
    return container


@dataclass(frozen=True, slots=True)
class Reading:
    """A container, the stream in it that is the recording, and who decodes that.

    `is_own`: by its defaults libav would read something else.
    """

    container: InputContainer
    stream: AudioStream
    decoder: AudioCodecContext
    is_own: bool
    clock: Clock


def open_reading(source: Input, raw: RawPcm | None, track: int | None = None) -> Reading:
    """Raises `AudioError`."""
    container = open_container(source, raw)
    stream = audio_stream(container, source, track)
    edits = edit_list(source, stream.id) if container.format.name == clocks.MOV else None
    cuts = edits is not None and edits.cuts
    if cuts:  # libav would play the first stretch for silence in the middle
        container.close()
        source.seek(0)
        container = open_container(source, raw, uncut=True)
        stream = audio_stream(container, source, track)
    clock = clocks.clock(container, stream, edits)
    context = decoder(stream, source, clock.unskipped)
    is_chosen = context is not stream.codec_context or bool(context.flags2 & Flags2.skip_manual)
    return Reading(container, stream, context, cuts or is_chosen or source.is_corrected, clock)


def _opened(source: Input, demuxer: str | None, options: dict[str, str]) -> InputContainer:
    try:
        return av.open(
            source,
            mode="r",
            format=demuxer,
            container_options=options,
            metadata_errors="replace",  # names of songs in any old encoding
            buffer_size=_READ_BYTES,
            io_open=_refuse_to_open,
        )
    except av.error.FFmpegError as error:
        raise_if_memory(error)
        missing = without_index(source)
        refusal = AudioError(missing) if missing else encrypted(source, None)
        raise refusal or AudioError("not_audio") from error


def _refuse_to_open(url: str, _flags: int, _options: object) -> NoReturn:
    raise PermissionError("a recording may not open another file")


def audio_stream(container: InputContainer, source: Input, track: int | None = None) -> AudioStream:
    """The sound track with that index (see `tracks`), else the one that players take. Raises `AudioError`.

    That is the first of those that are marked as default, or the first of all. (libav's own best is the one with the
    most bits.)
    """
    streams = container.streams.audio
    if streams and (refusal := encrypted(source, container)):
        raise refusal
    if not streams:
        raise AudioError("no_audio" if container.streams.video else "not_audio")
    found = _decodable(container)
    if not found:
        raise unknown_codec(source, container)
    chosen = found.get(track) if track is not None else None
    stream = chosen or next((stream for stream in found.values() if _is_default(stream)), next(iter(found.values())))
    stream.codec_context.thread_count = 1
    _leave_out_all_but(stream, container)
    return stream


def tracks(container: InputContainer) -> tuple[Track, ...]:
    """All that can be decoded of a file that has several; else none."""
    found = _decodable(container)
    return tuple(_track(index, stream) for index, stream in found.items()) if len(found) > 1 else ()


def pictures_of(container: InputContainer, source: Input) -> str:
    """The codec of what moves in a film that can have another sound; "" for sound alone, also with a cover."""
    if container.format.name not in (clocks.MOV, clocks.MATROSKA):
        return ""
    stills = Disposition.attached_pic | Disposition.timed_thumbnails
    for stream in container.streams.video:
        if stream.codec_context is not None and not stream.disposition & stills and _has_any(stream, source):
            return stream.codec_context.codec.canonical_name
    return ""


def _has_any(stream: VideoStream, source: Input) -> bool:
    """Whether there are pictures in a track of pictures: Matroska lists its tracks before it knows."""
    if stream.container.format.name != clocks.MATROSKA or len(stream.index_entries):  # one was seen already
        return True
    with open_container(source.again(), None) as container:
        for other in container.streams:
            other.discard = Discard.default if other.index == stream.index else Discard.all
        try:
            return any(packet.size for packet in container.demux(container.streams[stream.index]))
        except av.error.FFmpegError as error:
            raise_if_memory(error)
            return False


def _decodable(container: InputContainer) -> dict[int, AudioStream]:
    """By their place among the sound tracks. A codec that libav does not know has no context."""
    return {
        index: stream
        for index, stream in enumerate(container.streams.audio[:_TRACKS_AT_MOST])
        if stream.codec_context is not None and stream.codec_context.codec.name in allowlist.DECODERS
    }


def _is_default(stream: AudioStream) -> bool:
    return bool(stream.disposition & Disposition.default)


def _track(index: int, stream: AudioStream) -> Track:
    language = str(stream.metadata.get("language", "")).strip().lower()
    title = "".join(letter if letter.isprintable() else " " for letter in str(stream.metadata.get("title", "")))
    return Track(
        index,
        language if _LANGUAGE.fullmatch(language) and language != "und" else "",
        " ".join(title.split())[:_TITLE_AT_MOST],
        stream.codec_context.channels,
    )


def decoder(stream: AudioStream, source: Input, extradata: bytes | None = None) -> AudioCodecContext:
    """Who decodes `stream`: libav's choice, unless another reads more of the same codec, or reads it right.

    `extradata` is what it is told in place of what the file says of the codec.
    """
    chosen = stream.codec_context
    name = allowlist.BETTER_DECODERS.get(chosen.codec.name)
    if chosen.codec.name in allowlist.LITTLE_ENDIAN and source.head(4) == b"RIFX":
        name = allowlist.LITTLE_ENDIAN[chosen.codec.name]
    if name is None and extradata is None:
        if chosen.codec.name == "alac" and stream.container.format.name == "caf":
            # Its last packet is as short as it should be, and libav cuts it by as much again.
            chosen.flags2 |= Flags2.skip_manual
        return chosen
    context = cast(AudioCodecContext, CodecContext.create(name or chosen.codec.name, "r"))
    context.thread_count = 1
    if extradata is not None:
        context.extradata = extradata
    elif name not in allowlist.BETTER_DECODERS.values():  # those know it themselves
        context.sample_rate, context.layout = chosen.sample_rate, chosen.layout
    return context


def _leave_out_all_but(wanted: AudioStream, container: InputContainer) -> None:
    """What else is in there isn't even read where the container can be searched: gigabytes of pictures."""
    for stream in container.streams:
        stream.discard = Discard.default if stream is wanted else Discard.all


def packets(reading: Reading) -> Iterator[Packet[AudioStream]]:
    """Those of the recording, from where its container stands, as far as they can be read."""
    demuxed = reading.container.demux(reading.stream)
    while True:
        try:
            packet = next(demuxed, None)
        except av.error.FFmpegError as error:
            raise_if_memory(error)
            return
        except IndexError:  # PyAV's flushing, where libav has found streams on its way that weren't there at first
            return
        if packet is None:
            return
        yield packet


def raise_if_memory(error: av.error.FFmpegError) -> None:
    if isinstance(error, MemoryError):
        raise MemoryError from error
