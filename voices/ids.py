"""What may be the id of a voice, as it stands in an address or a form."""

from __future__ import annotations

LARGEST_ID = 2**63 - 1  # that a database's column holds; it is an error to look for a larger one


def is_id(words: str) -> bool:
    return words.isdecimal() and len(words) <= 19 and int(words) <= LARGEST_ID
