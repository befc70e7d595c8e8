"""The other formats of a result: what was made, how far the rest is, and what can be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from conversions.models import Conversion, Export, Step
from conversions.words.formats import FORMAT_CHOICES, format_words

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise


@dataclass(frozen=True)
class OtherFormat:
    """One other format. `state` is the CSS class: waiting, converting, ready or failed."""

    output_format: str
    format_words: str
    state: str
    words: str
    size: int | None
    error: str


@dataclass(frozen=True)
class Made:
    lines: Sequence[OtherFormat]

    @property
    def unfinished(self) -> bool:
        return any(line.state in ("waiting", "converting") for line in self.lines)

    @property
    def mark(self) -> str:
        """Changes whenever a line does."""
        return ",".join(f"{line.output_format}:{line.state}" for line in self.lines)


def made_of(conversion: Conversion) -> Made:
    """One query. The film has its own place on the page (`films`)."""
    others = conversion.exports.select_related("step").exclude(output_format=Export.FILM)
    return Made([_other_format(export) for export in others])


def choices_of(conversion: Conversion) -> list[tuple[StrPromise, list[tuple[str, StrPromise]]]]:
    """The groups of the select: every format but the one it is in."""
    groups = [
        (group, [choice for choice in choices if choice[0] != conversion.output_format])
        for group, choices in FORMAT_CHOICES
    ]
    return [(group, choices) for group, choices in groups if choices]


def state_of(export: Export) -> tuple[str, str]:
    """The CSS class, and words."""
    match export.step.status:
        case Step.Status.DONE:
            return "ready", _("Ready")
        case Step.Status.WAITING:
            return "waiting", _("Waiting")
        case Step.Status.RUNNING:
            return "converting", _("Being made")
        case _:
            return "failed", _("Failed")


def _other_format(export: Export) -> OtherFormat:
    state, words = state_of(export)
    name = export.output_format
    return OtherFormat(name, format_words(name), state, words, export.size, export.error)
