"""How much sound a file says that it has, for files of which less is there. Runs only in a worker, behind its limits.

Only what is written counts: what a program put in before it knew is no promise, and no estimate is. Where a container
says how long it is as a whole, it must be shorter than its own structure besides: a picture may last longer than its
sound.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Final

from av.audio.stream import AudioStream
from av.container import InputContainer

from s2s.audio.structure import MOST_PARTS, Bytes, Part, boxes, chunks, elements

Promise = Callable[[float], float]
"""From the seconds that were found to those that were promised."""

_ENOUGH_SHARE: Final = 0.99
_ENOUGH_S: Final = 0.5
_BELIEVABLE_S: Final = 1e6  # eleven days: whoever writes more has written nonsense


def promised_s(source: Bytes, container: InputContainer, stream: AudioStream, found_s: float) -> float | None:
    """The length that is promised, where that is more than was found by more than codecs and writers round."""
    read = _READERS.get(container.format.name)
    promise = read(source, stream) if read else None
    if promise is None:
        return None
    whole_s = promise(found_s)
    if not whole_s < _BELIEVABLE_S:
        return None
    return whole_s if found_s < min(_ENOUGH_SHARE * whole_s, whole_s - _ENOUGH_S) else None


def _of_seconds(seconds: float) -> Promise | None:
    return (lambda _found_s: seconds) if seconds > 0 else None


def _of_bytes(source: Bytes, sound: Part | None) -> Promise | None:
    """Where sound takes as many bytes in every second, or nearly."""
    if sound is None or not sound.length or _is_unknown(sound.length):
        return None
    there = source.size - sound.start
    if not 0 < there < sound.length:
        return None
    whole = sound.length / there
    return lambda found_s: found_s * whole


def _is_unknown(length: int) -> bool:
    """What programs write that can't go back to the header of what they stream, or died before they did.

    FFmpeg: all ones; SoX: 0x7ffff000 in a WAV and 0x7f000000 in an AIFF, less its header; arecord: 0x80000000.
    """
    if length >= 1 << 32:
        return length >= 0x7FFF << 48
    return length >= 0xFFFFFF00 or any(abs(length - stand_in) <= 0x10000 for stand_in in (1 << 31, 0x7F000000))


def _wav(source: Bytes, _stream: AudioStream) -> Promise | None:
    long_length = None
    for chunk in chunks(source, "riff", 12):
        if chunk.name == b"ds64":  # EBU Tech 3306 and ITU-R BS.2088: sizes of RF64 and BW64
            long_length = int.from_bytes(source.peek(chunk.start + 8, 8), "little")
        if chunk.name == b"data":
            is_long = long_length is not None and chunk.length == 0xFFFFFFFF
            return _of_bytes(source, Part(chunk.name, chunk.start, long_length) if is_long else chunk)
    return None


def _aiff(source: Bytes, _stream: AudioStream) -> Promise | None:
    return _of_bytes(source, _first(chunks(source, "iff", 12), b"SSND"))


def _caf(source: Bytes, _stream: AudioStream) -> Promise | None:
    return _of_bytes(source, _first(chunks(source, "caf", 8), b"data"))


def _w64(source: Bytes, _stream: AudioStream) -> Promise | None:
    return _of_bytes(source, _first(chunks(source, "w64", 40), b"data"))


def _au(source: Bytes, _stream: AudioStream) -> Promise | None:
    """Header and length of the sound: Sun's `audio/basic` files."""
    start, length = struct.unpack(">II", source.peek(4, 8))
    return _of_bytes(source, Part(b".snd", start, length))


def _first(parts: Iterator[Part], name: bytes) -> Part | None:
    return next((part for part in parts if part.name == name), None)


def _flac(source: Bytes, _stream: AudioStream) -> Promise | None:
    """RFC 9639, 8.2: STREAMINFO comes first; no samples means that nobody knew."""
    start = _behind_id3(source)
    head = source.peek(start, 26)
    if len(head) < 26 or head[:4] != b"fLaC":
        return None
    facts = int.from_bytes(head[18:26])
    rate_hz, samples = facts >> 44, facts & ((1 << 36) - 1)
    return _of_seconds(samples / rate_hz) if rate_hz else None


_XING_AT: Final = {(True, False): 36, (True, True): 21, (False, False): 21, (False, True): 13}  # (MPEG-1, mono)
_VBRI_AT: Final = 36
_RATES: Final = {0b11: (44100, 48000, 32000), 0b10: (22050, 24000, 16000), 0b00: (11025, 12000, 8000)}


def _mp3(source: Bytes, _stream: AudioStream) -> Promise | None:
    """The number of frames in the first frame (Xing and Info; Fraunhofer's VBRI).

    It says too how many bytes there are: a piece that was cut out of a file and kept that frame is told from it.
    """
    start = _behind_id3(source)
    head = source.peek(start, 64)
    if len(head) < 64 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return None
    version, rate_index = head[1] >> 3 & 3, head[2] >> 2 & 3
    if version not in _RATES or rate_index == 3:
        return None
    at = _XING_AT[version == 0b11, head[3] >> 6 == 0b11]
    if head[at : at + 4] in (b"Xing", b"Info"):
        flags, frames, size = struct.unpack_from(">III", head, at + 4)
        if flags & 3 != 3:
            return None
    elif head[_VBRI_AT : _VBRI_AT + 4] == b"VBRI":
        size, frames = struct.unpack_from(">II", head, _VBRI_AT + 10)
    else:
        return None
    if source.size - start >= size:
        return None
    return _of_seconds(frames * (1152 if version == 0b11 else 576) / _RATES[version][rate_index])


