"""Retry of a recording in hundreds of pieces answers at once: it looks for what is gone, and reads nothing."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversions import actions
from conversions.files import durable
from conversions.files.storages.disk import DurableFileSystemStorage
from conversions.models import Conversion, Step
from conversions.queue.bells import Lane
from tests.conversions.conftest import Submit, done, work_all, work_one
from tests.conversions.pieces import Samples, wav_of
from tests.support.cast import Cast
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)


def failed_in(count: int, conversion: Conversion) -> Conversion:
    """So many pieces are there, and two of their answers are gone."""
    conversion.steps.exclude(kind=Step.Kind.CONVERT).delete()
    first = conversion.steps.order_by("position")[0]
    rest = {"team_id": first.team_id, "user_id": first.user_id, "endpoint_id": first.endpoint_id}
    there = conversion.steps.count()
    Step.objects.bulk_create(
        Step(
            conversion=conversion, kind=Step.Kind.CONVERT, position=n, seconds=1, status=Step.Status.DONE, **rest
        )
        for n in range(there, count)
    )  # fmt: skip
    for step in conversion.steps.filter(result=""):
        key = durable.result_key(conversion.pk, step.pk, 1, uuid4())
        for name in (key, f"{key}.json"):
            default_storage.save(name, ContentFile(b"{}"))
        Step.objects.filter(pk=step.pk).update(result=key)
    for step in conversion.steps.filter(position__in=[1, count - 1]):
        durable.discard_result(step.result)
    Conversion.objects.update(status="failed", error_code="result_missing", pieces=count)
    conversion.refresh_from_db()
    return conversion


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the storage is asked for."""
    asked: list[str] = []

    def noted(name: str) -> None:
        original: Callable[..., object] = getattr(DurableFileSystemStorage, name)

        def note(*args: object, **named: object) -> object:
            asked.append(name)
            return original(*args, **named)

        monkeypatch.setattr(DurableFileSystemStorage, name, note)

    for name in ("open_file", "blocks", "size", "exists", "listdir"):
        noted(name)
    return asked


def test_it_looks_at_hundreds_of_answers_once_and_into_none(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, cast: Cast, looks: list[str]
) -> None:
    costs = []
    for count in (10, 300):
        conversion = done(submit(data=wav_of(speech)))
        failed_in(count, conversion)
        looks.clear()
        with CaptureQueriesContext(connection) as asked:
            assert actions.retry(conversion, cast.alice)
        waiting = conversion.steps.filter(status=Step.Status.WAITING).order_by("position")
        assert [step.position for step in waiting] == [1, count - 1]
        costs.append((looks.copy(), len(asked)))
        conversion.delete()
    assert costs[0] == costs[1] == (["listdir", "listdir"], costs[0][1])


def test_what_is_there_is_not_paid_for_again_whatever_its_note_says(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, cast: Cast
) -> None:
    conversion = submit(data=wav_of(speech))
    work_one(Lane.CPU, *[Lane.CALLS] * 4)
    first, second = conversion.steps.filter(kind=Step.Kind.CONVERT).order_by("position")[:2]
    durable.discard_result(first.result)
    default_storage.delete(f"{second.result}.json")
    work_all()
    conversion.refresh_from_db()
    assert conversion.error_code == "result_missing"
    assert actions.retry(conversion, cast.alice)
    assert list(conversion.steps.filter(status=Step.Status.WAITING)) == [first]
    done(conversion)
