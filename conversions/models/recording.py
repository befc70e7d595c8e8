"""An upload that is tried in several voices before one is chosen. It is kept for a day."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now
from pydantic import ValidationError

from s2s.contract import ConvertParameters
from teams.models import Team, User


class Recording(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=255)
    file = models.CharField(max_length=200)
    size = models.BigIntegerField()
    track = models.PositiveSmallIntegerField(null=True)  # see `Conversion.track`
    given = models.JSONField(default=dict)  # ConvertParameters for all of it
    only_me = models.BooleanField(default=False)
    start_s = models.FloatField(default=0)  # where the passage begins that is tried
    unheard_s = models.FloatField(null=True)  # so much was searched for speech, and there was none
    take_of = models.UUIDField(null=True)  # it is the recording of this conversion
    created_at = models.DateTimeField(db_default=Now())
    source_since = models.DateTimeField(db_default=Now(), db_index=True)  # what leaves no trace keeps its first clock

    def __str__(self) -> str:
        return self.name

    @property
    def parameters(self) -> ConvertParameters:
        """What has become impossible since it was kept (by an update) is left out."""
        try:
            return ConvertParameters.model_validate(self.given)
        except ValidationError as error:
            wrong = {problem["loc"][0] for problem in error.errors()}
            return ConvertParameters.model_validate({k: v for k, v in self.given.items() if k not in wrong})

    @property
    def zero_retention(self) -> bool:
        return not self.parameters.enable_logging
