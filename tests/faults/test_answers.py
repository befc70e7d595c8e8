"""What endpoints answer on bad days, all at once: one recording a fault, each with a voice of its own."""

from __future__ import annotations

import base64
import io
import wave
from collections import Counter
from dataclasses import dataclass, replace

import pytest

from tests.faults.conftest import ON_POSTGRESQL
from tests.faults.promises import assert_ready, ids_of
from tests.faults.stage import SLOTS, Stage
from tests.support.endpoint import REVOKED, SYSTEM_BUSY, TOO_MANY, Behaviour, Endpoint, detail, parameter_error
from tests.support.product import wait_for
from tests.support.sound import phrase

pytestmark = ON_POSTGRESQL

SOON = {"retry-after": "1"}
PAGE = Behaviour(body="<html><title>Sign in</title></html>", content_type="text/html")
BROKEN = b"RIFF\xff\xff\xff\x7fWAVE" + bytes(2000)


def wav_of(seconds: float, rate_hz: int) -> str:
    sink = io.BytesIO()
    with wave.open(sink, "wb") as file:
        file.setparams((1, 2, rate_hz, 0, "NONE", ""))
        file.writeframes(phrase(seconds, 7, rate_hz)[44:])
    return base64.b64encode(sink.getvalue()).decode()


@dataclass(frozen=True)
class Case:
    """What the first call gets (the next ones are answered), and what becomes of it at the endpoint that bills."""

    first: Behaviour
    calls_local: int = 2
    calls_paid: int = 2
    billed: int = 1
    ends: str = "ready"  # where it bills; an error's code else
    ends_local: str = "ready"
    says: str = ""  # the page, of one that is ready


# Nothing was done: asked again.
REFUSED = {
    "too many": Case(TOO_MANY),
    "too many, soon": Case(replace(TOO_MANY, headers=TOO_MANY.headers | SOON)),
    "busy": Case(SYSTEM_BUSY),
    "busy, soon": Case(replace(SYSTEM_BUSY, headers=SOON)),
    "500": Case(Behaviour(status=500)),
    "503": Case(Behaviour(status=503)),
    "413": Case(Behaviour(status=413), 1, 1, 0, "status_413", "status_413"),
    "422": Case(
        Behaviour(status=422, body=parameter_error("body", "seed", msg="bad")), 1, 1, 0, "rejected", "rejected"
    ),
}
# The work was done and the answer lost: where it bills, its history has it.
LOST = {
    "502": Case(Behaviour(status=502, billed_anyway=True), calls_paid=1),
    "504": Case(Behaviour(status=504, billed_anyway=True), calls_paid=1),
    "408": Case(Behaviour(status=408, billed_anyway=True), calls_paid=1),
    "reset": Case(Behaviour(fault="reset"), calls_paid=1),
    "closed": Case(Behaviour(fault="close"), calls_paid=1),
    "reset in the body": Case(Behaviour(fault="reset_body"), calls_paid=1),
    "cut": Case(Behaviour(fault="cut_body"), calls_paid=1),
    "HTML": Case(PAGE, calls_paid=1),
}
# The same without a trace in the history: only a person may spend again.
UNCLEAR = {
    "502": Case(Behaviour(status=502), calls_paid=1, billed=0, ends="unclear"),
    "504": Case(Behaviour(status=504, billed_anyway=True, in_history=False), calls_paid=1, ends="unclear"),
    "408": Case(Behaviour(status=408), calls_paid=1, billed=0, ends="unclear"),
    "reset": Case(Behaviour(fault="reset", in_history=False), calls_paid=1, ends="unclear"),
    "cut": Case(Behaviour(fault="cut_body", in_history=False), calls_paid=1, ends="unclear"),
    "HTML": Case(replace(PAGE, in_history=False), calls_paid=1, ends="unclear"),
}
# Longer than CALL_DEADLINE_S: the deadline ends what the limit of silence never would. Where nothing is billed it isn't
# begun again, and fails: it would take as long again.
LATE = {
    "hang": Case(Behaviour(fault="hang", billed_anyway=True), calls_local=1, calls_paid=1, ends_local="deadline"),
    "hang in the body": Case(Behaviour(fault="hang_body"), calls_local=1, calls_paid=1, ends_local="deadline"),
    "one byte a second": Case(Behaviour(trickle_s=1.0), calls_local=1, calls_paid=1, ends_local="deadline"),
}
# A whole answer that isn't what was asked for. It was billed, so it is never asked for again by itself.
ODD = {
    "truncated": Case(Behaviour(audio_part=0.5), 1, 1, says="shorter than it should be (1.0 s instead of 2.0 s)"),
    "another format": Case(Behaviour(audio_base64=wav_of(2.0, 44100)), 1, 1),
    "half as long": Case(
        Behaviour(audio_base64=wav_of(1.0, 16000)), 1, 1, says="shorter than it should be (1.0 s instead"
    ),
    "twice as long": Case(
        Behaviour(audio_base64=wav_of(4.0, 16000)), 1, 1, says="longer than it should be (4.0 s instead"
    ),
    "not audio": Case(
        Behaviour(audio_base64=base64.b64encode(BROKEN).decode()), 1, 1, 1, "answer_not_audio", "answer_not_audio"
    ),
}