def _behind_id3(source: Bytes) -> int:
    """Where the sound begins: ID3v2 lengths have seven bits a byte."""
    place = 0
    for _ in range(MOST_PARTS):
        head = source.peek(place, 10)
        if head[:3] != b"ID3" or len(head) < 10:
            break
        place += 10 + sum((byte & 0x7F) << 7 * (3 - index) for index, byte in enumerate(head[6:10]))
    return place


def _wavpack(source: Bytes, stream: AudioStream) -> Promise | None:
    """WavPack 4 & 5 Binary File / Block Format: all ones means that nobody knew."""
    head = source.peek(0, 16)
    if len(head) < 16 or head[:4] != b"wvpk" or head[12:] == b"\xff\xff\xff\xff":
        return None
    samples = (head[11] << 32) + int.from_bytes(head[12:], "little") - head[11]
    rate_hz = stream.codec_context.sample_rate
    return _of_seconds(samples / rate_hz) if rate_hz else None


def _tta(source: Bytes, _stream: AudioStream) -> Promise | None:
    head = source.peek(_behind_id3(source), 18)
    if len(head) < 18 or head[:4] != b"TTA1":
        return None
    rate_hz, samples = struct.unpack_from("<II", head, 10)
    return _of_seconds(samples / rate_hz) if rate_hz and samples != 0xFFFFFFFF else None


def _mp4(source: Bytes, stream: AudioStream) -> Promise | None:
    """The index says where each packet lies: those beyond the end of the file are missing."""
    if not any(part.name == b"mdat" and part.end(source) > source.size for part in boxes(source)):
        return None
    index = stream.index_entries
    count = len(index)
    if count < 2 or stream.time_base is None:
        return None
    ends = 2 * index[count - 1].timestamp - index[count - 2].timestamp
    missing = next((entry for entry in index if entry.pos + entry.size > source.size), None)
    if missing is None:
        return None
    missing_s = float((ends - missing.timestamp) * stream.time_base)
    return lambda found_s: found_s + missing_s


_SEGMENT, _INFO, _SCALE, _DURATION = map(bytes.fromhex, ("18538067", "1549a966", "2ad7b1", "4489"))


def _matroska(source: Bytes, stream: AudioStream) -> Promise | None:
    """RFC 9559: a segment that was written live has no length, and is never known to be cut off."""
    segment = _first(elements(source), _SEGMENT)
    if segment is None or segment.length is None or segment.end(source) <= source.size:
        return None
    said_s = _clock_s(stream.metadata.get("DURATION", ""))  # the track's own, as mkvmerge and FFmpeg write it
    return _of_seconds(said_s or _segment_s(source, segment))


def _segment_s(source: Bytes, segment: Part) -> float:
    info = _first(elements(source, segment.start), _INFO)
    if info is None or info.length is None:
        return 0.0
    scale_ns, duration = 1_000_000, 0.0
    for part in elements(source, info.start, info.end(source)):
        data = source.peek(part.start, part.length or 0) if (part.length or 0) <= 8 else b""
        if part.name == _SCALE:
            scale_ns = int.from_bytes(data)
        elif part.name == _DURATION and len(data) in (4, 8):
            (duration,) = struct.unpack(">f" if len(data) == 4 else ">d", data)
    return duration * scale_ns / 1e9 if 0 < duration < 1e15 else 0.0


def _clock_s(words: str) -> float:
    """`00:00:15.608000000`"""
    try:
        hours, minutes, seconds = words.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return 0.0


def _avi(source: Bytes, stream: AudioStream) -> Promise | None:
    """`dwLength` of the stream's header, where a RIFF chunk is cut off (Microsoft, AVI RIFF File Reference)."""
    whole = list(chunks(source, "riff", 0))
    if not whole or _is_unknown(whole[-1].length or 0) or whole[-1].end(source) <= source.size + 1:
        return None
    lists = chunks(source, "riff", 12)
    header = next((part for part in lists if source.peek(part.start, 4) == b"hdrl"), None)
    if header is None:
        return None
    streams = [part for part in chunks(source, "riff", header.start + 4, header.end(source)) if part.name == b"LIST"]
    if stream.index >= len(streams):
        return None
    own = _first(chunks(source, "riff", streams[stream.index].start + 4), b"strh")
    data = source.peek(own.start, 36) if own else b""
    if len(data) < 36 or data[:4] != b"auds":
        return None
    scale, rate, _begins, length = struct.unpack_from("<IIII", data, 20)
    return _of_seconds(length * scale / rate) if rate and not _is_unknown(length) else None


_FILE_PROPERTIES: Final = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_BROADCAST: Final = 1


def _asf(source: Bytes, stream: AudioStream) -> Promise | None:
    """Advanced Systems Format Specification 3.2: File Properties, which are no promise of a broadcast."""
    head = source.peek(0, 1 << 16)
    at = head.find(_FILE_PROPERTIES)
    if at < 0 or len(head) < at + 92 or stream.container.streams.video:
        return None
    size, _made, _packets, play, _send, preroll_ms, flags = struct.unpack_from("<QQQQQQI", head, at + 40)
    if flags & _BROADCAST or size <= source.size:
        return None
    return _of_seconds(play / 1e7 - preroll_ms / 1e3)


_READERS: Final[dict[str, Callable[[Bytes, AudioStream], Promise | None]]] = {
    "wav": _wav,
    "w64": _w64,
    "aiff": _aiff,
    "caf": _caf,
    "au": _au,
    "flac": _flac,
    "mp3": _mp3,
    "wv": _wavpack,
    "tta": _tta,
    "mov,mp4,m4a,3gp,3g2,mj2": _mp4,
    "matroska,webm": _matroska,
    "avi": _avi,
    "asf": _asf,
}
