"""Who speaks when in a recording, as it was found when somebody asked for it."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from conversions.models.conversion import Conversion
from conversions.models.step import Step
from teams.models import User


class Diarization(models.Model):
    conversion = models.OneToOneField(Conversion, on_delete=models.CASCADE, related_name="diarization")
    step = models.OneToOneField(Step, on_delete=models.CASCADE, related_name="diarization")  # finds it: how far it is
    # (start_s, end_s, speaker), in order; speakers are numbered from 0, as they are heard first
    turns = models.JSONField(default=list)
    error = models.TextField(blank=True)  # what happened, if it could not be found
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"speakers of {self.conversion_id}"
