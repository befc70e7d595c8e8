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


def with_voice(claim: Claim) -> Conversion:
    """The voice too: all that a call needs to know, so that nothing is asked while a connection isn't to be held."""
    conversion = with_endpoint(claim)
    voice = _voice.first(Voice, pk=conversion.voice_id)
    if voice is not None:
        conversion.voice = voice
    return conversion
