"""What people choose in place of a recording that we read, told by its first bytes, so that it can be named.

No container that we take begins like one of these. The Studio's page has the same list, so that a browser says it too.
"""

from __future__ import annotations

import codecs
from typing import Final

from s2s.audio.errors import AudioError

HEAD_BYTES: Final = 4096
_LEAST_TEXT_BYTES: Final = 16  # less may be the first word of anything
# Found now: Python loads a codec when it is first asked for, and who decodes recordings may open no file.
_UTF_8, _UTF_16 = codecs.getincrementaldecoder("utf-8"), codecs.getincrementaldecoder("utf-16")
Marks = tuple[tuple[int, bytes], ...]  # bytes and where they stand, all of them


def _begins(*heads: bytes) -> tuple[Marks, ...]:
    return tuple(((0, head),) for head in heads)


# ISO/IEC 14496-12: `ftyp` with the brand of a still picture (HEIF, AVIF, JPEG XL, Canon's CR3). Sequences (`avis`,
# `msf1`) have an index like a film's, and may have sound.
_STILLS: Final = [*b"heic heix heim heis mif1 mif2 avif avci jpeg j2ki vvic".split(), b"jxl ", b"crx "]
_ZIP: Final = b"PK\x03\x04"
# The name of the first file, in what Word, LibreOffice, Pages and their like write.
_OFFICE: Final = b"[Content_Types].xml _rels/ docProps/ word/ xl/ ppt/ mimetype Index/".split()
MISTAKES: Final[dict[str, tuple[Marks, ...]]] = {
    "picture": (
        *(((4, b"ftyp"), (8, brand)) for brand in _STILLS),
        *_begins(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"8BPS", b"<svg"),
        ((0, b"RIFF"), (8, b"WEBP")),
        ((0, b"BM"), (6, bytes(4))),
        ((0, b"\0\0\1\0"), (5, b"\0")),  # an icon; of MPEG-4 it would be a box of 256 bytes, and its name follows
        ((4, b"jP  "),),  # JPEG 2000
        ((4, b"JXL "),),
    ),
    "document": (
        *_begins(b"%PDF-", b"{\\rtf", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        *(((0, _ZIP), (30, name)) for name in _OFFICE),
    ),
    "archive": (
        *_begins(_ZIP, b"PK\5\6", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\7", b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"BZh"),
        *_begins(b"\x28\xb5\x2f\xfd"),
        ((257, b"ustar"),),
    ),
    "notes": _begins(b"MThd"),
    "project": (((0, b"SQLite format 3\0"), (68, b"AUDY")),),
}
# Containers of sound that we don't read, by their keys in `NAMES`: of broadcasters, dictating machines and shops.
FOREIGN: Final[dict[str, tuple[Marks, ...]]] = {
    "8svx": (((0, b"FORM"), (8, b"8SVX")),),
    "aa": (((4, b"\x57\x90\x75\x36"),),),
    "dff": _begins(b"FRM8"),
    "dsf": _begins(b"DSD "),
    "dss": _begins(b"\2dss", b"\3dss", b"\3ds2", b"\6ds2", b"\7ds2"),
    "gxf": _begins(b"\0\0\0\0\1\xbc"),
    "iamf": _begins(b"\xf8\6iamf"),
    "ircam": _begins(b"\x64\xa3\1\0", b"\0\1\xa3\x64", b"\x64\xa3\2\0", b"\x64\xa3\3\0", b"\x64\xa3\4\0"),
    "mhas": _begins(b"\xc0\1\xa5"),
    "mlp_raw": (((4, b"\xf8\x72\x6f\xbb"),),),
    "mxf": _begins(b"\x06\x0e\x2b\x34\2\5\1\1\r\1\2\1\1"),
    "nist": _begins(b"NIST_1A"),
    "nut": _begins(b"nut/multimedia container\0"),
    "ofr": _begins(b"OFR "),
    "oma": _begins(b"EA3\1", b"ea3\3"),
    "qcp": (((0, b"RIFF"), (8, b"QLCM")),),
    "ra": _begins(b".ra\xfd"),
    "rka": _begins(b"RKA7", b"RKA6"),
    "rm": _begins(b".RMF"),
    "shorten": _begins(b"ajkg"),
    "silk": _begins(b"#!SILK_V3", b"\2#!SILK_V3"),
    "swf": _begins(b"FWS", b"CWS", b"ZWS"),
    "tak": _begins(b"tBaK"),
    "truehd_raw": (((4, b"\xf8\x72\x6f\xba"),),),
    "wtv": _begins(b"\xb7\xd8\0\x20\x37\x49\xda\x11\xa6\x4e\0\7\xe9\x5e\xad\x8d"),
}
# What MP4, M4A and MOV files begin with: the name of their first box, behind its length.
MP4_STARTS: Final = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


def mistaken(head: bytes) -> str:
    """What these first `HEAD_BYTES` are: a key of MISTAKES or FOREIGN, "text", or ""."""
    return _found(MISTAKES, head) or ("text" if _is_text(head) else _found(FOREIGN, head))


def _found(kinds: dict[str, tuple[Marks, ...]], head: bytes) -> str:
    for name, ways in kinds.items():
        if any(all(head.startswith(mark, place) for place, mark in marks) for marks in ways):
            return name
    return ""


def refusal(mistake: str, codec: str = "") -> AudioError:
    """What is said of something `mistaken`, with the key of its codec where that is known."""
    if mistake not in FOREIGN:
        return AudioError(mistake)
    if mistake == "aa":
        return AudioError("protected", container=mistake)
    return AudioError("unreadable", container=mistake, **({"codec": codec} if codec else {}))


def _is_text(head: bytes) -> bool:
    """Whether all of it is UTF-8 that people read (the last character may be cut), or UTF-16 that says so."""
    if len(head) < _LEAST_TEXT_BYTES:
        return False
    decoder = _UTF_16 if head.startswith((b"\xff\xfe", b"\xfe\xff")) else _UTF_8
    try:
        words = decoder().decode(head)
    except UnicodeDecodeError:
        return False
    return not any(sign < " " and sign not in "\t\n\r\f" for sign in words)
