"""The ledger: one row for each call of an endpoint, committed before the request is sent."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from conversions.models.conversion import Conversion
from conversions.models.step import Step
from teams.models import Team, User
from voices.models import Endpoint


class Call(models.Model):
    class Outcome(models.TextChoices):
        SENT = "sent"  # on its way; after a crash nobody knows more
        ANSWERED = "answered"
        REFUSED = "refused"  # the endpoint said no
        NOT_SENT = "not sent"  # never reached the endpoint
        UNCLEAR = "unclear"  # the answer was lost: may have been billed where the endpoint bills

    # Deleting a recording leaves its calls: sums by team and month stay true.
    conversion = models.ForeignKey(Conversion, null=True, on_delete=models.SET_NULL, related_name="calls")
    step = models.ForeignKey(Step, null=True, on_delete=models.SET_NULL, related_name="calls")
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="+")
    # Numbers, that of the team and that of the step's line: also of a team that was deleted since, and of a person who
    # is gone by the time that it is called.
    team = models.ForeignKey(Team, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    user = models.ForeignKey(User, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    attempt = models.PositiveIntegerField()
    token = models.UUIDField()
    sent_at = models.DateTimeField(db_default=Now())
    answered_at = models.DateTimeField(null=True)
    seconds = models.FloatField(help_text="of audio")
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.SENT)
    status_code = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=300, blank=True)
    request_id = models.CharField(max_length=200, blank=True)
    history_item_id = models.CharField(max_length=200, blank=True)
    # Of a lost answer: how often the endpoint's history was searched for it, and whether a person said "Retry" since.
    lookups = models.PositiveSmallIntegerField(default=0)
    repeat_allowed = models.BooleanField(default=False)
    credits = models.FloatField(default=0, help_text="as the answer said, else estimated")

    class Meta:
        verbose_name_plural = _("ledger")
        ordering = ["-sent_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["token"], name="one_call_per_lease")]
        indexes = [
            models.Index(fields=["team", "sent_at"], name="ledger_by_team"),
            models.Index(fields=["endpoint", "sent_at"], name="ledger_by_endpoint"),
            models.Index(fields=["token"], condition=models.Q(outcome="sent"), name="ledger_under_way"),
        ]

    def __str__(self) -> str:
        return f"call {self.pk} ({self.outcome})"
