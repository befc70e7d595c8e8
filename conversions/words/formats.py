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