# An endpoint that fails five times in a row is paused; that is another test's subject.
AT_ONCE = 4


def run(stage: Stage, to: str, cases: dict[str, Case]) -> list[str]:
    """Submits one recording a case, checks its end and its calls, and returns their addresses."""
    titles, addresses = list(cases), []
    for first in range(0, len(cases), AT_ONCE):
        stage.inside.ask("refresh_endpoints", SLOTS)
        addresses += run_at_once(stage, to, {title: cases[title] for title in titles[first : first + AT_ONCE]})
    return addresses


def run_at_once(stage: Stage, to: str, cases: dict[str, Case]) -> list[str]:
    endpoint = stage.endpoint(to)
    endpoint.ledger.clear()
    voice = {title: f"v{number}" for number, title in enumerate(cases)}
    endpoint.script(voices={voice[title]: [case.first] for title, case in cases.items()})
    addresses = [stage.submit(title, to=to, voice=voice[title]) for title in cases]
    facts = stage.promises(addresses, to=to, timeout_s=90)
    asked, billed = by_voice(endpoint), by_voice(endpoint, billed=True)
    for (title, case), fact in zip(cases.items(), facts, strict=True):
        assert (fact["error_code"] or fact["status"]) == (case.ends if to == "paid" else case.ends_local), title
        assert asked[voice[title]] == (case.calls_paid if to == "paid" else case.calls_local), title
        if to == "paid":
            assert billed[voice[title]] == case.billed, title
    return addresses


def by_voice(endpoint: Endpoint, *, billed: bool = False) -> Counter[str]:
    calls = [request for request in endpoint.requests if request.method == "POST" and (request.billed or not billed)]
    return Counter(request.voice_id for request in calls)


@pytest.mark.parametrize("to", ["local", "paid"])
def test_it_says_no(stage: Stage, to: str) -> None:
    run(stage, to, REFUSED)


@pytest.mark.parametrize("to", ["local", "paid"])
def test_its_answer_is_lost(stage: Stage, to: str) -> None:
    run(stage, to, LOST)


@pytest.mark.parametrize("to", ["local", "paid"])
def test_it_takes_for_ever(stage: Stage, to: str) -> None:
    run(stage, to, LATE)


@pytest.mark.parametrize("to", ["local", "paid"])
def test_it_answers_with_something_odd(stage: Stage, to: str) -> None:
    for address, case in zip(run(stage, to, ODD), ODD.values(), strict=True):
        page = stage.person.http.get(address).text
        assert case.says in page
        assert ("than it should be" in page) == bool(case.says)


