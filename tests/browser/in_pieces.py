"""A recording in pieces, which come when a test says so. `stage` runs these inside the product."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

RATE = 16_000
PIECES, PIECE_S = 4, 12


def in_pieces() -> str:
    """One in four pieces: the first is there, the second is under way, two wait."""
    from django.utils import timezone

    from conversions.models import Conversion, Step
    from tests.browser.stage import _conversion

    length = PIECES * PIECE_S
    conversion = _conversion(
        "A long talk", "converting", minutes=3, source_duration_s=float(length), source_rate_hz=RATE,
        source_samples=length * RATE, pieces=PIECES,
    )  # fmt: skip
    for position in range(PIECES):
        begin = position * PIECE_S * RATE
        running = {
            "status": Step.Status.RUNNING,
            "lease_token": uuid4(),
            "lease_until": timezone.now() + timezone.timedelta(hours=1),
        }
        Step.objects.create(
            conversion=conversion, kind=Step.Kind.CONVERT, position=position, start_sample=begin,
            end_sample=begin + PIECE_S * RATE, seconds=PIECE_S, voice=conversion.voice, endpoint=conversion.endpoint,
            team=conversion.team, user=conversion.created_by, output_format=f"pcm_{RATE}",
            **(running if position == 1 else {}),
        )  # fmt: skip
    _is_there(Conversion.objects.get(pk=conversion.pk).steps.earliest("position"))
    return str(conversion.pk)


def partly_kept() -> str:
    """Of one of 48 seconds two pieces are there; before, between and behind them it stays as it is."""
    from django.core.files.base import ContentFile

    from conversions.files import durable
    from conversions.models import Conversion
    from tests.support.sound import wav

    conversion = Conversion.objects.get(pk=in_pieces())
    steps = list(conversion.steps.order_by("position"))
    for step, start_s in ((steps[0], 6), (steps[1], 24)):
        step.start_sample, step.end_sample = start_s * RATE, (start_s + PIECE_S) * RATE
        step.save()
    for step in steps[2:]:
        step.delete()
    a_piece_more()
    key = durable.source_key(conversion.pk)
    durable.store_upload(key, ContentFile(wav(float(PIECES * PIECE_S), rate_hz=RATE)))
    _rows(conversion).update(source=key, source_container="wav", pieces=2, in_regions=True)
    return str(conversion.pk)


def in_hundreds() -> str:
    """One in 120 pieces of 12 seconds: those before the 56th are there, two are under way, one has failed."""
    from conversions.models import Conversion, Step

    count = 120
    conversion = Conversion.objects.get(pk=in_pieces())
    first, running = conversion.steps.order_by("position")[:2]
    conversion.steps.filter(position__gt=0).delete()
    lease = {"lease_token": running.lease_token, "lease_until": running.lease_until}
    states: dict[int, dict[str, object]] = {
        **{n: {"status": Step.Status.DONE, "result": first.result} for n in range(1, 55)},
        **{n: {"status": Step.Status.RUNNING, **lease} for n in (55, 57)},
        56: {"status": Step.Status.FAILED},
    }
    Step.objects.bulk_create(
        Step(
            conversion=conversion, kind=Step.Kind.CONVERT, position=n, start_sample=n * PIECE_S * RATE,
            end_sample=(n + 1) * PIECE_S * RATE, seconds=PIECE_S, voice=conversion.voice, endpoint=conversion.endpoint,
            team=conversion.team, user=conversion.created_by, output_format=f"pcm_{RATE}", **states.get(n, {}),
        )
        for n in range(1, count)
    )  # fmt: skip
    length = count * PIECE_S
    _rows(conversion).update(pieces=count, source_samples=length * RATE, source_duration_s=float(length))
    return str(conversion.pk)


def a_piece_more() -> int:
    """The next one is there too; its number."""
    from conversions.models import Step

    step = _newest().steps.exclude(status=Step.Status.DONE).earliest("position")
    _is_there(step)
    return int(step.position) + 1


def joined() -> str:
    """All are there, and the result."""
    from conversions.files import durable
    from conversions.models import Step
    from tests.support.sound import wav

    conversion = _newest()
    for step in conversion.steps.exclude(status=Step.Status.DONE):
        _is_there(step)
    whole = wav(float(PIECES * PIECE_S), rate_hz=RATE)
    key = durable.store_result(conversion.pk, 0, 1, uuid4(), [whole], {}).key
    _rows(conversion).update(
        status="ready", output=key, output_bytes=len(whole), output_format=f"wav_{RATE}",
        output_duration_s=float(PIECES * PIECE_S),
    )  # fmt: skip
    return str(conversion.pk)


def redone() -> None:
    """The redo that waits is over, and the result is another one."""
    from conversions.files import durable
    from conversions.models import Step
    from tests.support.sound import wav

    conversion = _newest()
    conversion.steps.filter(kind=Step.Kind.REDO).update(status=Step.Status.DONE, result="")
    whole = wav(float(PIECES * PIECE_S), rate_hz=RATE)
    key = durable.store_result(conversion.pk, 0, 2, uuid4(), [whole], {}).key
    _rows(conversion).update(output=key)


def _newest() -> Any:
    from conversions.models import Conversion

    return Conversion.objects.filter(title="A long talk").latest("created_at")


def _rows(conversion: Any) -> Any:
    from conversions.models import Conversion

    return Conversion.objects.filter(pk=conversion.pk)


def _is_there(step: Any) -> None:
    """Answered with a hum."""
    from conversions.files import durable
    from conversions.models import Step
    from tests.support.sound import wav

    samples = wav(float(PIECE_S), rate_hz=RATE)[44:]
    result = durable.store_result(step.conversion_id, step.pk, 1, uuid4(), [samples], {})
    free = {"lease_token": None, "lease_until": None}
    Step.objects.filter(pk=step.pk).update(status=Step.Status.DONE, result=result.key, **free)
