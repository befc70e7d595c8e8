"""The door: what an endpoint says, as what can be kept, shown and reckoned with. Everything of it passes here first.

Headers and bodies are a stranger's: a cost of `inf`, an id of a megabyte, a NUL in a name. A number that can't be
believed is none, an id is kept whole or not at all, and words are one line of bounded length.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping

from s2s.formats import OUTPUT_FORMATS

NAME_CHARACTERS = 200  # of the id of a request, of an item
CODE_CHARACTERS = 60
MESSAGE_CHARACTERS = 500
SENTENCE_CHARACTERS = 800  # ours, with the endpoint's message in it
# Far beyond every price. Sums of what is believed stay finite and exact.
MOST_CREDITS = 1e12
MOST_REQUESTS = 100_000  # at once
# Of an answer. It may come in a richer format than was asked for, and be odd in its length, which people are told: so
# it may have what the richest format of the contract takes for twice the length. And some, so that no clip is refused
# for what its file has besides sound.
_ANSWER_BYTES_PER_S = 2 * max(form.bytes_per_s for form in OUTPUT_FORMATS.values())
_ANSWER_BYTES = 16 << 20
_DEPTH = 20  # the contract has four levels
_INTEGER_DIGITS = 15

_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")
_JOINERS = "\u200c\u200d"  # not printable by themselves, but part of how Persian, Hindi and emoji are written


def one_line(text: str, most: int = MESSAGE_CHARACTERS) -> str:
    """Without NUL, control characters, marks that nobody sees and halves of surrogate pairs; `most` characters."""
    flat = " ".join("".join(c if c.isprintable() or c in _JOINERS else " " for c in text).split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def code(text: str | None) -> str | None:
    """A word for programs."""
    return one_line(text, CODE_CHARACTERS) or None if text else None


def name(text: str | None, most: int = NAME_CHARACTERS) -> str | None:
    """An id as it came; None where it can't be kept as it is: half of one names nothing, or something else."""
    return text if text and len(text) <= most and text.isprintable() else None


def number(text: str | None, most: float) -> float | None:
    """A decimal number from 0 to `most`; None for anything else, such as `inf`, `nan`, `-1` and `1e400`."""
    if text is None or not _NUMBER.fullmatch(text.strip()):
        return None
    value = float(text)
    return value if value <= most else None


def credits(headers: Mapping[str, str]) -> float | None:
    """What the answer cost, where its headers say so and can be believed."""
    return number(headers.get("character-cost"), MOST_CREDITS)


def count(text: str | None) -> int | None:
    """How many requests at once."""
    value = number(text, MOST_REQUESTS)
    return None if value is None or value % 1 else int(value)


def most_bytes(seconds: float) -> int:
    """Of the answer that a recording of so many seconds can have; who sends more may never come to an end."""
    return _ANSWER_BYTES + math.ceil(seconds * _ANSWER_BYTES_PER_S)


def headers(said: Mapping[str, str], wanted: Collection[str]) -> dict[str, str]:
    """Those that are `wanted` (in lower case), one line each."""
    return {known: one_line(value) for known, value in said.items() if known in wanted}


def read_json(text: str | bytes) -> object:
    """JSON without NaN, infinity and huge integers (None instead), of `_DEPTH` levels at most. Raises ValueError.

    Strings are as they came: an id without its NUL would name something else.
    """
    try:
        data = json.loads(text, parse_constant=_none, parse_float=_finite, parse_int=_bounded)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return _kept(data, _DEPTH)


def _none(_constant: str) -> None:
    return None


def _finite(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


def _bounded(digits: str) -> int | None:
    return int(digits) if len(digits.lstrip("-")) <= _INTEGER_DIGITS else None


def _kept(data: object, depth: int) -> object:
    match data:
        case list():
            return [_kept(entry, depth - 1) for entry in data] if depth else None
        case dict():
            return {key: _kept(value, depth - 1) for key, value in data.items()} if depth else None
    return data
