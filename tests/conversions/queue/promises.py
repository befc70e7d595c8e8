"""What must hold at any moment of a random life: nothing is lost, asked for again, or silently paid twice."""

from __future__ import annotations

import hashlib

from django.db.models import Q

from conversions.files import durable, inventory
from conversions.ground.clock import db_now
from conversions.models import Call, Conversion, Event, Step
from tests.conversions.queue.world import SLOTS, Recording, World, stored
from tests.support.endpoint import Request
from voices.models import Endpoint


def assert_kept(world: World, recordings: list[Recording]) -> None:
    """Of each recording, and of the queue as a whole."""
    # Asked once for all of them: this is most of what a life costs.
    kept = {each.pk: each for each in Conversion.objects.prefetch_related("steps", "events", "calls")}
    for recording in recordings:
        conversion = kept.get(recording.id)
        assert (conversion is None) == recording.erased
        if conversion is not None:
            assert (conversion.deleted_at is not None) == recording.deleted
            _is_kept(recording, conversion)
            _is_not_asked_again(world, recording)
        if recording.billed:
            _is_not_paid_twice(world, recording, conversion)
    running = Step.objects.filter(status=Step.Status.RUNNING)
    assert not running.filter(Q(lease_token=None) | Q(lease_until=None)).exists()
    assert not Step.objects.exclude(status=Step.Status.RUNNING).exclude(lease_token=None).exists()
    for endpoint in Endpoint.objects.all():
        assert running.filter(endpoint=endpoint, lease_until__gt=db_now()).count() <= SLOTS


def _is_kept(recording: Recording, conversion: Conversion) -> None:
    assert stored(conversion.source) == recording.audio
    unfinished = {step.status for step in conversion.steps.all()} & {Step.Status.WAITING, Step.Status.RUNNING}
    assert bool(unfinished) != conversion.finished
    assert (conversion.status == Conversion.Status.CANCELLED) == recording.cancelled
    if conversion.status == Conversion.Status.FAILED:
        assert conversion.error_code
        assert conversion.error
    ready = [event.kind for event in conversion.events.all()].count(Event.Kind.READY)
    assert ready == (conversion.status == Conversion.Status.READY)
    if ready or recording.result:
        _is_the_result(recording, conversion)


def _is_the_result(recording: Recording, conversion: Conversion) -> None:
    """The endpoint answers with what it was sent, so every byte is known. A result never changes again."""
    assert conversion.status == Conversion.Status.READY
    assert stored(conversion.output) == recording.audio
    assert recording.result in ("", conversion.output)
    recording.result = conversion.output
    assert [step.result for step in conversion.steps.all()].count(conversion.output) == 1
    assert Call.Outcome.ANSWERED in {call.outcome for call in conversion.calls.all()}


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


def _is_not_paid_twice(world: World, recording: Recording, conversion: Conversion | None) -> None:
    paid = [call for call in _calls_of(world, recording) if call.billed]
    assert len(paid) <= recording.may_be_paid
    if conversion is not None:
        unpaid = {Call.Outcome.REFUSED, Call.Outcome.NOT_SENT}
        assert len(paid) <= sum(call.outcome not in unpaid for call in conversion.calls.all())