def test_what_is_unclear_is_sent_again_only_when_a_person_says_so(stage: Stage) -> None:
    addresses = run(stage, "paid", UNCLEAR)
    stage.paid.ledger.clear()
    assert all("may have been billed" in stage.words(address) for address in addresses)
    assert "may have been billed" in stage.person.http.get(addresses[0]).text
    assert stage.inside.ask("press", "retry", ids_of(addresses)) == [True] * len(addresses)
    facts = stage.promises(addresses, to="paid")
    assert_ready(facts)
    assert stage.paid.calls == len(addresses)


def test_an_answer_of_somebody_else_is_not_taken_for_a_lost_one(stage: Stage) -> None:
    """The same voice at the same time: only the performance tells them apart."""
    stage.paid.script(Behaviour(), Behaviour(fault="reset", in_history=False), Behaviour())
    addresses = [stage.submit(to="paid")]
    stage.promises(addresses, to="paid")
    lost = stage.submit(to="paid")
    addresses.append(lost)
    wait_for(lambda: stage.paid.calls == 2, "its answer is lost")
    addresses.append(stage.submit(to="paid"))
    facts = stage.promises(addresses, to="paid")
    assert [fact["error_code"] for fact in facts] == ["", "unclear", ""]


@pytest.mark.parametrize("to", ["local", "paid"])
def test_nobody_listens_there_for_a_while(stage: Stage, to: str) -> None:
    endpoint = stage.endpoint(to)
    with endpoint.down():
        addresses = [stage.submit(to=to) for _ in range(8)]
        wait_for(lambda: stage.inside.ask("endpoints")[key(to)]["held"], "the endpoint is paused")
        assert not {"failed", "ready"} & set(stage.states(addresses))
        assert "safe" in stage.inside.ask("endpoints")[key(to)]["why"]
    facts = stage.promises(addresses, to=to, timeout_s=90)
    assert_ready(facts)
    assert endpoint.calls == 8


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(REVOKED, id="401"),
        pytest.param(Behaviour(status=402, body=detail("payment_required", "Pay first.")), id="402"),
    ],
)
def test_the_account_is_refused_and_comes_back(stage: Stage, refusal: Behaviour) -> None:
    stage.paid.script(everything=refusal)
    addresses = [stage.submit(to="paid") for _ in range(6)]
    wait_for(lambda: stage.inside.ask("endpoints")["elevenlabs"]["held"], "the endpoint is paused")
    wait_for(lambda: set(stage.states(addresses)) == {"converting"}, "all are prepared, and wait")
    assert "safe" in stage.inside.ask("endpoints")["elevenlabs"]["why"]
    stage.paid.script()
    facts = stage.promises(addresses, to="paid", timeout_s=90)
    assert_ready(facts)
    assert stage.paid.billed == 6


def test_the_key_is_revoked_in_the_middle_of_200_recordings(stage: Stage) -> None:
    stage.paid.script(*[Behaviour(delay_s=0.05)] * 60, default=Behaviour(hold=True))
    with stage.frozen("calls"):
        addresses = [stage.submit(to="paid", voice=f"v{number % 30}", seconds=0.5) for number in range(200)]
    wait_for(lambda: stage.paid.held == SLOTS, "a part of them is done")
    stage.paid.script(everything=REVOKED)
    stage.paid.release()
    wait_for(lambda: stage.inside.ask("endpoints")["elevenlabs"]["held"], "the endpoint is paused")
    wait_for(lambda: stage.paid.billed == 60 + SLOTS, "what was under way is done")
    stage.paid.script()
    facts = stage.promises(addresses, to="paid", timeout_s=150)
    assert_ready(facts)
    assert stage.paid.billed == 200
    refused = sum(call["outcome"] == "refused" for fact in facts for call in fact["calls"])
    assert 1 <= refused <= 30, "after the first refusals nothing more was sent"


def key(to: str) -> str:
    return "elevenlabs" if to == "paid" else "local"
