"""Endpoints that speak the contract, and the voices and models that they offer."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from s2s.client.address import read_address
from teams.models import Team
from voices.prices import Priced

# Of what an endpoint lists: longer ids are left out, longer names cut.
ID_CHARACTERS = 100
NAME_CHARACTERS = 120

SECRET_NAME = RegexValidator(
    r"^(ELEVENLABS_API_KEY|ENGINE_API_KEY|ENDPOINT_KEY_[A-Z0-9_]+)$",
    _("Use ELEVENLABS_API_KEY, ENGINE_API_KEY or a name that begins with ENDPOINT_KEY_."),
)


def validate_address(base_url: str) -> None:
    """Refuses what the client or a resolver would refuse. They take names without a dot: containers have such."""
    try:
        read_address(base_url).host.encode("idna")
    except ValueError as error:
        raise ValidationError(
            _("Write an address like https://host or http://host:port/path, without “?” and “#”.")
        ) from error


class Endpoint(Priced):
    """A server that speaks the ElevenLabs speech-to-speech contract. Its row is the gate that counts slots."""

    LOCAL = "local"
    ELEVENLABS = "elevenlabs"

    class PauseCode(models.TextChoices):
        ACCOUNT = "account"  # it refuses our key or our account: nothing works until somebody acts
        SILENT = "silent"  # it doesn't answer, or only with errors of its own

    class PauseReason(models.TextChoices):
        """What about the account."""

        KEY = "key"
        CREDITS = "credits"
        OTHER = "other"

    key = models.SlugField(_("key"), unique=True, help_text=_("Short name for logs and links."))
    name = models.CharField(_("name"), max_length=60)
    base_url = models.CharField(
        _("address"),
        max_length=300,
        validators=[validate_address],
        help_text=_(
            "Without /v1. Each start sets those of the local engine and of ElevenLabs as the environment says."
        ),
    )
    secret_name = models.CharField(
        _("name of the key"),
        max_length=80,
        blank=True,
        validators=[SECRET_NAME],
        help_text=_("The environment variable that holds the API key. The key itself is never stored."),
    )
    slots = models.PositiveSmallIntegerField(
        _("slots"),
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text=_("How many recordings it converts at the same time."),
    )
    max_seconds = models.FloatField(_("longest recording in seconds"), null=True, blank=True)
    max_bytes = models.BigIntegerField(_("largest file in bytes"), null=True, blank=True)
    refused_formats = models.JSONField(default=dict, editable=False)  # see voices/refused.py
    removes_noise = models.BooleanField(_("removes background noise"), default=True)
    adds_voices = models.BooleanField(
        _("makes voices"), default=True, help_text=_("From a recording of somebody who speaks, for one team.")
    )
    zero_retention = models.BooleanField(
        _("zero retention"),
        default=False,
        help_text=_("It can keep nothing of a request. At ElevenLabs this is part of the Enterprise plan."),
    )
    paused = models.BooleanField(_("paused"), default=False, help_text=_("Recordings wait until it is resumed."))

    # How it is, as its answers tell: written by voices/breaker.py alone, by conditional UPDATEs.
    pause_code = models.CharField(max_length=7, choices=PauseCode.choices, blank=True, editable=False)
    pause_reason = models.CharField(max_length=7, choices=PauseReason.choices, blank=True, editable=False)
    pause_words = models.CharField(max_length=300, blank=True, editable=False)  # technical, for the admin
    paused_at = models.DateTimeField(null=True, editable=False)
    probe_at = models.DateTimeField(null=True, editable=False)  # it is looked at then
    probes = models.PositiveSmallIntegerField(default=0, editable=False)  # looked at so often since it was paused
    trial = models.BooleanField(default=False, editable=False)  # one recording may try whether it works again
    strikes = models.PositiveSmallIntegerField(default=0, editable=False)  # failures since its last good answer
    struck_by = models.CharField(max_length=300, blank=True, editable=False)  # the recordings whose they were
    last_good_at = models.DateTimeField(_("last good answer"), null=True, editable=False)  # to a few seconds
    learnt_slots = models.PositiveSmallIntegerField(null=True, editable=False)  # null: as many as are set
    learnt_at = models.DateTimeField(null=True, editable=False)
    rest_until = models.DateTimeField(null=True, editable=False)  # it has as many requests as it takes

    enabled = models.BooleanField(_("enabled"), default=True, help_text=_("Its voices are offered."))
    keyless = models.BooleanField(default=False, editable=False)  # it was switched off for want of its key
    sync_tried_at = models.DateTimeField(null=True, editable=False)
    syncing_until = models.DateTimeField(null=True, editable=False)  # someone syncs it now, or has died over it
    synced_at = models.DateTimeField(_("voices synced"), null=True, blank=True, editable=False)
    sync_error = models.CharField(_("last sync said"), max_length=300, blank=True, editable=False)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def api_key(self) -> str | None:
        return settings.ENDPOINT_SECRETS.get(self.secret_name) or None

    @property
    def slots_now(self) -> int:
        """How many recordings it is given at once: as set, or fewer if it has told so."""
        return self.slots if self.learnt_slots is None else min(self.slots, self.learnt_slots)

    @property
    def long_slots(self) -> int:
        """How many of them long recordings may have: one is for short ones, if that isn't the only one.

        All where it bills: its calls take minutes at most, and a slot that was paid for is not left empty.
        """
        return self.slots_now if self.billed else max(1, self.slots_now - 1)

    @property
    def held(self) -> bool:
        """It takes no work now: paused by an admin, or by its own answers (`breaker.takes_work` as SQL)."""
        return self.paused or (self.pause_code != "" and not self.trial)

    def why_held(self) -> str:
        """For people: what happened, what is safe, what comes. Empty when it isn't held."""
        if not self.held:
            return ""
        return self.why_paused()

    def why_paused(self) -> str:
        """As `why_held`, also while a trial is on offer. Only of an endpoint that is paused."""
        return self._pause_sentence() % {"endpoint": self.name}

    def _pause_sentence(self) -> str:
        if self.paused:
            return gettext(
                "%(endpoint)s is paused. Your recordings are safe and will continue when an admin resumes it."
            )
        if self.pause_code == self.PauseCode.SILENT:
            return gettext("%(endpoint)s is not answering. Your recordings are safe and will continue by themselves.")
        if self.pause_reason == self.PauseReason.KEY:
            return gettext(
                "%(endpoint)s does not accept our key at the moment. Your recordings are safe and will continue by "
                "themselves when an admin has mended it."
            )
        if self.pause_reason == self.PauseReason.CREDITS:
            return gettext(
                "Our credits at %(endpoint)s are used up. Your recordings are safe and will continue by themselves "
                "when there are new ones."
            )
        return gettext(
            "%(endpoint)s does not serve our account at the moment. Your recordings are safe and will continue by "
            "themselves when an admin has mended it."
        )


