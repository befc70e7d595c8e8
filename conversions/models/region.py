"""A part of a recording, and who speaks there in its result."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from conversions.models.conversion import Conversion
from voices.models import Voice


class Region(models.Model):
    """From `start_s` up to `end_s` in seconds of the recording, whose end it is without. Within a channel none overlap.

    `channel` null: all of them, mixed; else 0 is the left one of two, 1 the right one, and the result has both. A
    conversion has regions of all channels or of single ones. Where none is, its own voice speaks. Without a `voice` it
    stays as it is; `voice_name` and `voice_stored_settings` are the voice's as they were. `speaker`: what people call
    who is heard there, or empty.
    """

    conversion = models.ForeignKey(Conversion, on_delete=models.CASCADE, related_name="regions")
    position = models.PositiveIntegerField()
    start_s = models.FloatField()
    end_s = models.FloatField(null=True)
    channel = models.PositiveSmallIntegerField(null=True)
    voice = models.ForeignKey(Voice, null=True, on_delete=models.PROTECT, related_name="+")
    voice_name = models.CharField(_("voice"), max_length=120, blank=True)
    voice_stored_settings = models.JSONField(default=dict)
    speaker = models.CharField(_("speaker"), max_length=80, blank=True)

    class Meta:
        ordering = ["conversion", "position"]
        constraints = [models.UniqueConstraint(fields=["conversion", "position"], name="one_region_per_place")]

    def __str__(self) -> str:
        return f"region {self.position} of {self.conversion_id}"
