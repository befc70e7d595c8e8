"""A paid answer that was lost on the way is looked for in the endpoint's history before anything is paid again."""

from __future__ import annotations

import io
import uuid
from typing import Any

import pytest

from conversions import actions
from conversions.files import durable
from conversions.models import Call, Conversion, Step
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.steps import reconcile
from conversions.upkeep import sweeper
from conversions.upkeep.worker import work
from s2s.audio import decode, encode, examine
from tests.conversions.conftest import Submit, work_all, work_until_done
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.sound import phrase, wav
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)

DATA = phrase()


@pytest.fixture(autouse=True)
def billed(endpoint: Endpoint) -> None:
    endpoint.billed = True
    endpoint.credits_per_minute = 1000
    endpoint.save()


def calls(scripted: ScriptedEndpoint) -> int:
    return sum(request.method == "POST" for request in scripted.requests)


def lookups(scripted: ScriptedEndpoint) -> int:
    return sum(request.path == "/v1/history" for request in scripted.requests)


def kinds(conversion: Conversion) -> list[str]:
    return list(conversion.events.values_list("kind", flat=True))


def output(conversion: Conversion) -> bytes:
    with durable.open_file(conversion.output) as file:
        return file.read()


def lose(scripted: ScriptedEndpoint) -> None:
    """The next call is worked on and billed, and its answer never comes."""
    scripted.script(Behaviour(fault="reset"))


def replace_history(scripted: ScriptedEndpoint, audio: bytes) -> None:
    (scripted.ledger.folder / scripted.ledger.history[0]["history_item_id"]).write_bytes(audio)


def test_it_is_found_and_nothing_is_paid_twice(submit: Submit, scripted: ScriptedEndpoint) -> None:
    lose(scripted)
    conversion = submit(data=DATA)
    work_until_done(conversion)

    assert conversion.status == Conversion.Status.READY, conversion.error
    assert output(conversion) == DATA
    assert (calls(scripted), scripted.billed) == (1, 1)
    assert kinds(conversion) == ["submitted", "prepared", "sent", "delayed", "looked_up", "ready"]
    call = conversion.calls.get()
    assert (call.outcome, call.history_item_id, call.credits) == (Call.Outcome.ANSWERED, "item-1", 17)


def lost_one(submit: Submit, scripted: ScriptedEndpoint) -> Conversion:
    """A recording whose answer was lost on its way."""
    lose(scripted)
    conversion = submit(data=DATA)
    work_all()
    return conversion


def assert_found(conversion: Conversion, scripted: ScriptedEndpoint) -> None:
    """Its answer was searched for, and it was not called for again."""
    work_until_done(conversion)
    assert conversion.status == Conversion.Status.READY, conversion.error
    assert calls(scripted) == 1


def test_it_is_found_after_its_worker_vanished(submit: Submit, scripted: ScriptedEndpoint) -> None:
    lose(scripted)
    conversion = submit(data=DATA)
    work(claim(Lane.CPU))
    vanished = claim(Lane.CALLS)
    work(vanished)
    # As it stands when the worker dies before it hears of the reset: the row still says "sent". Under another token,
    # because this process lives, and may just be renewing the one that it had.
    token = uuid.uuid4()
    conversion.calls.update(outcome=Call.Outcome.SENT, token=token)
    Step.objects.filter(pk=vanished.step_id).update(
        status=Step.Status.RUNNING, lease_token=token, lease_until=conversion.created_at
    )
    assert sweeper.recover() == 1
    assert_found(conversion, scripted)


def test_an_item_that_appears_late_is_found_too(submit: Submit, scripted: ScriptedEndpoint) -> None:
    conversion = lost_one(submit, scripted)
    late = scripted.ledger.history.pop()
    Step.objects.update(not_before=conversion.created_at)
    work_all()
    assert conversion.calls.get().lookups == 1
    scripted.ledger.history.append(late)
    assert_found(conversion, scripted)


def test_without_an_item_it_is_unclear_until_a_person_says_retry(
    submit: Submit, scripted: ScriptedEndpoint, cast: Any
) -> None:
    conversion = lost_one(submit, scripted)
    scripted.ledger.history.clear()
    work_until_done(conversion)

    assert (conversion.status, conversion.error_code) == (Conversion.Status.FAILED, "unclear")
    assert "may have been billed" in conversion.error
    assert "not found in the history" in conversion.error
    assert conversion.steps.get(kind=Step.Kind.CONVERT).status == Step.Status.UNCLEAR
    assert (calls(scripted), lookups(scripted)) == (1, 2)
    assert conversion.calls.get().credits == pytest.approx(50)

    assert actions.retry(conversion, cast.alice)
    work_until_done(conversion)
    assert conversion.status == Conversion.Status.READY
    assert (calls(scripted), lookups(scripted)) == (2, 2)
    assert sorted(conversion.calls.values_list("outcome", flat=True)) == ["answered", "unclear"]


