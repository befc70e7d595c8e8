"""The contract's output formats as people choose them."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from django.utils.translation import gettext, gettext_lazy

from conversions.models import Export
from s2s.formats import OUTPUT_FORMATS

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

# By what people want to do with them.
FORMAT_CHOICES: list[tuple[StrPromise, list[tuple[str, StrPromise]]]] = [
    (gettext_lazy(group), [(row.name, gettext_lazy(row.words)) for row in rows])
    for group, rows in groupby(OUTPUT_FORMATS.values(), key=lambda row: row.kind.group)
]


def format_words(name: str) -> str:
    """`mp3_44100_128` -> "MP3, good for sharing"."""
    if name == Export.FILM:
        return gettext("a film with the new voice")
    return gettext(OUTPUT_FORMATS[name].words) if name in OUTPUT_FORMATS else name


# Every current browser plays these. A video's sound is played by an audio element too.
_PLAYABLE_CONTAINERS = frozenset({"mp3", "wav", "flac", "ogg", "matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2", "aac"})
# Headerless samples: no browser can know what they are.
_HEADERLESS = ("pcm_", "ulaw_", "alaw_")


def is_playable(output_format: str) -> bool:
    """Whether browsers play a result in it."""
    return not output_format.startswith(_HEADERLESS)


def is_playable_container(container: str) -> bool:
    return container in _PLAYABLE_CONTAINERS
