"""One piece of work. What is unfinished in this table is the queue."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from conversions.models.conversion import Conversion
from teams.models import Team, User
from voices.models import Endpoint, Voice


class Step(models.Model):
    class Kind(models.TextChoices):
        PREPARE = "prepare"
        CONVERT = "convert"
        ASSEMBLE = "assemble"
        EXPORT = "export"  # of one that is ready, and stays so
        REDO = "redo"  # a piece once more; its conversion stays as it is (`queue/redoing.py`)
        SPEAKERS = "speakers"  # who speaks when, for whoever asks

    class Status(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        UNCLEAR = "unclear"  # sent to an endpoint that bills, answer lost
        CANCELLED = "cancelled"

    # Smaller goes first among one person's own. Long is what `Conversion.is_long` says: see queue/fairness.py.
    AUDITION, NORMAL, LONG = -1, 0, 1

    # Work beside the life of a conversion: whatever becomes of it, that stays as it is.
    ASIDE = (Kind.EXPORT, Kind.REDO, Kind.SPEAKERS)

    # The state of a conversion while a step of this kind runs.
    STATE_OF: dict[str, Conversion.Status] = {
        Kind.PREPARE: Conversion.Status.PREPARING,
        Kind.CONVERT: Conversion.Status.CONVERTING,
        Kind.ASSEMBLE: Conversion.Status.ASSEMBLING,
    }

    conversion = models.ForeignKey(Conversion, on_delete=models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    position = models.PositiveIntegerField(default=0)
    # What of the recording, at its own rate, and how long that is.
    start_sample = models.BigIntegerField(default=0)
    end_sample = models.BigIntegerField(null=True)
    seconds = models.FloatField(default=0)
    channel = models.PositiveSmallIntegerField(null=True)  # see `Region.channel`
    voice = models.ForeignKey(Voice, null=True, on_delete=models.PROTECT, related_name="+")  # of a call
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.WAITING)

    # Copied here so that claiming reads one table. Without endpoint: work for the cpu workers.
    endpoint = models.ForeignKey(Endpoint, null=True, on_delete=models.PROTECT, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    # Whose line it stands in: no more than a number. It outlives the person, because what was accepted hangs on no one.
    user = models.ForeignKey(User, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    priority = models.SmallIntegerField(default=NORMAL)

    attempt = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(db_default=Now())
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    result = models.CharField(max_length=200, blank=True)
    # Of a long call: how much of its answer has come, 0..1; null where nobody has counted yet.
    share = models.FloatField(null=True)
    # And what of it can be heard: part of an address (`files/beginnings.py`); empty where nothing can.
    begun = models.CharField(max_length=24, blank=True, db_default="")
    # Of one of several: in which format it was asked for, and how it lies beside its source (`s2s.audio.aligning`).
    output_format = models.CharField(max_length=20, blank=True)
    alignment = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["conversion", "position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["conversion", "kind", "position"], name="one_step_per_place"),
            models.CheckConstraint(
                condition=Q(status="running", lease_token__isnull=False, lease_until__isnull=False)
                | (~Q(status="running") & Q(lease_token__isnull=True)),
                name="running_means_leased",
            ),
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "team", "user", "priority", "id"],
                condition=Q(status="waiting"),
                name="queue_waiting",
            ),
            # How many are before one's own.
            models.Index(fields=["endpoint", "priority", "id"], condition=Q(status="waiting"), name="queue_line"),
            models.Index(
                fields=["endpoint", "team", "user", "lease_until"],
                condition=Q(status="running"),
                name="queue_running",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.position} of {self.conversion_id}"