def slower(data: bytes) -> bytes:
    """The same samples at half the rate."""
    return data[:24] + (8000).to_bytes(4, "little") + (16000).to_bytes(4, "little") + data[32:]


OTHERS = {"passage": phrase(seed=1), "longer": phrase(seconds=6.0), "slower": slower(DATA), "tone": wav(3.0)}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_another_performance_is_never_taken(submit: Submit, scripted: ScriptedEndpoint, other: bytes) -> None:
    conversion = lost_one(submit, scripted)
    replace_history(scripted, other)
    work_until_done(conversion)
    assert conversion.error_code == "unclear"
    assert conversion.calls.get().history_item_id == ""


def test_of_two_that_were_lost_only_one_gets_the_item(submit: Submit, scripted: ScriptedEndpoint) -> None:
    scripted.script(Behaviour(fault="reset"), Behaviour(fault="reset"))
    first, second = submit(data=DATA), submit(data=DATA)
    work_all()
    scripted.ledger.history.pop()
    work_until_done(first, second)
    assert sorted([first.error_code, second.error_code]) == ["", "unclear"]
    assert calls(scripted) == 2


def test_an_item_of_an_answered_call_is_not_found_again(submit: Submit, scripted: ScriptedEndpoint) -> None:
    answered = submit(data=DATA)
    work_until_done(answered)
    lose(scripted)
    lost = submit(data=DATA)
    work_all()
    assert scripted.ledger.history.pop(0)["history_item_id"] == "item-2"
    work_until_done(lost)
    assert lost.error_code == "unclear"


NOT_WORKED_ON = Behaviour(status=502)
UNNAMED = {"history-item-id": "", "request-id": ""}


@pytest.mark.parametrize(
    "unsent", [["history-item-id"], ["request-id"], list(UNNAMED)], ids=["item", "request", "both"]
)
def test_an_item_of_another_call_is_not_taken_whatever_its_answer_named(
    submit: Submit, scripted: ScriptedEndpoint, unsent: list[str]
) -> None:
    scripted.script(Behaviour(headers=dict.fromkeys(unsent, "")), NOT_WORKED_ON)
    answered = submit(data=DATA, voice_settings={"stability": 0.1})
    work_until_done(answered)
    lost = submit(data=DATA, voice_settings={"stability": 0.9})
    work_until_done(lost)
    assert (answered.status, lost.error_code) == (Conversion.Status.READY, "unclear")
    assert lost.calls.get().outcome == Call.Outcome.UNCLEAR
    assert [item["request_id"] for item in scripted.ledger.history] == ["request-1"]


def test_an_item_of_a_call_whose_answer_is_on_its_way_is_not_taken(submit: Submit, scripted: ScriptedEndpoint) -> None:
    scripted.script(Behaviour(), Behaviour(fault="reset"))
    other = submit(data=DATA)
    work_until_done(other)
    names = other.calls.values("request_id", "history_item_id").get()
    other.calls.update(outcome=Call.Outcome.SENT, request_id="", history_item_id="")
    lost = submit(data=DATA)
    work_all()
    Step.objects.filter(conversion=lost).update(not_before=lost.created_at)
    work_all()
    lost.refresh_from_db()
    assert (lost.status, lost.calls.get().lookups) == (Conversion.Status.CONVERTING, 1)

    other.calls.update(outcome=Call.Outcome.ANSWERED, **names)
    work_until_done(lost)
    assert (lost.status, lost.calls.get().history_item_id) == (Conversion.Status.READY, "item-2")


def test_an_unnamed_call_of_another_recording_is_no_hindrance(submit: Submit, scripted: ScriptedEndpoint) -> None:
    scripted.script(Behaviour(headers=UNNAMED), Behaviour(fault="reset"))
    other, lost = submit(data=phrase(seconds=6.0)), submit(data=DATA)
    work_until_done(other, lost)
    assert (lost.status, lost.calls.get().history_item_id) == (Conversion.Status.READY, "item-2")


def test_nor_is_any_when_the_lost_answer_named_its_request(submit: Submit, scripted: ScriptedEndpoint) -> None:
    scripted.script(Behaviour(headers=UNNAMED), Behaviour(fault="cut_body"))
    other, lost = submit(data=DATA), submit(data=DATA)
    work_until_done(other, lost)
    assert (lost.status, lost.calls.get().request_id) == (Conversion.Status.READY, "request-2")


@pytest.mark.parametrize("apart_s", [-300, 300])
def test_the_clock_there_may_be_minutes_off(submit: Submit, scripted: ScriptedEndpoint, apart_s: int) -> None:
    conversion = lost_one(submit, scripted)
    scripted.ledger.history[0]["date_unix"] += apart_s
    assert_found(conversion, scripted)


