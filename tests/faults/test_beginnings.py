"""What of a long answer could be heard, when its worker is killed: it is neither a result nor left behind."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.conftest import ON_POSTGRESQL
from tests.faults.stage import Stage
from tests.support.endpoint import Behaviour
from tests.support.product import wait_for

# It is about the file of what has come, of which no database knows; test_pieces.py kills workers on both.
pytestmark = ON_POSTGRESQL
SPEAKS = Behaviour(speaks=True)
# Half of it comes in some six seconds, the rest never.
SLOW = replace(SPEAKS, block_s=0.35, hold_body=True)


@pytest.mark.parametrize("to", ["local", "paid"])
def test_killed_while_somebody_listens(stage: Stage, to: str) -> None:
    endpoint = stage.endpoint(to)
    endpoint.script(SLOW, default=SPEAKS)
    address = stage.submit(to=to, seconds=70.0)
    wait_for(lambda: endpoint.held == 1 and link(stage, address), "half of it has come and can be listened to")
    begun = link(stage, address)
    heard = stage.person.http.get(begun)
    assert (heard.status_code, heard.headers["content-type"]) == (200, "audio/wav")
    assert len(heard.content) > 100_000
    assert parts(stage)
    stage.kill("calls")
    endpoint.release()
    wait_for(lambda: stage.state(address) in ("ready", "failed"), "it is over", 90)
    stage.promises([address], to=to)
    # What is free is called again; what was paid for is found in the history. What was heard is never the result.
    assert endpoint.calls == (1 if to == "paid" else 2)
    assert len(stage.person.http.get(f"{address}download/").content) > 2_200_000
    assert parts(stage) == []
    # Of a call that was lost for good nothing is heard any more; of one whose answer was found, the same as before.
    again = stage.person.http.get(begun)
    assert again.status_code == (200 if to == "paid" else 404)
    assert to == "local" or again.content == heard.content


def link(stage: Stage, address: str) -> str:
    found = re.search(r'id="listen-begun" href="([^"]+)"', stage.person.http.get(address).text)
    return found[1] if found else ""


def parts(stage: Stage) -> list[Path]:
    return list((Path(stage.product.data_dir) / "media").rglob("*.part"))
