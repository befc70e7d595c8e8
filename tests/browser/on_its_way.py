"""A recording that is one call, whose answer comes when a test says so. `stage` runs these inside the product."""

from __future__ import annotations

from typing import Any
from uuid import UUID

RATE = 16_000
LENGTH_S = 40
FIRST, SECOND = UUID(int=0x11111111), UUID(int=0x22222222)  # tokens


def on_its_way() -> str:
    """Half a minute of it has come."""
    from django.utils import timezone

    from conversions.models import Step
    from tests.browser.stage import _conversion

    conversion = _conversion(
        "A whole talk", "converting", minutes=3, source_duration_s=float(LENGTH_S), source_rate_hz=RATE,
        source_samples=LENGTH_S * RATE, output_format=f"wav_{RATE}",
    )  # fmt: skip
    Step.objects.create(
        conversion=conversion, kind=Step.Kind.CONVERT, end_sample=LENGTH_S * RATE, seconds=LENGTH_S, attempt=1,
        status=Step.Status.RUNNING, lease_token=FIRST, lease_until=timezone.now() + timezone.timedelta(hours=1),
        voice=conversion.voice, endpoint=conversion.endpoint, team=conversion.team, user=conversion.created_by,
    )  # fmt: skip
    _has_come(_step(), 0, 30)
    return str(conversion.pk)


def more_has_come() -> None:
    _has_come(_step(), 30, LENGTH_S)


def call_is_lost() -> None:
    """Its worker has vanished."""
    from conversions.files import beginnings
    from conversions.models import Step

    step = _step()
    free = {"lease_token": None, "lease_until": None}
    Step.objects.filter(pk=step.pk).update(status=Step.Status.WAITING, **free)
    beginnings.forget_all(step.conversion_id, step.pk)


def call_is_made_again() -> None:
    from django.utils import timezone

    from conversions.models import Step

    lease = {"lease_token": SECOND, "lease_until": timezone.now() + timezone.timedelta(hours=1)}
    Step.objects.filter(pk=_step().pk).update(status=Step.Status.RUNNING, attempt=2, **lease)
    _has_come(_step(), 0, 20)


def _step() -> Any:
    from conversions.models import Step

    return Step.objects.filter(conversion__title="A whole talk").latest("pk")


def _has_come(step: Any, from_s: int, until_s: int) -> None:
    """A hum, as WAV."""
    from conversions.files import beginnings, durable
    from conversions.models import Step
    from tests.support.sound import wav

    key = durable.result_key(step.conversion_id, step.pk, step.attempt, step.lease_token)
    begin, end = (44 + 2 * RATE * seconds if seconds else 0 for seconds in (from_s, until_s))
    beginnings.keep(key, begin, wav(float(LENGTH_S), rate_hz=RATE)[begin:end])
    Step.objects.filter(pk=step.pk).update(begun=beginnings.address_of(key, end))
