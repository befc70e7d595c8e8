"""The contract's output formats in words, grouped by what people want to do with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

# Hz and how it is said in kHz, best for editing first.
_RATES = (
    (44100, "44.1"),
    (48000, "48"),
    (32000, "32"),
    (24000, "24"),
    (22050, "22.05"),
    (16000, "16"),
    (8000, "8"),
)

FORMAT_CHOICES: list[tuple[StrPromise, list[tuple[str, StrPromise]]]] = [
    (
        _("MP3, plays everywhere"),
        [
            ("mp3_44100_128", _("MP3, good for sharing")),
            ("mp3_44100_192", _("MP3, best quality")),
            ("mp3_44100_96", _("MP3, smaller (96 kbit/s)")),
            ("mp3_44100_64", _("MP3, small (64 kbit/s)")),
            ("mp3_44100_32", _("MP3, smallest (32 kbit/s)")),
            ("mp3_24000_48", _("MP3, speech (24 kHz, 48 kbit/s)")),
            ("mp3_22050_32", _("MP3, speech, smallest (22 kHz, 32 kbit/s)")),
        ],
    ),
    (
        _("WAV, keeps every detail for editing"),
        [(f"wav_{rate}", format_lazy("WAV, {} kHz", khz)) for rate, khz in _RATES],
    ),
    (
        _("Opus, small and good"),
        [(f"opus_48000_{kbps}", format_lazy("Opus, {} kbit/s", kbps)) for kbps in (128, 192, 96, 64, 32)],
    ),
    (
        _("Phone line, for call centres"),
        [("ulaw_8000", _("µ-law, 8 kHz (Americas, Japan)")), ("alaw_8000", _("A-law, 8 kHz (Europe)"))],
    ),
    (
        _("Raw PCM, for programs"),
        [(f"pcm_{rate}", format_lazy(_("PCM, {} kHz, 16 bit"), khz)) for rate, khz in _RATES],
    ),
]

_WORDS = {value: words for _group, choices in FORMAT_CHOICES for value, words in choices}


def format_words(name: str) -> str:
    """`mp3_44100_128` -> "MP3, good for sharing"."""
    return str(_WORDS.get(name, name))
