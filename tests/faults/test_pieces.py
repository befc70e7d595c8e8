"""A recording in pieces, whose workers are killed at each kind of step: it is joined, and nothing is paid for twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.faults.promises import ids_of
from tests.faults.stage import KEYS, Stage
from tests.support.dialogue import RATE_HZ, conversation
from tests.support.endpoint import Behaviour
from tests.support.product import wait_for
from tests.support.sound import as_wav

MOST_S = 20.0
PIECES = 4
TALK_S = 60.0  # listened to for some seconds
SPEAKS = Behaviour(speaks=True, most_s=MOST_S)


@pytest.fixture(params=["local", "paid"])
def to(request: pytest.FixtureRequest, stage: Stage) -> Iterator[str]:
    stage.inside.ask("take_at_most", KEYS[request.param], MOST_S)
    yield request.param
    stage.inside.ask("take_at_most", KEYS[request.param], None)


def test_killed_while_it_is_found_who_speaks(stage: Stage) -> None:
    """In the middle of listening. It is done once, and the recording itself isn't touched."""
    talk, said = conversation(["man_librivox", "woman_prompts"], TALK_S)
    address = stage.submit(audio=as_wav(talk, RATE_HZ))
    before = ended(stage, address)
    press(stage, f"{address}parts/speakers/")
    wait_for(lambda: "speakers running" in steps(stage, address), "it is being listened to")
    with stage.product.frozen("cpu"):
        assert "speakers running" in steps(stage, address), "it was over before anybody looked"
        stage.kill("cpu")
    wait_for(lambda: "speakers done" in steps(stage, address), lambda: f"it is found: {steps(stage, address)}")
    fact = fact_of(stage, address)
    assert [step["attempt"] for step in fact["steps"] if step["kind"] == "speakers"] == [2]
    (turns,) = fact["turns"]
    assert {speaker for _start, _end, speaker in turns} == {0, 1}
    assert turns[0][0] == pytest.approx(said[0].start_s, abs=0.5)
    assert turns[-1][1] == pytest.approx(said[-1].end_s, abs=0.5)
    assert "2 speakers were found." in stage.person.http.get(f"{address}parts/").text
    assert fact["events"] == [*before["events"], "interrupted"]
    assert (fact["status"], fact["output"]) == ("ready", before["output"])
    stage.promises([address])


def test_killed_while_pieces_are_under_way(stage: Stage, to: str) -> None:
    """Two calls lose their answers, before they begin and in their middle; the others are done, or wait."""
    endpoint = stage.endpoint(to)
    endpoint.script(replace(SPEAKS, hold=True), SPEAKS, replace(SPEAKS, hold_body=True), default=SPEAKS)
    address = stage.submit(to=to, seconds=60.0)
    wait_for(lambda: endpoint.held == 2 and done(stage, address) == PIECES - 2, "two calls are under way")
    stage.kill("calls")
    endpoint.release()
    fact = ended(stage, address)
    assert [step["status"] for step in fact["steps"]] == ["done"] * (PIECES + 2)
    # What is free is called again; what was paid for is found in the history.
    assert endpoint.calls == (PIECES if to == "paid" else PIECES + 2)
    assert len([call for call in fact["calls"] if call["outcome"] == "answered"]) == PIECES
    stage.promises([address], to=to)


def test_killed_while_it_is_prepared_and_while_it_is_joined(stage: Stage, to: str) -> None:
    """Each time in the middle of the work: while a decoder reads the recording, and while the result is encoded."""
    endpoint = stage.endpoint(to)
    endpoint.script(default=SPEAKS)
    with stage.product.frozen("decoders"):
        address = stage.submit(to=to, seconds=60.0, output_format="mp3_44100_128")
        wait_for(lambda: "prepare running" in steps(stage, address), "it is being prepared")
        stage.kill("cpu")
    redos = 0
    while not killed_while_joining(stage, address):
        ended(stage, address)  # it was joined before anybody looked
        redo(stage, address, 1)
        redos += 1
    fact = ended(stage, address)
    assert fact["events"].count("ready") == 1
    assert endpoint.calls == PIECES + redos
    assert [step["attempt"] for step in fact["steps"] if step["kind"] == "prepare"] == [2]
    assert max(step["attempt"] for step in fact["steps"] if step["kind"] == "assemble") > 1
    assert {step["status"] for step in fact["steps"]} == {"done"}
    stage.promises([address], to=to)


