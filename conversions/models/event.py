"""What happened to a conversion: its timeline, and the audit log that outlives it.

What is erased leaves its lines without a name or a word; what is to leave no trace leaves none.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from conversions.models.conversion import Conversion
from conversions.models.enrolment import Enrolment
from statements import Insert
from teams.models import Team, User


class Event(models.Model):
    class Kind(models.TextChoices):
        SUBMITTED = "submitted"
        ORDERED = "ordered"  # somebody has said who speaks where in what was uploaded before
        PREPARED = "prepared"
        SENT = "sent"
        CONVERTED = "converted"
        ADOPTED = "adopted"  # a result found on disk after a crash
        LOOKED_UP = "looked_up"  # a lost answer was found in the endpoint's history
        READY = "ready"
        DELAYED = "delayed"  # will be tried again by itself
        INTERRUPTED = "interrupted"  # a worker vanished
        FAILED = "failed"
        RETRIED = "retried"
        REDO = "redo"  # somebody wants a piece converted once more
        REDONE = "redone"  # and the result has it
        REDO_FAILED = "redo_failed"
        CANCELLED = "cancelled"
        RENAMED = "renamed"
        DELETED = "deleted"
        RESTORED = "restored"
        EXPORTED = "exported"
        ERASED = "erased"
        SHARED = "shared"  # a link for people outside
        UNSHARED = "unshared"  # and revoked
        COMMENTED = "commented"  # by somebody who has such a link
        COMMENT_DELETED = "uncommented"
        # Of a voice that a team has made (`Enrolment`), which is what they are about then.
        VOICE_ASKED = "voice_asked"  # somebody has given a sample, and said that they may
        VOICE_READY = "voice_ready"
        VOICE_FAILED = "voice_failed"
        VOICE_RETRIED = "voice_again"
        VOICE_NAMED = "voice_named"
        VOICE_DELETED = "voice_gone"

    conversion = models.ForeignKey(
        Conversion, null=True, on_delete=models.SET_NULL, related_name="events", db_index=False
    )  # `events_of` is its index
    about = models.UUIDField()  # the conversion's id, or a voice's, also when it is erased and nothing more is known
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    data = models.JSONField(default=dict)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["at"], condition=Q(kind__in=("delayed", "interrupted")), name="events_passing"),
            # Every poll asks for the last one.
            models.Index(fields=["conversion", "id"], name="events_of"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.at:%F %T}"


@dataclass(frozen=True, slots=True)
class Happened:
    """A line of the timeline that is to be."""

    kind: Event.Kind
    data: dict[str, object] = field(default_factory=dict)
    actor: User | None = None


_add = Insert(Event, "conversion_id", "about", "team_id", "actor_id", "kind", "data")


def log(conversion: Conversion, kind: Event.Kind, *, actor: User | None = None, **data: object) -> None:
    """Adds a line to the timeline, in the caller's transaction. Of a zero retention one it says no more than what."""
    log_all(conversion, Happened(kind, data, actor))


def log_all(conversion: Conversion, *lines: Happened) -> None:
    """`log` of several at once."""
    _add.all(
        [
            {
                "conversion_id": conversion.pk,
                "about": conversion.pk,
                "team_id": conversion.team_id,
                "actor_id": line.actor.pk if line.actor else None,
                "kind": line.kind,
                "data": {} if conversion.zero_retention else line.data,
            }
            for line in lines
        ]
    )


def log_voice(enrolment: Enrolment, kind: Event.Kind, *, actor: User | None = None, **data: object) -> None:
    """Adds a line about a team's voice, in the caller's transaction. Of a team that is gone there is none."""
    if enrolment.team_id is not None:
        Event.objects.create(about=enrolment.pk, team_id=enrolment.team_id, actor=actor, kind=kind, data=data)
