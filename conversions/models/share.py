"""A link by which people outside listen to a conversion, and what they say about it."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from conversions.models.conversion import Conversion
from teams.models import Team, User

FOR_WHOM_CHARACTERS = 100
NAME_CHARACTERS, TEXT_CHARACTERS = 80, 2000  # of a comment


class Share(models.Model):
    """The link itself isn't here: it is derived (`access.shared`), so that a stolen database opens nothing."""

    class What(models.TextChoices):
        BOTH = "both"  # to compare
        RESULT = "result"
        ORIGINAL = "original"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    conversion = models.ForeignKey(Conversion, on_delete=models.CASCADE, related_name="shares")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    for_whom = models.CharField(max_length=FOR_WHOM_CHARACTERS, blank=True)  # a word for the team
    what = models.CharField(max_length=8, choices=What.choices, default=What.BOTH)
    may_download = models.BooleanField(default=False)
    password = models.CharField(max_length=128, blank=True)  # as Django hashes them; empty: none is asked for
    expires = models.DateTimeField(null=True)  # null: never
    revoked_at = models.DateTimeField(null=True)
    opened = models.PositiveIntegerField(default=0)
    last_opened = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            # The team's list of those that aren't revoked.
            models.Index(fields=["team", "-created_at", "-id"], condition=Q(revoked_at=None), name="shares_of_team"),
        ]

    def __str__(self) -> str:
        return self.for_whom or str(self.pk)

    @property
    def has_original(self) -> bool:
        return self.what != self.What.RESULT

    @property
    def has_result(self) -> bool:
        return self.what != self.What.ORIGINAL


class Comment(models.Model):
    conversion = models.ForeignKey(Conversion, on_delete=models.CASCADE, related_name="comments")
    share = models.ForeignKey(Share, null=True, on_delete=models.SET_NULL, related_name="comments")
    name = models.CharField(max_length=NAME_CHARACTERS)
    text = models.TextField()
    at_s = models.FloatField(null=True)  # the place in the recording that it is about
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = [F("at_s").asc(nulls_first=True), "pk"]

    def __str__(self) -> str:
        return f"{self.name}: {self.text[:40]}"
