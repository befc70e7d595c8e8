"""How loud they are: measured when somebody compares first, by those who may hear them, and kept."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from conversions.models import Conversion
from conversions.sound import loudness
from tests.conversions.conftest import Submit, work_all
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db(transaction=True)


def lufs(user, conversion: Conversion, which: str = "") -> float | None:
    client = Client()
    client.force_login(user)
    answer = client.get(f"/conversions/{conversion.pk}/loudness/{which}")
    assert answer.status_code == 200
    found: float | None = answer.json()["lufs"]
    return found


def test_both_are_measured_once_and_kept(submit: Submit, cast: Cast) -> None:
    conversion = submit(output_format="pcm_16000")
    assert lufs(cast.alice, conversion) is None  # there is no result yet
    work_all()
    conversion.refresh_from_db()
    assert (conversion.source_lufs, conversion.output_lufs) == (None, None)  # nobody waited for it
    assert lufs(cast.victor, conversion, "source/") == pytest.approx(-13, abs=0.2)
    assert lufs(cast.victor, conversion) == pytest.approx(-13, abs=0.6)  # as headerless samples, header and all
    for key in (conversion.source, conversion.output):
        default_storage.delete(key)
    assert lufs(cast.bob, conversion, "source/") == pytest.approx(-13, abs=0.2)
    assert lufs(cast.bob, conversion) is not None


def test_what_is_gone_or_no_sound_has_none(submit: Submit, cast: Cast) -> None:
    conversion = submit(data=b"These are words, not a recording." * 99)
    assert lufs(cast.alice, conversion, "source/") is None
    default_storage.delete(conversion.source)
    assert lufs(cast.alice, conversion, "source/") is None


def test_others_learn_nothing(submit: Submit, cast: Cast) -> None:
    conversion = submit()
    client = Client()
    client.force_login(cast.mallory)
    for which in ("", "source/"):
        assert client.get(f"/conversions/{conversion.pk}/loudness/{which}").status_code == 404


def test_of_a_result_that_becomes_another_one_meanwhile_nothing_is_kept(
    ready: Conversion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a redo makes of it. The page is loaded anew then, and asks again."""
    measure = loudness.measure_loudness

    def measured_while_it_changes(*what: Any, **how: Any) -> float | None:
        Conversion.objects.filter(pk=ready.pk).update(output=f"{ready.output}x", output_lufs=None)
        return measure(*what, **how)

    monkeypatch.setattr(loudness, "measure_loudness", measured_while_it_changes)
    assert loudness.output_lufs(ready) is not None
    ready.refresh_from_db()
    assert ready.output_lufs is None
