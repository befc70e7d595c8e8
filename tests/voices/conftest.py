"""What the tests of voices share: a scripted endpoint, its row, and what goes wrong with a real call of it."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from s2s.client import EndpointError
from tests.support.endpoint import Behaviour, detail
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.sound import wav
from voices import breaker
from voices.breaker import STRIKES
from voices.clients import client_for
from voices.models import Endpoint

BROKEN = Behaviour(status=500)
NO_CREDITS = Behaviour(status=401, body=detail("quota_exceeded", "You have 0 credits left, 120 are required."))


@pytest.fixture
def endpoint(db: None, scripted: ScriptedEndpoint) -> Endpoint:
    return Endpoint.objects.create(key="test", name="Testers", base_url=scripted.url, slots=5)


def keep_sound(scripted: ScriptedEndpoint, sound: bytes | None = None, name: str = "sound") -> str:
    """Where the endpoint hands it out."""
    (scripted.ledger.folder / name).write_bytes(wav(0.2) if sound is None else sound)
    scripted.ledger.history.append({"history_item_id": name})
    return f"{scripted.url}/v1/history/{name}/audio"


Fail = Callable[[Behaviour], EndpointError]


@pytest.fixture
def fail(endpoint: Endpoint, scripted: ScriptedEndpoint) -> Fail:
    """The error of a call that meets this behaviour."""

    def fail(behaviour: Behaviour) -> EndpointError:
        scripted.script(behaviour)
        with pytest.raises(EndpointError) as caught, client_for(endpoint).convert("nora", io.BytesIO(wav())) as answer:
            for _ in answer:
                pass
        return caught.value

    return fail


def strike_out(endpoint: Endpoint, error: EndpointError) -> None:
    for number in range(STRIKES):
        breaker.failed(endpoint.pk, error, str(number))
    endpoint.refresh_from_db()
