"""Why Timbre cannot start, as one sentence that a person can act on."""

from __future__ import annotations

import errno


class CannotStart(Exception):
    """The start ends here; the message is what the person reads."""


class Interrupted(Exception):
    """Somebody asked to stop while the start was still going on."""


def is_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
