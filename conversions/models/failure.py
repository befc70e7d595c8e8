"""Why something failed, as it is kept: in a step, in its conversion, in the timeline."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """A code for programs, a sentence for people (what happened, what is safe, what to do)."""

    code: str
    words: str
