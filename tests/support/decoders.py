"""Decoders as the system sees them."""

from __future__ import annotations

import re
from pathlib import Path


def has_job(pid: int) -> bool:
    """Whether this process of a fork server decodes; the one that waits for its job has no limits yet."""
    try:
        limits = Path(f"/proc/{pid}/limits").read_text()
    except OSError:  # it ended meanwhile
        return False
    return re.search(r"^Max open files\s+0 ", limits, re.MULTILINE) is not None
