"""What a file is that we can't read, or may not. Only in a worker, behind its limits.

Nothing is decoded for it, and no demuxer is opened that wouldn't be else: what libav doesn't say is told from a few
bytes. What is found are keys of `NAMES`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from av.container import InputContainer

from s2s.audio.errors import AudioError
from s2s.audio.mistakes import refusal
from s2s.audio.names import NAMES
from s2s.audio.structure import Bytes, Part, box, boxes, elements

_MP4, _MATROSKA, _ASF = "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "asf"
_HEADER_BYTES: Final = 1 << 16
# Sample entries (ISO/IEC 14496-12 and https://mp4ra.org) whose codec libav doesn't know, and those that are encrypted.
_SAMPLE_ENTRIES: Final = {
    b"ac-4": "ac4",
    b"dtsx": "dtsx",
    b"mha1": "mpegh",
    b"mha2": "mpegh",
    b"mhm1": "mpegh",
    b"mhm2": "mpegh",
    b"iamf": "iamf",
    b"apac": "apac",
    b"Qclp": "qcelp",
    b"sqcp": "qcelp",
    b"QDMC": "qdm2",
    b"MAC3": "mace",
    b"MAC6": "mace",
}
_ENCRYPTED_ENTRIES: Final = {b"drms": "fairplay", b"aavd": "audible", b"enca": "drm"}
# Codec IDs of Matroska by what they begin with.
_CODEC_IDS: Final = {
    b"A_AC4": "ac4",
    b"A_MPEGH": "mpegh",
    b"A_IAMF": "iamf",
    b"A_REAL/": "realaudio",
    b"A_ATRAC/": "atrac",
    b"A_QUICKTIME/QD": "qdm2",
}
# libav's families of codecs, by what their names begin with.
_FAMILIES: Final = {
    "adpcm_": "adpcm",
    "aptx": "aptx",
    "atrac": "atrac",
    "dsd_": "dsd",
    "mace": "mace",
    "mp3on4": "mp3on4",
    "msnsiren": "siren",
    "pcm_": "pcm",
    "qdm": "qdm2",
    "real_": "realaudio",
    "ralf": "realaudio",
    "sipr": "realaudio",
    "xma": "xma",
}
# Content Encryption and its extension (Advanced Systems Format Specification 3.14 and 3.15).
_ASF_ENCRYPTION: Final = tuple(
    map(bytes.fromhex, ("fbb3112223bdd211b4b700a0c955fc6e", "14e68a292226174cb935dae07ee9289c"))
)
# SMPTE ST 377-1: labels of essence containers, which end in what they hold (SMPTE RP 224, 0d.01.03.01.02).
_ESSENCE_LABEL: Final = bytes.fromhex("060e2b34040101"), bytes.fromhex("0d01030102")
_ESSENCE: Final = {
    0x01: "imx",
    0x02: "dv",
    0x04: "mpeg2",
    0x05: "uncompressed",
    0x0C: "jpeg2000",
    0x10: "avc",
    0x11: "dnxhd",
    0x1C: "prores",
}
_SEGMENT, _TRACKS, _ENTRY, _KIND, _CODEC_ID, _ENCODINGS, _ENCODING, _ENCRYPTION = map(
    bytes.fromhex, ("18538067", "1654ae6b", "ae", "83", "86", "6d80", "6240", "5035")
)
_SOUND: Final = b"\2"  # a track's kind


def foreign(mistake: str, source: Bytes) -> AudioError:
    """Of what `mistakes` has named."""
    return refusal(mistake, _picture_of_mxf(source) if mistake == "mxf" else "")


def encrypted(source: Bytes, container: InputContainer | None) -> AudioError | None:
    """Whether sound in it can't be had without a key. None for `container`: libav couldn't open it."""
    kind = container.format.name if container else _MP4
    how: str | None = None
    if kind == _MP4:
        how = next((_ENCRYPTED_ENTRIES[entry] for entry in _entries(source) if entry in _ENCRYPTED_ENTRIES), None)
    elif kind == _MATROSKA:
        how = "drm" if any(is_encrypted for _codec, is_encrypted in _tracks(source)) else None
    elif kind == _ASF and any(mark in source.peek(0, _HEADER_BYTES) for mark in _ASF_ENCRYPTION):
        how = "drm"
    if how is None:
        return None
    return (
        AudioError("protected", container=how) if how != "drm" else AudioError("protected", container=kind, codec=how)
    )


def unknown_codec(source: Bytes, container: InputContainer) -> AudioError:
    """Of a container that we read, and sound in it that we don't."""
    kind = container.format.name
    names = [stream.codec_context.codec.name for stream in container.streams.audio if stream.codec_context is not None]
    keys = [*filter(None, map(_key_of, names)), *_keys_in(source, kind)]
    return AudioError("unreadable", container=kind, codec=keys[0] if keys else "unknown")


def _key_of(codec: str) -> str:
    if codec in NAMES:
        return codec
    return next((key for beginning, key in _FAMILIES.items() if codec.startswith(beginning)), "")


def _keys_in(source: Bytes, kind: str) -> Iterator[str]:
    if kind == _MP4:
        yield from (_SAMPLE_ENTRIES[entry] for entry in _entries(source) if entry in _SAMPLE_ENTRIES)
    elif kind == _MATROSKA:
        for codec, _is_encrypted in _tracks(source):
            yield from (key for beginning, key in _CODEC_IDS.items() if codec.startswith(beginning))


def _entries(source: Bytes) -> Iterator[bytes]:
    """What the sound of an MP4 is said to be, a name of four bytes for each track."""
    moov = box(source, b"moov")
    for track in boxes(source, moov.start, moov.end(source)) if moov else ():
        handler = box(source, b"mdia", b"hdlr", within=track) if track.name == b"trak" else None
        if handler and source.peek(handler.start + 8, 4) == b"soun":
            described = box(source, b"mdia", b"minf", b"stbl", b"stsd", within=track)
            if described:
                yield source.peek(described.start + 12, 4)


def _tracks(source: Bytes) -> Iterator[tuple[bytes, bool]]:
    """The codec ID of each track of sound in a Matroska, and whether it is encrypted (RFC 9559, 5.1.4)."""
    for segment in elements(source):
        if segment.name != _SEGMENT:
            continue
        tracks = next((part for part in elements(source, segment.start) if part.name == _TRACKS), None)
        for entry in elements(source, tracks.start, tracks.end(source)) if tracks else ():
            if entry.name != _ENTRY:
                continue
            parts = {part.name: part for part in elements(source, entry.start, entry.end(source))}
            if _KIND in parts and source.peek(parts[_KIND].start, 1) == _SOUND and _CODEC_ID in parts:
                codec = source.peek(parts[_CODEC_ID].start, min(parts[_CODEC_ID].length or 0, 64))
                yield codec, _is_encrypted(source, parts.get(_ENCODINGS))


def _is_encrypted(source: Bytes, encodings: Part | None) -> bool:
    return encodings is not None and any(
        part.name == _ENCRYPTION
        for encoding in elements(source, encodings.start, encodings.end(source))
        if encoding.name == _ENCODING
        for part in elements(source, encoding.start, encoding.end(source))
    )


def _picture_of_mxf(source: Bytes) -> str:
    """By the first label of what it contains that tells."""
    head = source.peek(0, _HEADER_BYTES)
    begins, goes_on = _ESSENCE_LABEL
    at = -1
    while (at := head.find(begins, at + 1)) >= 0:
        label = head[at : at + 16]
        if label[8:13] == goes_on and len(label) == 16 and label[13] in _ESSENCE:
            return _ESSENCE[label[13]]
    return ""