def killed_while_joining(stage: Stage, address: str) -> bool:
    def joining() -> bool:
        return "assemble running" in steps(stage, address)

    wait_for(lambda: joining() or stage.state(address) == "ready", "it is being joined")
    with stage.product.frozen("cpu"):
        caught = joining()
        if caught:
            stage.kill("cpu")
    return caught


def test_killed_while_a_piece_is_converted_once_more_and_while_all_are_joined_anew(stage: Stage, to: str) -> None:
    endpoint = stage.endpoint(to)
    endpoint.script(default=SPEAKS)
    address = stage.submit(to=to, seconds=60.0)
    first = ended(stage, address)["output"]
    endpoint.script(replace(SPEAKS, hold_body=True), default=SPEAKS)
    redo(stage, address, 2)
    wait_for(lambda: endpoint.held == 1, "its call is under way")
    stage.kill("calls")
    endpoint.release()
    second = redone(stage, address, 1)
    # Free, it was called again; paid for, its answer was found in the history.
    assert endpoint.calls == PIECES + (1 if to == "paid" else 2)
    with stage.frozen("cpu"):
        redo(stage, address, 3)
        wait_for(lambda: "assemble waiting" in steps(stage, address), "it is to be joined anew")
        stage.product.kill("cpu")
    assert len({first, second, redone(stage, address, 2)}) == 3
    stage.promises([address], to=to)


def test_a_plan_that_allows_two_slots_converts_all_of_it(stage: Stage, to: str) -> None:
    """What it refuses because it is busy is sent again, and nothing of it is paid for twice."""
    endpoint, held = stage.endpoint(to), replace(SPEAKS, hold=True)
    endpoint.script(held, held, default=SPEAKS, slots=2)
    address = stage.submit(to=to, seconds=60.0)
    wait_for(lambda: endpoint.held == 2 and "refused" in outcomes(stage, address), "two are under way, one was refused")
    endpoint.release()
    fact = ended(stage, address)
    assert [step["status"] for step in fact["steps"]] == ["done"] * (PIECES + 2)
    assert outcomes(stage, address).count("answered") == PIECES
    stage.promises([address], to=to)


def redo(stage: Stage, address: str, number: int) -> None:
    press(stage, f"{address}pieces/{number}/redo/")


def press(stage: Stage, address: str) -> None:
    token = stage.person.form()["csrfmiddlewaretoken"]
    answer = stage.person.http.post(address, data={"csrfmiddlewaretoken": token})
    assert answer.status_code in (302, 303)


def redone(stage: Stage, address: str, times: int) -> str:
    """The result with so many pieces converted once more, which nothing is left to do for."""

    def is_over() -> bool:
        said = [step.split()[1] for step in steps(stage, address)]
        return fact_of(stage, address)["events"].count("redone") == times and set(said) == {"done"}

    wait_for(is_over, lambda: f"it is joined anew: {steps(stage, address)}", 90)
    return str(ended(stage, address)["output"])


def steps(stage: Stage, address: str) -> list[str]:
    return [f"{step['kind']} {step['status']}" for step in fact_of(stage, address)["steps"]]


def outcomes(stage: Stage, address: str) -> list[str]:
    """Of its calls."""
    return [str(call["outcome"]) for call in fact_of(stage, address)["calls"]]


def fact_of(stage: Stage, address: str) -> dict[str, Any]:
    (fact,) = stage.inside.ask("survey", ids_of([address]))
    return dict(fact)


def done(stage: Stage, address: str) -> int:
    """Of its pieces."""
    steps = fact_of(stage, address)["steps"]
    return sum(step["kind"] == "convert" and step["status"] == "done" for step in steps)


def ended(stage: Stage, address: str) -> dict[str, Any]:
    wait_for(lambda: stage.state(address) in ("ready", "failed"), "it is over", 90)
    fact = fact_of(stage, address)
    assert fact["status"] == "ready", fact["error"]
    return fact