def test_what_others_have_leaves_room_for_what_is_looked_at(submit: Submit, scripted: ScriptedEndpoint) -> None:
    conversion = lost_one(submit, scripted)
    (ours,) = scripted.ledger.history
    lost = conversion.calls.get()
    for number in range(2 * reconcile.MOST_CANDIDATES):
        name = f"other-{number}"
        scripted.ledger.history.append(ours | {"history_item_id": name, "request_id": name})
        fields = {"endpoint": lost.endpoint, "team": lost.team, "attempt": 1, "seconds": 3.0, "outcome": "answered"}
        Call.objects.create(**fields, token=uuid.uuid4(), request_id=name)
    ours["date_unix"] += 300  # all of theirs are nearer
    work_until_done(conversion)
    assert conversion.status == Conversion.Status.READY, conversion.error
    assert sum(request.path.endswith("/audio") for request in scripted.requests) == 1


def test_zero_retention_leaves_nothing_to_find(submit: Submit, scripted: ScriptedEndpoint, endpoint: Endpoint) -> None:
    Endpoint.objects.update(zero_retention=True)
    lose(scripted)
    conversion = submit(data=DATA, enable_logging=False)
    work_until_done(conversion)
    assert conversion.error_code == "unclear"
    assert "zero retention" in conversion.error
    assert (calls(scripted), lookups(scripted)) == (1, 0)


def test_what_comes_as_mp3_is_encoded_as_it_was_ordered(submit: Submit, scripted: ScriptedEndpoint) -> None:
    lose(scripted)
    conversion = submit(data=DATA, output_format="wav_48000")
    work_all()
    mp3 = io.BytesIO()
    encode(decode(io.BytesIO(DATA), sample_rate_hz=44_100), mp3, "mp3", 44_100, 128, input_rate_hz=44_100)
    replace_history(scripted, mp3.getvalue())
    work_until_done(conversion)

    assert conversion.status == Conversion.Status.READY, conversion.error
    found = examine(io.BytesIO(output(conversion)))
    assert (found.codec, found.sample_rate_hz, found.samples) == ("pcm_s16le", 48_000, 3 * 48_000)


def test_samples_without_a_header_are_found_as_they_were_ordered(submit: Submit, scripted: ScriptedEndpoint) -> None:
    lose(scripted)
    conversion = submit(data=DATA, output_format="pcm_16000")
    work_all()
    replace_history(scripted, DATA[44:])
    work_until_done(conversion)
    assert conversion.status == Conversion.Status.READY, conversion.error
    assert output(conversion) == DATA[44:]


def test_an_endpoint_without_a_history(submit: Submit, scripted: ScriptedEndpoint) -> None:
    conversion = lost_one(submit, scripted)
    scripted.ledger.script.gets = [Behaviour(status=404, body='{"detail": "Not Found"}')]
    work_until_done(conversion)
    assert conversion.error_code == "unclear"
    assert "history could not be read" in conversion.error


def test_a_history_that_is_busy_is_asked_again(submit: Submit, scripted: ScriptedEndpoint) -> None:
    conversion = lost_one(submit, scripted)
    # The client asks three times by itself.
    scripted.ledger.script.gets = [Behaviour(status=503, headers={"retry-after": "0"}) for _ in range(3)]
    assert_found(conversion, scripted)


def test_a_retry_where_nobody_said_unclear_looks_again_and_does_not_pay_again(
    submit: Submit, scripted: ScriptedEndpoint, cast: Any, settings: Any
) -> None:
    settings.MAX_ATTEMPTS = 2
    conversion = lost_one(submit, scripted)
    scripted.ledger.script.gets = [Behaviour(status=429, headers={"retry-after": "0"}) for _ in range(3)]
    work_until_done(conversion)
    assert (conversion.status, conversion.steps.get(kind=Step.Kind.CONVERT).status) == ("failed", "failed")

    assert actions.retry(conversion, cast.alice)
    work_until_done(conversion)
    assert conversion.status == Conversion.Status.READY, conversion.error
    assert (calls(scripted), scripted.billed) == (1, 1)


def test_an_unforeseen_error_after_sending_does_not_send_again(
    submit: Submit, scripted: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversion = submit(data=DATA)
    work(claim(Lane.CPU))

    def fail(*_: Any) -> None:
        raise RuntimeError("nobody foresaw this")

    with monkeypatch.context() as patched:
        patched.setattr(durable, "store_result", fail)
        work(claim(Lane.CALLS))
    assert conversion.calls.get().outcome == Call.Outcome.UNCLEAR
    work_until_done(conversion)
    assert conversion.status == Conversion.Status.READY
    assert (calls(scripted), scripted.billed) == (1, 1)
