"""Recordings that wait for their endpoint, and time that passes for them."""

from __future__ import annotations

from django.db.models.functions import Now

from conversions.ground.clock import db_now
from conversions.models import Conversion, Event, Step
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep.worker import work
from tests.conversions.conftest import Submit, work_all
from tests.support.endpoint import Behaviour
from tests.support.together import at_once
from voices import probes
from voices.models import Endpoint, Voice

BROKEN = Behaviour(status=500)


def convert_step(conversion: Conversion) -> Step:
    return conversion.steps.get(kind=Step.Kind.CONVERT)


def prepare(submit: Submit, count: int, data: bytes | None = None) -> list[Conversion]:
    """Recordings whose one piece waits for the endpoint."""
    conversions = [submit(data=data) for _ in range(count)]
    while (found := claim(Lane.CPU)) is not None:
        work(found)
    return conversions


def prepare_with_another_voice(submit: Submit, voice: Voice, count: int) -> list[Conversion]:
    voice.pk, voice.voice_id = None, "ben"
    voice.save()
    return prepare(submit, count)


def states(conversions: list[Conversion]) -> list[str]:
    return [Conversion.objects.values_list("status", flat=True).get(pk=conversion.pk) for conversion in conversions]


def attempts() -> list[int]:
    steps = Step.objects.filter(kind=Step.Kind.CONVERT).order_by("pk")
    return list(steps.values_list("attempt", flat=True))


def delayed(conversion: Conversion) -> dict[str, str]:
    return conversion.events.filter(kind=Event.Kind.DELAYED).last().data


def later() -> None:
    """Time passes: what waits for a later moment is due, and so is a look at the endpoint."""
    Step.objects.filter(status=Step.Status.WAITING).update(not_before=db_now())
    Endpoint.objects.exclude(pause_code="").update(probe_at=Now())
    Endpoint.objects.update(rest_until=None)


def look_soon() -> None:
    """The endpoint is looked at, but no recording's time is skipped."""
    Endpoint.objects.exclude(pause_code="").update(probe_at=Now())
    probes.watch()


def look_and_work() -> int:
    later()
    probes.watch()
    return work_all()


def work_at_once(count: int) -> None:
    """So many workers do all the calls they find, at the same time."""

    def call() -> None:
        while (found := claim(Lane.CALLS)) is not None:
            work(found)

    at_once(*[call] * count)
