"""An endpoint that sends and sends: it is stopped long before the disk is full, and nothing of it is kept."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from django.conf import LazySettings

from conversions.files import inventory
from conversions.models import Conversion
from conversions.queue import limits
from tests.conversions.conftest import Submit, client_of
from tests.conversions.queue.waiting import look_and_work, prepare
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.sound import phrase, wav
from voices.models import Endpoint

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]

ENDLESS = Behaviour(fault="endless", in_history=False)


def work_through(conversion: Conversion) -> None:
    for _ in range(4):
        look_and_work()
    conversion.refresh_from_db()


def stored(conversion: Conversion) -> set[str]:
    return set(inventory.sizes(conversion.pk))


def test_it_is_stopped_and_not_asked_again_where_it_costs_nothing(
    submit: Submit, scripted: ScriptedEndpoint, cast: Cast, settings: LazySettings
) -> None:
    conversion = prepare(submit, 1)[0]
    before = stored(conversion)
    scripted.script(default=ENDLESS)
    work_through(conversion)
    assert (scripted.calls, conversion.status, conversion.error_code) == (1, "failed", "too_large")
    assert "far more than this recording can come to" in conversion.error
    assert "safe" in conversion.error
    page = client_of(cast.alice).get(f"/conversions/{conversion.pk}/").content.decode()
    assert not [words for words in (conversion.error, page) if "bill" in words]
    assert stored(conversion) == before
    assert not list(Path(settings.FILE_UPLOAD_TEMP_DIR).glob("result-*"))


@pytest.mark.parametrize("answer", [ENDLESS, Behaviour(fault="reset")], ids=["the answer", "what its history has"])
def test_it_is_an_open_question_where_it_may_have_cost_something(
    submit: Submit, scripted: ScriptedEndpoint, answer: Behaviour
) -> None:
    Endpoint.objects.update(billed=True)
    conversion = prepare(submit, 1, data=phrase())[0]
    before = stored(conversion)
    its_list, its_sound = Behaviour(), ENDLESS
    scripted.script(answer, gets=[its_list, its_sound] * 4)
    work_through(conversion)
    assert (scripted.calls, conversion.status, conversion.error_code) == (1, "failed", "unclear")
    assert stored(conversion) == before


def test_an_odd_answer_is_believed_all_the_same(submit: Submit, scripted: ScriptedEndpoint) -> None:
    """Of the richest format instead of the smallest, and twice as long: its page says so."""
    conversion = prepare(submit, 1, data=wav(60))[0]
    Conversion.objects.filter(pk=conversion.pk).update(output_format="mp3_22050_32")
    answer = wav(120, 48_000)
    assert len(answer) < limits.most_bytes(60, conversion) < 3 * len(answer)
    scripted.script(Behaviour(audio_base64=base64.b64encode(answer).decode()))
    work_through(conversion)
    assert (conversion.status, conversion.output_bytes) == ("ready", len(answer))
