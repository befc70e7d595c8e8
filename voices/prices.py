"""What an endpoint asks for a conversion. Pages, scripts and the ledger ask nobody else."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Priced(models.Model):
    """Without a price an endpoint that bills has cost something, and nobody has said how much."""

    billed = models.BooleanField(_("costs credits"), default=True)
    credits_per_minute = models.PositiveIntegerField(_("credits a minute"), default=0)

    class Meta:
        abstract = True

    def price(self, seconds: float) -> float:
        """Credits for converting so much sound; 0 where nothing is billed, or nobody has said what it costs."""
        return self.credits_per_minute * seconds / 60 if self.billed else 0.0

    @property
    def price_a_minute(self) -> int:
        return round(self.price(60))
