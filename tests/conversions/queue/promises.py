"""What must hold at any moment of a random life: nothing is lost, asked for again, or silently paid twice."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from conversions.files import durable, inventory
from conversions.ground.clock import db_now
from conversions.models import Call, Conversion, Event, Step
from statements import Select
from tests.conversions.queue.world import SLOTS, Recording, World, stored
from tests.support.endpoint import Request


class _Conversion(NamedTuple):
    pk: UUID
    source: str
    output: str
    status: str
    error_code: str
    error: str
    deleted_at: datetime | None


class _Step(NamedTuple):
    conversion_id: UUID
    status: str
    result: str
    endpoint_id: int | None
    lease_token: UUID | None
    lease_until: datetime | None


# Looked at after all that happens: what Django takes to write these was most of what a life cost.
_conversions = Select(lambda: Conversion.objects.order_by().values_list(*_Conversion._fields))
_steps = Select(lambda: Step.objects.order_by().values_list(*_Step._fields))
_events = Select(lambda: Event.objects.order_by().values_list("conversion_id", "kind"))
_calls = Select(lambda: Call.objects.order_by().values_list("conversion_id", "outcome"))


class _Rows:
    """All that there is."""

    def __init__(self) -> None:
        self.conversions = {row[0]: _Conversion(*row) for row in _conversions.rows()}
        self.steps = [_Step(*row) for row in _steps.rows()]
        self._events, self._calls = _events.rows(), _calls.rows()

    def steps_of(self, conversion: _Conversion) -> list[_Step]:
        return [step for step in self.steps if step.conversion_id == conversion.pk]

    def events_of(self, conversion: _Conversion) -> list[Any]:
        return [kind for of, kind in self._events if of == conversion.pk]

    def calls_of(self, conversion: _Conversion) -> list[Any]:
        """What became of each."""
        return [outcome for of, outcome in self._calls if of == conversion.pk]


def assert_kept(world: World, recordings: list[Recording]) -> None:
    """Of each recording, and of the queue as a whole."""
    rows = _Rows()
    for recording in recordings:
        conversion = rows.conversions.get(recording.id)
        assert (conversion is None) == recording.erased
        if conversion is not None:
            assert (conversion.deleted_at is not None) == recording.deleted
            _is_kept(recording, conversion, rows)
            _is_not_asked_again(world, recording)
        if recording.billed:
            _is_not_paid_twice(world, recording, rows.calls_of(conversion) if conversion else None)
    running, now = Counter[int | None](), db_now()
    for step in rows.steps:
        if step.status == Step.Status.RUNNING:
            assert step.lease_token is not None
            assert step.lease_until is not None
            running[step.endpoint_id] += step.endpoint_id is not None and step.lease_until > now
        else:
            assert step.lease_token is None
    assert max(running.values(), default=0) <= SLOTS


def _is_kept(recording: Recording, conversion: _Conversion, rows: _Rows) -> None:
    assert stored(conversion.source) == recording.audio
    unfinished = {step.status for step in rows.steps_of(conversion)} & {Step.Status.WAITING, Step.Status.RUNNING}
    assert bool(unfinished) == (conversion.status in Conversion.UNFINISHED)
    assert (conversion.status == Conversion.Status.CANCELLED) == recording.cancelled
    if conversion.status == Conversion.Status.FAILED:
        assert conversion.error_code
        assert conversion.error
    ready = rows.events_of(conversion).count(Event.Kind.READY)
    assert ready == (conversion.status == Conversion.Status.READY)
    if ready or recording.result:
        _is_the_result(recording, conversion, rows)


def _is_the_result(recording: Recording, conversion: _Conversion, rows: _Rows) -> None:
    """The endpoint answers with what it was sent, so every byte is known. A result never changes again."""
    assert conversion.status == Conversion.Status.READY
    assert stored(conversion.output) == recording.audio
    assert recording.result in ("", conversion.output)
    recording.result = conversion.output
    assert [step.result for step in rows.steps_of(conversion)].count(conversion.output) == 1
    assert Call.Outcome.ANSWERED in rows.calls_of(conversion)


def _is_not_asked_again(world: World, recording: Recording) -> None:
    """Once a complete answer is on the disk there are no further calls, free or not, whoever died meanwhile."""
    calls = len(_calls_of(world, recording))
    if recording.calls_until_stored is not None:
        assert calls == recording.calls_until_stored
    elif _has_stored_answer(recording):
        recording.calls_until_stored = calls


def _has_stored_answer(recording: Recording) -> bool:
    folder = f"{durable.ROOT}/{recording.id}"
    answers = [name.removesuffix(".json") for name in inventory.sizes(recording.id) if name.endswith(".json")]
    return any(stored(f"{folder}/{name}") == recording.audio for name in answers)


def _calls_of(world: World, recording: Recording) -> list[Request]:
    calls = [request for request in world.scripted.requests if request.audio is not None]
    sent = hashlib.sha256(recording.audio).hexdigest()
    return [call for call in calls if call.audio is not None and call.audio.sha256 == sent]


def _is_not_paid_twice(world: World, recording: Recording, outcomes: list[Any] | None) -> None:
    paid = [call for call in _calls_of(world, recording) if call.billed]
    assert len(paid) <= recording.may_be_paid
    if outcomes is not None:
        unpaid = {Call.Outcome.REFUSED, Call.Outcome.NOT_SENT}
        assert len(paid) <= sum(outcome not in unpaid for outcome in outcomes)
