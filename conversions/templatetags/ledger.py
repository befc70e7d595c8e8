"""Figures of the ledger as a table shows them."""

from __future__ import annotations

import math

from django import template
from django.utils.formats import number_format

register = template.Library()


@register.filter
def minutes(seconds: float) -> str:
    return number_format(round(seconds / 60, 1), 1, force_grouping=True)


@register.filter
def whole(credits: float) -> str:
    return number_format(math.ceil(credits), 0, force_grouping=True)
