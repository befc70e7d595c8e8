"""What a step needs to know of its conversion, with as few columns as that takes."""

from __future__ import annotations

from conversions.models import Conversion
from conversions.queue.claim import Claim, LeaseLostError
from conversions.statements import Given, Select
from s2s.contract import ConvertParameters
from voices.models import Endpoint, Voice

_conversion = Select(
    lambda: (
        Conversion.objects.filter(pk=Given("pk"))
        .order_by()
        .only(
            *("team_id", "endpoint_id", "voice_id", "voice_name"),
            *("source", "source_name", "source_bytes", "source_duration_s"),
            *ConvertParameters.model_fields,
        )
    )
)
_endpoint = Select(lambda: Endpoint.objects.filter(pk=Given("pk")).order_by())
_voice = Select(lambda: Voice.objects.filter(pk=Given("pk")).order_by().only("voice_id"))


def with_endpoint(claim: Claim) -> Conversion:
    """The claim's conversion and its endpoint. Raises LeaseLostError when it is gone."""
    conversion = _conversion.first(Conversion, pk=claim.conversion_id)
    if conversion is None:
        raise LeaseLostError
    endpoint = _endpoint.first(Endpoint, pk=conversion.endpoint_id)
    if endpoint is not None:  # it is: no row that a conversion refers to can be deleted
        conversion.endpoint = endpoint
    return conversion


def voice_id_of(conversion: Conversion) -> str:
    """As its endpoint calls the voice."""
    voice = _voice.first(Voice, pk=conversion.voice_id)
    return voice.voice_id if voice is not None else ""
