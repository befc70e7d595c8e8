"""What a step needs to know of its conversion, with as few columns as that takes."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from conversions.models import Conversion, Step
from conversions.queue.claim import Claim, LeaseLostError
from s2s.contract import ConvertParameters
from statements import Given, Select
from voices.models import Endpoint


@Select
def _conversion() -> QuerySet[Any]:
    others = Step.objects.filter(conversion=OuterRef("pk"), kind=Step.Kind.CONVERT).exclude(pk=Given("step_id"))
    conversions = Conversion.objects.filter(pk=Given("pk")).select_related("endpoint", "voice")
    return (
        conversions.order_by()
        .only(
            *(
                "team_id",
                "audition_of_id",
                "voice_name",
                "source",
                "source_name",
                "source_bytes",
                "track",
                "source_duration_s",
            ),
            *("source_noticed", "player", "voice__voice_id"),
            *ConvertParameters.model_fields,
            *(f"endpoint__{field.attname}" for field in Endpoint._meta.concrete_fields),
        )
        .annotate(is_whole=~Exists(others))
    )


def conversion_of(claim: Claim) -> Any:
    """The claim's conversion with its endpoint and its voice, and whether its piece `is_whole`, the only one.

    All that a call needs to know, so that nothing is asked while a connection isn't to be held. Raises LeaseLostError
    when it is gone.
    """
    conversion = _conversion.first(Conversion, pk=claim.conversion_id, step_id=claim.step_id)
    if conversion is None:
        raise LeaseLostError
    return conversion
