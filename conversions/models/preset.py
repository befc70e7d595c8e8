"""Options under a name: a team's own beside those that we bring (conversions/forms/offers.py)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from teams.models import Team, User


class Preset(models.Model):
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(_("name"), max_length=60)
    options = models.JSONField(default=dict)  # values of the Studio's fields, by name
    shared = models.BooleanField(_("for everyone in the team"), default=False)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["team", "created_by", "name"], name="one_preset_per_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        return f"own-{self.pk}"


class DefaultPreset(models.Model):
    """What a person's Studio begins with in a team."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=40)  # of a Preset, or of one that we bring

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "team"], name="one_default_preset")]

    def __str__(self) -> str:
        return self.key
