"""A recording, the voice it is to be spoken in, and how far it has come."""

from __future__ import annotations

import uuid
from functools import cache

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from conversions.models.batch import Batch
from conversions.models.recording import Recording
from s2s.audio.errors import CODES as AUDIO_ERROR_CODES
from s2s.contract import ConvertParameters
from s2s.formats import DEFAULT_OUTPUT_FORMAT, OutputFormat
from s2s.formats import OUTPUT_FORMATS as FORMATS
from statements import Given, Update
from teams.models import Team, User
from voices.models import Endpoint, Voice


class Conversion(models.Model):
    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        PREPARING = "preparing", _("Preparing")
        CONVERTING = "converting", _("Converting")
        ASSEMBLING = "assembling", _("Finishing")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")
        # It has been read, and waits until somebody says who speaks where (`unordered`).
        UNORDERED = "unordered", _("Not converted yet")

    UNFINISHED = frozenset({Status.WAITING, Status.PREPARING, Status.CONVERTING, Status.ASSEMBLING})
    # Its regions are of channels that it doesn't have, or lie behind its end.
    REGIONS_UNFIT = "regions_unfit"
    # What is wrong with the recording itself, or with how it was marked.
    HOPELESS = (AUDIO_ERROR_CODES - {"decoder_lost"}) | {
        "source_missing",
        "too_long_for_endpoint",
        REGIONS_UNFIT,
    }
    # A part of the recording never arrived, and its endpoint bills: Retry means that what is there is to be converted.
    INCOMPLETE = "incomplete"
    # There is an answer, and nothing in it, or not what was asked for: only another one can help.
    WORTHLESS = frozenset({"answer_not_audio", "answer_silent", "answer_odd_length"})
    # It was sent, may have been billed, and its answer is lost.
    UNCLEAR = "unclear"
    # After these a Retry calls the endpoint again, though it was called, and perhaps paid, before.
    PAID_BEFORE = frozenset({UNCLEAR, "result_missing"}) | WORTHLESS
    # Which states may precede a state. A retry goes from failed to waiting; what was done stays done, so the next
    # step may be any kind.
    MAY_FOLLOW: dict[str, frozenset[Status]] = {
        Status.WAITING: frozenset({Status.FAILED, Status.UNORDERED}),
        Status.PREPARING: frozenset({Status.WAITING}),
        Status.CONVERTING: frozenset({Status.WAITING, Status.PREPARING}),
        Status.ASSEMBLING: frozenset({Status.WAITING, Status.CONVERTING}),
        # An answer that is the whole result is ready without a step of its own.
        Status.READY: frozenset({Status.CONVERTING, Status.ASSEMBLING}),
        Status.FAILED: UNFINISHED,
        # A question is answered with no (see `asks`).
        Status.CANCELLED: UNFINISHED | {Status.FAILED},
        Status.UNORDERED: frozenset({Status.WAITING, Status.PREPARING}),
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="conversions")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="conversions")
    title = models.CharField(_("name"), max_length=200)
    status = models.CharField(_("state"), max_length=12, choices=Status.choices, default=Status.WAITING)
    error_code = models.CharField(max_length=60, blank=True)
    error = models.TextField(_("what happened"), blank=True)

    # the recording, as it came and as decoding found it
    source = models.CharField(max_length=200)
    source_name = models.CharField(_("file name"), max_length=255)
    source_bytes = models.BigIntegerField(default=0)
    track = models.PositiveSmallIntegerField(null=True)  # of several in it, counted from 0; else the one players take
    source_checksum = models.CharField(max_length=32, blank=True)  # see `files`
    source_container = models.CharField(max_length=40, blank=True)
    source_codec = models.CharField(max_length=40, blank=True)
    source_pictures = models.CharField(max_length=40, blank=True, default="")  # the codec of a film's
    source_rate_hz = models.PositiveIntegerField(null=True)
    source_channels = models.PositiveSmallIntegerField(null=True)
    source_apart = models.BooleanField(default=False)  # two channels, and each has what the other one hasn't
    source_samples = models.BigIntegerField(null=True)
    source_duration_s = models.FloatField(_("length"), null=True)
    source_peaks = models.BinaryField(default=b"")
    # Where some packets lie in one that doesn't say that itself, so that no piece looks for its own from the beginning:
    # byte, ticks and milliseconds of each (`sound.reading.places_of`).
    source_places = models.BinaryField(default=b"")
    source_noticed = models.JSONField(default=dict)  # see `s2s.audio.Noticed`
    # a copy for players that can't search the recording; of one with something `source_noticed` it is what was
    # understood of it, and stands for it at endpoints too
    player = models.CharField(max_length=200, blank=True, default="")
    player_bytes = models.BigIntegerField(default=0)

    # the voice and its settings as they were
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="+")
    voice = models.ForeignKey(Voice, on_delete=models.PROTECT, related_name="conversions")
    voice_name = models.CharField(_("voice"), max_length=120)  # where several speak (`regions`), all of them
    voice_stored_settings = models.JSONField(default=dict)

    # the parameters of the contract
    model_id = models.CharField(max_length=100, blank=True)
    output_format = models.CharField(max_length=20, default=DEFAULT_OUTPUT_FORMAT)
    voice_settings = models.JSONField(null=True)
    seed = models.BigIntegerField(null=True)
    remove_background_noise = models.BooleanField(default=False)
    file_format = models.CharField(max_length=20, default="other")
    enable_logging = models.BooleanField(default=True)
    optimize_streaming_latency = models.PositiveSmallIntegerField(null=True)

    in_regions = models.BooleanField(default=False)  # it has `regions`
    # Kept, and nobody has said yet what is to become of it: its parts get voices first (`actions.order`). Until then
    # `voice` and `endpoint` mean nothing, and `voice_name` is empty.
    unordered = models.BooleanField(default=False)

    # how many calls it takes, where it is more than its endpoint takes at once, or several voices speak
    pieces = models.PositiveSmallIntegerField(default=1)
    pieces_bytes = models.BigIntegerField(default=0)  # of the answers to several, which stay beside the result

    # the result
    output = models.CharField(max_length=200, blank=True)
    output_bytes = models.BigIntegerField(null=True)
    output_duration_s = models.FloatField(null=True)
    output_channels = models.PositiveSmallIntegerField(default=1)
    output_peaks = models.BinaryField(default=b"")

    # integrated loudness (ITU-R BS.1770): the two are compared at the same level
    source_lufs = models.FloatField(null=True)
    output_lufs = models.FloatField(null=True)

    # what it belongs to
    batch = models.ForeignKey(
        Batch, null=True, on_delete=models.SET_NULL, related_name="conversions", db_index=False
    )  # `of_batch` is its index
    batch_place = models.PositiveIntegerField(default=0)  # of its recording, among those that were chosen together
    take_of = models.UUIDField(null=True, db_index=True)  # the first take of the recording, which may be gone
    recording = models.ForeignKey(Recording, null=True, on_delete=models.SET_NULL, related_name="+")  # see source_since
    audition_of = models.ForeignKey(
        Recording, null=True, on_delete=models.CASCADE, related_name="auditions", db_index=False
    )  # `auditions` is its index

    # Zero retention of what was on the server already: how long it has been there, and the recording that goes with it.
    source_since = models.DateTimeField(null=True)
    # Made from what its creator's page sent under this: a request that comes twice names it twice.
    once = models.UUIDField(null=True)
    # The same of what was kept to be ordered later: `once` is the order's, and its voice another one then.
    kept_once = models.UUIDField(null=True)
    only_me = models.BooleanField(default=False)  # for its creator's eyes; zero retention implies it
    mail_due = models.BooleanField(default=False)  # its creator wants an e-mail once it is finished
    deleted_at = models.DateTimeField(null=True)  # for a day it can be brought back
    downloaded_at = models.DateTimeField(null=True)  # the first whole download; a zero retention clock starts by it

    created_at = models.DateTimeField(_("made"), db_default=Now())
    preparing_at = models.DateTimeField(null=True)
    converting_at = models.DateTimeField(null=True)
    assembling_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["created_by", "once", "voice"], name="made_once"),
            models.UniqueConstraint(
                fields=["created_by", "kept_once"], condition=models.Q(kept_once__isnull=False), name="kept_once"
            ),
        ]
        indexes = [
            models.Index(fields=["team", "-created_at", "-id"], name="history"),
            models.Index(fields=["team", "status", "-created_at", "-id"], name="history_by_state"),
            models.Index(fields=["team", "voice", "-created_at", "-id"], name="history_by_voice"),
            models.Index(fields=["-created_at", "-id"], name="newest"),
            models.Index(fields=["status", "-created_at", "-id"], name="newest_by_state"),
            models.Index(fields=["created_at"], condition=models.Q(enable_logging=False), name="zero_retention"),
            models.Index(fields=["deleted_at"], condition=models.Q(deleted_at__isnull=False), name="deleted"),
            # Of a team's: what SQLite takes for a page of them, which would read the whole history else.
            models.Index(
                fields=["team", "-created_at", "-id"],
                condition=models.Q(deleted_at__isnull=False),
                name="history_deleted",
            ),
            # Of auditions alone: by one of all rows, SQLite would look for those that are none.
            models.Index(fields=["audition_of"], condition=models.Q(audition_of__isnull=False), name="auditions"),
            models.Index(fields=["batch", "team", "created_at", "id"], name="of_batch"),
            models.Index(
                fields=["finished_at"],
                condition=models.Q(mail_due=True, finished_at__isnull=False),
                name="mail_due",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def zero_retention(self) -> bool:
        """Only its creator sees it, and soon nothing of it is left (`conversions.upkeep.retention`)."""
        return not self.enable_logging

    @property
    def is_rendered(self) -> bool:
        """Whether players and endpoints get what was understood of the recording instead of its file."""
        return bool(self.source_noticed and self.player)

    @property
    def is_film(self) -> bool:
        """Whether its recording has pictures, to which the result is the new sound."""
        return bool(self.source_pictures)

    @property
    def sent(self) -> str:
        """The key of what endpoints get."""
        return self.player if self.is_rendered else self.source

    @property
    def stored_bytes(self) -> int:
        """Of all its files but its exports (`conversions.ledger.usage.STORED` as SQL)."""
        return self.source_bytes + self.player_bytes + self.pieces_bytes + (self.output_bytes or 0)

    @property
    def edition(self) -> str:
        """Of the result, where it may become another one: a part of its addresses, so that no browser shows what it has
        kept of an earlier one. Else empty."""
        return self.output[-8:] if self.in_pieces else ""

    @property
    def in_pieces(self) -> bool:
        """Whether its result may be joined from answers that stay beside it: of several calls, or of one where a part
        of the recording stays as it is."""
        return self.pieces > 1 or self.in_regions

    @property
    def played_container(self) -> str:
        return "flac" if self.is_rendered else self.source_container

    @property
    def first_take(self) -> uuid.UUID:
        """What all takes of the same recording share."""
        return self.take_of or self.pk

    @property
    def finished(self) -> bool:
        """Nothing is done for it any more, unless somebody asks."""
        return self.status not in self.UNFINISHED

    @property
    def is_long(self) -> bool:
        """False while nobody has read the recording."""
        longest_short_s: float = settings.LONG_SECONDS
        return (self.source_duration_s or 0.0) > longest_short_s

    @property
    def retryable(self) -> bool:
        """Whether trying again can help: not for a recording that can't be converted as it is."""
        return self.status == self.Status.FAILED and self.error_code not in self.HOPELESS

    @property
    def asks(self) -> bool:
        """Whether it is held back until a person says that it is to be sent as it is."""
        return self.status == self.Status.FAILED and self.error_code == self.INCOMPLETE

    @property
    def state_words(self) -> str:
        return gettext("Needs an answer") if self.asks else self.get_status_display()

    @property
    def format(self) -> OutputFormat:
        return FORMATS[self.output_format]

    @property
    def parameters(self) -> ConvertParameters:
        return ConvertParameters.model_validate(
            {
                name: getattr(self, name)
                for name in ConvertParameters.model_fields
                if getattr(self, name) not in (None, "")
            }
        )

    def move(self, status: Status, **fields: object) -> bool:
        """Goes to `status` if the present state allows it: one conditional UPDATE. False: someone else was first."""
        return _move_to(status, tuple(sorted(fields)))(pk=self.pk, **fields) == 1


@cache
def _move_to(status: Conversion.Status, names: tuple[str, ...]) -> Update:
    values: dict[str, object] = {name: Given(name) for name in names}
    if status not in (Conversion.Status.WAITING, Conversion.Status.UNORDERED):
        values["finished_at" if status not in Conversion.UNFINISHED else f"{status}_at"] = Now()
    may_precede = Conversion.MAY_FOLLOW[status]
    return Update(lambda: Conversion.objects.filter(pk=Given("pk"), status__in=may_precede), status=status, **values)
