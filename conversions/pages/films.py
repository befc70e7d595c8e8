"""The film on its conversion's page: how far it is, what it is, and how it is had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from conversions.models import Conversion, Export
from conversions.pages.exports import state_of
from conversions.words.films import film_kind, film_words


@dataclass(frozen=True)
class ShownFilm:
    """`state` is the CSS class: waiting, converting, ready, failed, or "" where none was asked for. `version` changes
    with every film that is made, so that a browser never shows an older one."""

    state: str
    words: str
    version: int = 0
    kind: str = ""
    size: int | None = None
    said: Sequence[str] = ()
    error: str = ""

    @property
    def unfinished(self) -> bool:
        return self.state in ("waiting", "converting")

    @property
    def mark(self) -> str:
        """Changes whenever what is shown does."""
        return f"{self.version}:{self.state}"


def film_of(conversion: Conversion) -> ShownFilm:
    """Of one that is ready and whose recording has pictures. One query."""
    export = conversion.exports.select_related("step").filter(output_format=Export.FILM).first()
    if export is None:
        return ShownFilm("", "")
    state, words = state_of(export)
    if state == "converting":
        words = _("Putting the pictures in")
    if state != "ready":
        return ShownFilm(state, words, export.step_id, error=export.error)
    kind = film_kind(export.facts).words
    return ShownFilm(state, words, export.step_id, kind, export.size, film_words(export.facts, conversion.format))
