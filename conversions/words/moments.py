"""Places in a recording, as people write them."""

from __future__ import annotations


def moment_words(seconds: float) -> str:
    """`3729.5` -> "1:02:09.5"; as `forms.parts.MomentField` reads it, to a hundredth."""
    hundredths = round(seconds * 100)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    whole, parts = divmod(rest, 100)
    fraction = f".{parts:02}".rstrip("0") if parts else ""
    return (f"{hours}:{minutes:02}" if hours else f"{minutes}") + f":{whole:02}{fraction}"
