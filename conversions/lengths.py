"""Whether a result is as long as it should be."""

from __future__ import annotations


def is_as_long(found_s: float, expected_s: float) -> bool:
    return abs(found_s - expected_s) <= length_slack_s(expected_s)


def length_slack_s(expected_s: float) -> float:
    """What codecs add and endpoints round."""
    return max(0.05 * expected_s, 0.3)
