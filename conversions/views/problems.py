"""What people are told when a verb can't do what they ask: one table for all pages."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.utils.translation import gettext as _

from conversions import actions
from s2s.audio import AudioError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Problem:
    """`words`: each with what it is about: "audio", "voice", a parameter of the contract, or "" for all of it."""

    words: tuple[tuple[str, str], ...]
    status: int

    def __str__(self) -> str:
        return " ".join(words for _about, words in self.words)


def problem_of(error: Exception, *, gone: str = "", not_stored: str = "") -> Problem:
    """Raises what is no problem of people's again. `gone`, `not_stored`: what to say where it isn't the usual."""
    match error:
        case actions.RefusedError():
            return Problem(error.problems, 422)
        case AudioError():
            return _said(str(error), 422, "audio")
        case actions.BusyError():
            return _said(str(error), 503)
        case actions.OverQuotaError():
            return _said(str(error), 403)
        case actions.TooLargeError():
            return _said(str(error), 413)
        case actions.NoRoomError():
            return _said(str(error), 507)
        case FileNotFoundError():
            return _said(gone or _("This recording isn’t there any more. Choose another one."), 422, "audio")
        case OSError():
            logger.error("a recording could not be stored", exc_info=error)
            usual = _("The recording could not be stored on the server. Nothing was converted; please tell your admin.")
            return _said(not_stored or usual, 507)
        case _:
            raise error


def _said(words: str, status: int, about: str = "") -> Problem:
    return Problem(((about, words),), status)
