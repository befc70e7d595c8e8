"""What an endpoint does with the contract's parameters: as it says of its models, and as an admin says of it.

An option without effect isn't offered, and what was asked of several endpoints reaches only those that heed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from s2s.contract import DEFAULT_MODEL_ID, OPTIONAL_PARAMETERS, ConvertParameters
from s2s.voice_settings import EXTRA_PARAMETERS
from voices.models import Endpoint, VoiceModel

NOISE = "remove_background_noise"
NOISE_STRENGTH = "noise_reduction_db"


@dataclass(frozen=True, slots=True)
class Abilities:
    """Of one endpoint. `models`: what has no effect (names of OPTIONAL_PARAMETERS), by the id of each model."""

    endpoint: Endpoint
    models: Mapping[str, frozenset[str]]

    def lacks(self, model_id: str = "") -> frozenset[str]:
        """What has no effect with this model; if it isn't there, with the one that is taken when none is chosen.

        An endpoint that has told of no models is believed to heed everything that the contract has.
        """
        known = [self.models[name] for name in (model_id, DEFAULT_MODEL_ID, *self.models) if name in self.models]
        said = known[0] if known else EXTRA_PARAMETERS
        return said if self.endpoint.removes_noise and NOISE not in said else said | {NOISE, NOISE_STRENGTH}

    def heeded(self, parameters: ConvertParameters) -> ConvertParameters:
        """What is left of `parameters` when all that has no effect here is left out."""
        chosen = parameters.model_id or ""
        elsewhere = {"model_id"} if self.models and chosen not in self.models else set[str]()
        return parameters.without(self.lacks(chosen) | elsewhere)


def of(endpoints: Iterable[Endpoint]) -> dict[int, Abilities]:
    """By the endpoints' keys in the database. One query."""
    known = {endpoint.pk: endpoint for endpoint in endpoints}
    models: dict[int, dict[str, frozenset[str]]] = {pk: {} for pk in known}
    for row in VoiceModel.objects.filter(hidden=False, endpoint__in=known).order_by("endpoint_id", "pk"):
        models[row.endpoint_id][row.model_id] = frozenset(row.without_effect).intersection(OPTIONAL_PARAMETERS)
    return {pk: Abilities(endpoint, models[pk]) for pk, endpoint in known.items()}


def takes_source_speech(endpoint: Endpoint, model_id: str = "") -> bool:
    """Whether it measures a passage on what is spoken elsewhere in the recording. One query."""
    said = dict(
        VoiceModel.objects.filter(hidden=False, endpoint=endpoint)
        .order_by("pk")
        .values_list("model_id", "takes_source_speech")
    )
    return next((said[name] for name in (model_id, DEFAULT_MODEL_ID, *said) if name in said), False)


def heeded(endpoint: Endpoint, parameters: ConvertParameters) -> ConvertParameters:
    """What of `parameters` this endpoint heeds. Where nothing optional was chosen, without a query."""
    if parameters.without(OPTIONAL_PARAMETERS) == parameters:
        return parameters
    return of([endpoint])[endpoint.pk].heeded(parameters)
