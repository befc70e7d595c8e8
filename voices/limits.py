"""Limits of an endpoint as people write them, in minutes and megabytes; its row has seconds and bytes."""

from __future__ import annotations

from django import forms
from django_stubs_ext import StrOrPromise

SECONDS_A_MINUTE = 60
BYTES_A_MEGABYTE = 1000**2
_MOST = 1_000_000


class InUnits(forms.FloatField):
    """A number that is kept in a smaller unit, `in_one` of which make one of those that are written."""

    def __init__(self, *, in_one: int, label: StrOrPromise, help_text: StrOrPromise) -> None:
        super().__init__(required=False, min_value=0, max_value=_MOST, label=label, help_text=help_text)
        self.in_one = in_one

    def prepare_value(self, value: float | str | None) -> str | None:
        """What was typed stays as it was typed."""
        return value if value is None or isinstance(value, str) else f"{round(value / self.in_one, 2):.15g}"

    def clean(self, value: object) -> int | None:
        written = super().clean(value)
        return None if written is None else round(written * self.in_one)

    def has_changed(self, initial: float | None, data: str | None) -> bool:
        """What is left as it was shown keeps the digits that weren't shown."""
        return (self.prepare_value(initial) or "") != (data or "")
