"""What people choose by mistake: what the server calls it, whose words the page has too, and first bytes of it."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
from typing import Final


def _zip(*names: str) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name in names:
            archive.writestr(name, b"content")
    return sink.getvalue()


def _tar() -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("take.wav"))
    return sink.getvalue()


def _still(brand: bytes) -> bytes:
    """ISO/IEC 23008-12: a picture has no `moov`, but a `meta` at the top."""
    ftyp, meta = brand + bytes(4) + b"mif1miaf", bytes(200)
    return b"".join(struct.pack(">I4s", 8 + len(box), name) + box for name, box in ((b"ftyp", ftyp), (b"meta", meta)))


def _audacity() -> bytes:
    return b"SQLite format 3\0" + bytes(52) + b"AUDY" + bytes(4000)


NO_RECORDINGS: Final[dict[str, tuple[str, bytes]]] = {
    "photo.heic": ("picture", _still(b"heic")),
    "photo.avif": ("picture", _still(b"avif")),
    "photo.jpg": ("picture", b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(5000)),
    "cover.png": ("picture", b"\x89PNG\r\n\x1a\n" + bytes(5000)),
    "cover.webp": ("picture", b"RIFF\0\1\0\0WEBPVP8 " + bytes(5000)),
    "cover.gif": ("picture", b"GIF89a" + bytes(5000)),
    "cover.bmp": ("picture", b"BM" + struct.pack("<IIIIii", 5054, 0, 54, 40, 10, 10) + bytes(5000)),
    "favicon.ico": ("picture", b"\0\0\1\0\1\0\x10\x10" + bytes(500)),
    "script.pdf": ("document", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(5000)),
    "script.docx": ("document", _zip("[Content_Types].xml", "word/document.xml")),
    "script.odt": ("document", _zip("mimetype", "content.xml")),
    "script.doc": ("document", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000)),
    "takes.zip": ("archive", _zip("take 1.wav", "take 2.wav")),
    "takes.tar": ("archive", _tar()),
    "takes.wav.gz": ("archive", gzip.compress(bytes(5000))),
    "notes.mp3": ("text", "Überschrift: my notes, not a recording.\n".encode() * 200),
    "notes.txt": ("text", "My notes, not a recording.\n".encode("utf-16")),
    "page.html": ("text", b"<!doctype html><title>Not found</title>"),
    "list.m3u": ("text", b"#EXTM3U\n#EXTINF:10,\ntake.mp3\n"),
    "song.mid": ("notes", b"MThd\0\0\0\6\0\1\0\2\1\xe0" + bytes(500)),
    "episode.aup3": ("project", _audacity()),
}
