"""A worker is killed with SIGKILL while an endpoint makes a voice: it is made once, and nobody else ever has it."""

from __future__ import annotations

import uuid

from tests.faults.stage import Stage
from tests.support.endpoint import Behaviour
from tests.support.product import wait_for
from tests.support.sound import wav


def test_a_worker_killed_while_a_voice_is_made(stage: Stage) -> None:
    local, name = stage.endpoint("local"), f"Voice {uuid.uuid4()}"
    local.script(adds=[Behaviour(hold=True)])
    form = {
        "title": name,
        "may_use": "on",
        "once": str(uuid.uuid4()),
        "endpoint": str(stage.inside.ask("endpoint_pk", "local")),
        "csrfmiddlewaretoken": stage.person.form()["csrfmiddlewaretoken"],
    }
    answer = stage.person.http.post("/?makes=voice", data=form, files={"audio": ("me.wav", wav(12))})
    assert answer.status_code == 303, answer.text
    wait_for(lambda: local.held == 1, "the endpoint makes it")
    stage.product.kill("calls")
    local.release()
    wait_for(lambda: made(stage, name) == 1, "it is made, and nobody is told")
    stage.inside.ask("sync", "local")
    assert stage.inside.ask("own_voice", name) == {"state": "adding", "team": None, "everybodys": 0}
    stage.inside.ask("leases_of_voices_run_out")
    wait_for(lambda: stage.inside.ask("own_voice", name)["state"] == "ready", "another worker has found it")
    stage.inside.ask("sync", "local")
    found = stage.inside.ask("own_voice", name)
    assert found["team"] is not None
    assert found["everybodys"] == 0
    assert made(stage, name) == 1


def made(stage: Stage, name: str) -> int:
    ledger = stage.endpoint("local").ledger
    with ledger.lock:
        return sum(voice["name"] == name for voice in ledger.voices)
