"""What a step needs to know of its conversion, with as few columns as that takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import DateTimeField, Exists, OuterRef, QuerySet

from conversions.models import Conversion, Step
from conversions.queue.claim import Claim, LeaseLostError
from s2s.contract import ConvertParameters
from statements import Given, Select
from voices.models import Endpoint, Voice

_OF_CONVERSION = (
    *("team_id", "audition_of_id", "voice_name", "source", "source_name", "source_bytes", "track"),
    *("source_duration_s", "source_noticed", "player"),
    *ConvertParameters.model_fields,
)
# What it is and takes; of when it did what, which takes longest to read, no step asks.
_OF_ENDPOINT = tuple(
    f"endpoint__{field.attname}" for field in Endpoint._meta.concrete_fields if not isinstance(field, DateTimeField)
)


@Select
def _conversion() -> QuerySet[Any]:
    conversions = Conversion.objects.filter(pk=Given("pk")).select_related("endpoint")
    return conversions.order_by().only(*_OF_CONVERSION, *_OF_ENDPOINT)


@Select
def _piece() -> QuerySet[Any]:
    pieces = Step.objects.filter(pk=Given("pk")).select_related("conversion", "endpoint", "voice")
    others = Step.objects.filter(conversion=OuterRef("conversion"), kind=Step.Kind.CONVERT).exclude(pk=OuterRef("pk"))
    return (
        pieces.order_by()
        .only("voice__voice_id", *(f"conversion__{name}" for name in _OF_CONVERSION), *_OF_ENDPOINT)
        .annotate(is_whole=~Exists(others))
    )


@dataclass(frozen=True, slots=True)
class Piece:
    """What a call is about. `is_whole`: the conversion has no other piece."""

    conversion: Conversion
    endpoint: Endpoint
    voice: Voice
    is_whole: bool


def conversion_of(claim: Claim) -> Conversion:
    """The claim's conversion with its endpoint. Raises LeaseLostError when it is gone."""
    conversion = _conversion.first(Conversion, pk=claim.conversion_id)
    if conversion is None:
        raise LeaseLostError
    return conversion


def piece_of(claim: Claim) -> Piece:
    """All that a call needs to know, so that nothing is asked while a connection isn't to be held.

    Raises LeaseLostError when it is gone.
    """
    step: Any = _piece.first(Step, pk=claim.step_id)
    if step is None:
        raise LeaseLostError
    return Piece(step.conversion, step.endpoint, step.voice, step.is_whole)
