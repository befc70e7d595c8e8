"""A voice that a team has made from somebody's speech: its sample, and how far an endpoint is with it."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now

from teams.models import Team, User
from voices.models import NAME_CHARACTERS, Endpoint, Voice


class Enrolment(models.Model):
    """What is unfinished in this table is a queue of its own (`queue/enrolments.py`)."""

    class State(models.TextChoices):
        WAITING = "waiting"
        ADDING = "adding"
        READY = "ready"
        REFUSED = "refused"  # this sample will never do; it is gone
        FAILED = "failed"  # tried in vain; somebody may try again
        REMOVING = "removing"  # nobody finds the voice any more; its endpoint is still to be told

    UNFINISHED = (State.WAITING, State.ADDING, State.REMOVING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Null: the team is gone, and what it has at the endpoint is being removed.
    team = models.ForeignKey(Team, null=True, on_delete=models.SET_NULL, related_name="+")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=NAME_CHARACTERS)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="enrolments")
    # Sent with the sample as a label: by it the voice is found where our own word for it was lost.
    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    voice = models.OneToOneField(Voice, null=True, on_delete=models.SET_NULL, related_name="enrolment")

    sample = models.CharField(max_length=200)  # a file of its own, until it is refused or removed
    sample_bytes = models.BigIntegerField(default=0)
    sample_s = models.FloatField(null=True)  # how much of it was sent
    track = models.PositiveSmallIntegerField(null=True)  # see `Conversion.track`

    # That the voice is theirs, or that they may use it: it stays as it was said, whatever becomes of the person's row.
    confirmed_by = models.CharField(max_length=254)
    confirmed_at = models.DateTimeField(db_default=Now())

    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    said = models.TextField(blank=True)  # for people: why it was refused, or isn't there yet
    attempt = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(db_default=Now())
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-created_at", "pk"]
        indexes = [
            models.Index(
                fields=["not_before"],
                condition=models.Q(state__in=("waiting", "adding", "removing")),
                name="enrolments_unfinished",
            )
        ]

    def __str__(self) -> str:
        return self.name
