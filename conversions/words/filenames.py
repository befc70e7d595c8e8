"""What files are called on someone's disk, whatever system it belongs to: titles and voices are words that people and
endpoints chose, and a name is never more than a name."""

from __future__ import annotations

import re
import unicodedata

from django.utils.translation import gettext as _

from conversions.models import Conversion
from s2s.formats import OUTPUT_FORMATS

_MOST_BYTES_OF_A_TITLE, _MOST_BYTES_OF_A_VOICE = 160, 60  # of the 255 that most filesystems take
# What separates folders somewhere, or can't be in a name on Windows.
_FORBIDDEN = re.compile(r'[\\/:*?"<>|]')
# Devices on Windows, with any suffix ("Naming Files, Paths, and Namespaces").
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE)


def of_result(conversion: Conversion, output_format: str = "") -> str:
    """As it was ordered, or in another format."""
    return _named(conversion, OUTPUT_FORMATS[output_format or conversion.output_format].extension)


def of_film(conversion: Conversion, extension: str) -> str:
    return _named(conversion, extension)


def _named(conversion: Conversion, extension: str) -> str:
    title = _cut(on_disk(conversion.title), _MOST_BYTES_OF_A_TITLE)
    return f"{title} – {_cut(on_disk(conversion.voice_name), _MOST_BYTES_OF_A_VOICE)}.{extension}"


def of_archive(conversion: Conversion, day: str) -> str:
    """Of a batch that begins with this one."""
    return f"{_cut(on_disk(conversion.title), _MOST_BYTES_OF_A_TITLE)} – {day}.zip"


def on_disk(words: str) -> str:
    """`words` as one name without folders; never empty. "AC/DC" -> "AC-DC"."""
    # Cf: what can't be seen, such as the marks that turn the direction of what follows
    seen = (character for character in words if unicodedata.category(character) != "Cf")
    name = "".join("-" if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") else one for one in seen)
    name = _FORBIDDEN.sub("-", name).strip(" .")  # a dot in front hides it, one at the end is lost on Windows
    if _RESERVED.match(name):
        name = f"-{name}"
    return name or _("recording")


def _cut(name: str, most_bytes: int) -> str:
    return name.encode()[:most_bytes].decode(errors="ignore").rstrip(" .")
