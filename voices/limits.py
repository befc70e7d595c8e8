"""Limits of an endpoint as people write them, in minutes and megabytes; its row has seconds and bytes."""

from __future__ import annotations

from typing import Any

from django import forms

SECONDS_A_MINUTE = 60
BYTES_A_MEGABYTE = 1000**2
_MOST = 1_000_000


class InUnits(forms.FloatField):
    """A number that is kept in a smaller unit, `in_one` of which make one of those that are written."""

    def __init__(self, *, in_one: int, **options: Any) -> None:
        super().__init__(required=False, min_value=0, max_value=_MOST, **options)
        self.in_one = in_one

    def prepare_value(self, value: Any) -> Any:
        """What was typed stays as it was typed."""
        return value if value is None or isinstance(value, str) else f"{round(value / self.in_one, 2):.15g}"

    def clean(self, value: Any) -> int | None:
        written = super().clean(value)
        return None if written is None else round(written * self.in_one)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """What is left as it was shown keeps the digits that weren't shown."""
        return bool((self.prepare_value(initial) or "") != (data or ""))
