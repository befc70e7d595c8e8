"""What people choose in place of a recording, told by its first bytes, so that it can be named.

No container that we take begins like one of these. The Studio's page has the same list, so that a browser says it too.
"""

from __future__ import annotations

import codecs
from typing import Final

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
# What MP4, M4A and MOV files begin with: the name of their first box, behind its length.
MP4_STARTS: Final = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


def mistaken(head: bytes) -> str:
    """The code (of `AudioError`) of what these first `HEAD_BYTES` are, or ""."""
    for code, kinds in MISTAKES.items():
        if any(all(head.startswith(mark, place) for place, mark in marks) for marks in kinds):
            return code
    return "text" if _is_text(head) else ""


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
