"""A result in another format than it was ordered in, made when someone asks for it; of a film, by itself."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from conversions.models.conversion import Conversion
from conversions.models.step import Step
from teams.models import User


class Export(models.Model):
    FILM = "film"  # the recording's pictures with the result as their sound, in place of a format of the contract

    conversion = models.ForeignKey(Conversion, on_delete=models.CASCADE, related_name="exports")
    output_format = models.CharField(max_length=20)
    step = models.OneToOneField(
        Step, on_delete=models.CASCADE, related_name="export"
    )  # makes it, and says how far it is
    file = models.CharField(max_length=200, blank=True)
    size = models.BigIntegerField(null=True)
    facts = models.JSONField(default=dict)  # of a film: see `s2s.audio.Film`
    error = models.TextField(blank=True)  # what happened, if it could not be made
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["conversion", "output_format"], name="one_export_per_format")]

    def __str__(self) -> str:
        return f"{self.output_format} of {self.conversion_id}"
