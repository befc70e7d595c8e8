"""What a step needs to know of its conversion, with as few columns as that takes."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import DateTimeField, QuerySet

from conversions.models import Conversion, Step
from conversions.queue.claim import Claim, LeaseLostError
from s2s.contract import ConvertParameters
from s2s.formats import OUTPUT_FORMATS, OutputFormat
from s2s.voice_settings import VoiceSettings
from statements import Given, Select
from voices import abilities
from voices.models import Endpoint, Voice

_OF_CONVERSION = (
    *("team_id", "audition_of_id", "voice_name", "voice_stored_settings"),
    *("source", "source_name", "source_bytes", "track", "source_duration_s", "source_noticed"),
    *(
        "source_rate_hz",
        "source_samples",
        "source_pictures",
        "source_places",
        "player",
        "player_bytes",
        "pieces",
        "voice_id",
        "in_regions",
        "unordered",
        "output_channels",
    ),
    *ConvertParameters.model_fields,
)
# What it is and takes; of when it did what, which takes longest to read, no step asks.
_OF_ENDPOINT = tuple(
    f"endpoint__{field.attname}" for field in Endpoint._meta.concrete_fields if not isinstance(field, DateTimeField)
)


@Select
def _piece() -> QuerySet[Step]:
    pieces = Step.objects.filter(pk=Given("pk")).select_related("conversion", "endpoint", "voice")
    return pieces.order_by().only(
        *("output_format", "start_sample", "end_sample", "channel"),
        *("voice__voice_id", "voice__name", "voice__settings"),
        *(f"conversion__{name}" for name in _OF_CONVERSION),
        *_OF_ENDPOINT,
    )


@dataclass(frozen=True, slots=True)
class Piece:
    """What a call is about."""

    conversion: Conversion
    endpoint: Endpoint
    voice: Voice
    samples: tuple[int, int]  # from which of the recording's up to which
    channel: int | None
    is_whole: bool  # as `is_whole` says
    output_format: str = ""  # in which its answer was asked for, where that isn't the result

    @property
    def voice_name(self) -> str:
        return self.voice.name if self.conversion.in_regions else self.conversion.voice_name

    @property
    def format(self) -> OutputFormat:
        return OUTPUT_FORMATS[self.output_format] if self.output_format else self.conversion.format

    @property
    def is_cut_out(self) -> bool:
        """It travels in a file of its own, and not in the recording's. Of a film nobody is sent the pictures."""
        conversion = self.conversion
        sent_bytes = conversion.player_bytes if conversion.is_rendered else conversion.source_bytes
        most = self.endpoint.max_bytes
        has_pictures = conversion.is_film and not conversion.is_rendered
        return not self.is_whole or has_pictures or (most is not None and sent_bytes > most)


def conversion_of(claim: Claim) -> Conversion:
    """The claim's conversion with its endpoint. Raises LeaseLostError when it is gone."""
    conversions = Conversion.objects.select_related("endpoint").only(*_OF_CONVERSION, *_OF_ENDPOINT)
    try:
        return conversions.get(pk=claim.conversion_id)
    except Conversion.DoesNotExist as error:
        raise LeaseLostError from error


def piece_of(claim: Claim) -> Piece:
    """All that a call needs to know, so that nothing is asked while a connection isn't to be held.

    Raises LeaseLostError when it is gone.
    """
    step = _piece.first(Step, pk=claim.step_id)
    if step is None:
        raise LeaseLostError
    assert step.endpoint is not None  # of a step that converts
    assert step.voice is not None
    return piece_at(step, step.conversion, step.endpoint, step.voice)


def parameters_of(piece: Piece) -> ConvertParameters:
    """What its endpoint is asked for. May ask the database what that heeds, where several convert the recording."""
    parameters = piece.conversion.parameters
    if not piece.conversion.in_regions:
        return parameters
    if piece.voice.settings.get("speed") not in (None, 1.0):  # everything stays in its time
        settings = parameters.voice_settings or VoiceSettings()
        parameters = parameters.model_copy(update={"voice_settings": settings.model_copy(update={"speed": 1.0})})
    return abilities.heeded(piece.endpoint, parameters)


def piece_at(step: Step, conversion: Conversion, endpoint: Endpoint, voice: Voice) -> Piece:
    samples = step.start_sample, step.end_sample or 0
    return Piece(conversion, endpoint, voice, samples, step.channel, is_whole(step, conversion), step.output_format)


def is_whole(step: Step, conversion: Conversion) -> bool:
    """Whether it is all of the recording, so that its answer is the result."""
    return step.channel is None and (step.start_sample, step.end_sample) == (0, conversion.source_samples)
