"""Recordings and voices that were sent together."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now

from teams.models import Team, User


class Batch(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"batch {self.pk}"