class Voice(models.Model):
    """A voice of one endpoint. Voices that vanish there are hidden, never deleted: history still names them.

    One that an admin has hidden stays hidden.
    """

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="voices")
    # Whose it is: nobody else sees, uses or hears it (`offered_voices`, `visible_to`). Null: everybody's.
    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE, related_name="voices")
    voice_id = models.CharField(max_length=ID_CHARACTERS)
    name = models.CharField(_("name"), max_length=NAME_CHARACTERS)
    description = models.TextField(_("description"), blank=True)
    labels = models.JSONField(default=dict, blank=True)
    settings = models.JSONField(default=dict, blank=True)
    preview_url = models.CharField(max_length=1000, blank=True)
    preview = models.CharField(max_length=200, blank=True, editable=False)
    hidden = models.BooleanField(_("hidden"), default=False, help_text=_("It is not offered."))
    vanished = models.BooleanField(default=False, editable=False)  # hidden because its endpoint lists it no more
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["endpoint_id", "position", "pk"]
        constraints = [models.UniqueConstraint(fields=["endpoint", "voice_id"], name="one_voice_per_endpoint")]

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def visible_to(team: Team | None) -> models.Q:
        """Everybody's and the team's own: another team's can't be told from one that doesn't exist."""
        everybody = models.Q(team=None)
        return everybody if team is None else everybody | models.Q(team=team)


class VoiceModel(models.Model):
    """A model of an endpoint that can convert speech."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="voice_models")
    model_id = models.CharField(max_length=ID_CHARACTERS)
    name = models.CharField(max_length=NAME_CHARACTERS)
    description = models.TextField(blank=True)
    # Names of the contract's parameters that it takes and does nothing with (contract.Model.without_effect).
    without_effect = models.JSONField(default=list, blank=True)
    # contract.Model.can_take_source_speech
    takes_source_speech = models.BooleanField(default=False)
    hidden = models.BooleanField(default=False)

    class Meta:
        ordering = ["endpoint_id", "pk"]
        constraints = [models.UniqueConstraint(fields=["endpoint", "model_id"], name="one_model_per_endpoint")]

    def __str__(self) -> str:
        return self.name


class Favourite(models.Model):
    """A voice that a person wants to find first."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    voice = models.ForeignKey(Voice, on_delete=models.CASCADE, related_name="favourites")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "voice"], name="one_favourite")]

    def __str__(self) -> str:
        return f"{self.voice} of {self.user}"
