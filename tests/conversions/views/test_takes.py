"""Recordings that are on the server already: the sample, an earlier one, and what a retake begins with."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from conversions.forms import offers
from conversions.forms.studio import OptionsForm
from conversions.models import Conversion
from s2s.contract import ConvertParameters
from tests.conversions.conftest import Submit, work_all
from tests.conversions.views.conftest import As, recording
from tests.support.cast import Cast
from tests.support.sound import wav
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db(transaction=True)


SETTINGS = {"stability": 0.25, "similarity_boost": 0.5, "style": 0.0, "speed": 1.1, "use_speaker_boost": False}


def take(client: Client, value: str, voice: Voice, **fields: object):
    return client.post("/", {"take": value, "voice": voice.pk, **fields})


def test_the_sample_is_converted_without_an_upload(alice: Client, voice: Voice) -> None:
    assert "Our sample" in alice.get("/?take=sample").content.decode()
    response = take(alice, "sample", voice)
    assert response.status_code == 303
    work_all()
    conversion = Conversion.objects.get()
    assert (conversion.status, conversion.title) == ("ready", "Our sample")
    assert conversion.source_duration_s == pytest.approx(15.5, abs=0.05)
    assert conversion.take_of is None


def test_a_retake_begins_with_what_was_chosen_and_is_a_take_of_the_same_recording(
    alice: Client, submit: Submit, voice: Voice
) -> None:
    first = submit(seed=7, voice_settings=SETTINGS, output_format="wav_44100")
    Conversion.objects.update(title="Renamed")
    page = alice.get(f"/?take=conversion:{first.pk}").content.decode()
    assert f'value="conversion:{first.pk}"' in page
    assert 'value="7"' in page
    assert '<option value="wav_44100" selected>' in page
    assert offers.options_of(first)["own_settings"] is True
    again = OptionsForm(offers.options_of(first))
    assert again.is_valid()
    assert again.parameters == first.parameters
    take(alice, f"conversion:{first.pk}", voice, output_format="wav_16000")
    second = Conversion.objects.exclude(pk=first.pk).get()
    assert (second.take_of, second.title, second.source_name) == (first.pk, "Renamed", first.source_name)
    take(alice, f"conversion:{second.pk}", voice)
    assert Conversion.objects.latest("created_at").take_of == first.pk  # all share the first
    work_all()
    assert set(Conversion.objects.values_list("status", flat=True)) == {"ready"}
    assert b"".join(alice.get(f"/conversions/{second.pk}/source/").streaming_content) == wav()


def test_for_another_voice_none_is_ticked(alice: Client, submit: Submit) -> None:
    first = submit()
    ticked = alice.get(f"/?take=conversion:{first.pk}").context["cards"]
    assert [card.ticked for card in ticked] == [True]
    anew = alice.get(f"/?take=conversion:{first.pk}&anew=voice").context["cards"]
    assert [card.ticked for card in anew] == [False]


@pytest.mark.parametrize("value", ["conversion:{}", "conversion:nonsense", "recording:{}", "x", "sample:1", "../etc"])
def test_nobody_takes_what_is_not_theirs(
    value: str, cast: Cast, as_: As, submit: Submit, voice: Voice, alice: Client
) -> None:
    value = value.format(submit().pk)
    mallory = as_(cast.mallory)
    assert "isn’t there any more" in mallory.get("/", {"take": value}).content.decode()
    response = take(mallory, value, voice)
    assert response.status_code == 422
    assert "isn’t there any more" in response.content.decode()
    assert Conversion.objects.count() == 1


def test_a_recording_whose_file_is_gone_is_said(alice: Client, submit: Submit, voice: Voice) -> None:
    from django.core.files.storage import default_storage

    first = submit()
    default_storage.delete(first.source)
    response = take(alice, f"conversion:{first.pk}", voice)
    assert response.status_code == 422
    assert "isn’t there any more" in response.content.decode()
    assert Conversion.objects.count() == 1


def test_what_was_to_leave_no_trace_does_not_begin_to(alice: Client, submit: Submit, voice: Voice) -> None:
    private = submit(enable_logging=False)
    take(alice, f"conversion:{private.pk}", voice)
    again = Conversion.objects.exclude(pk=private.pk).get()
    assert not again.enable_logging
    assert (again.source_name, again.only_me) == ("", True)


def test_earlier_recordings_are_offered_once_however_many_takes_they_have(
    alice: Client, submit: Submit, voice: Voice
) -> None:
    first, other = submit(), submit()
    for _ in range(3):
        take(alice, f"conversion:{first.pk}", voice)
    offered = alice.get("/").context["earlier"]
    assert {conversion.first_take for conversion in offered} == {first.pk, other.pk}


def test_an_upload_counts_more_than_what_was_taken(alice: Client, submit: Submit, voice: Voice) -> None:
    first = submit()
    take(alice, f"conversion:{first.pk}", voice, audio=recording("new.wav"))
    assert Conversion.objects.latest("created_at").title == "new"


def test_zero_retention_alone_makes_it_only_mine(submit: Submit) -> None:
    assert submit(enable_logging=False).only_me
    assert not submit().only_me
    assert ConvertParameters().enable_logging


@pytest.mark.parametrize("do", ["", "audition"])
def test_what_was_to_leave_no_trace_goes_to_no_endpoint_that_keeps_it(
    alice: Client, submit: Submit, voice: Voice, do: str
) -> None:
    private = submit(enable_logging=False)
    Endpoint.objects.update(zero_retention=False)
    response = take(alice, f"conversion:{private.pk}", voice, do=do)
    assert response.status_code == 422
    assert response.context["form"].errors["zero_retention"] == ["Testers can't promise to keep nothing."]
    assert Conversion.objects.count() == 1
    uploaded = take(alice, f"conversion:{private.pk}", voice, audio=recording("new.wav"))
    assert uploaded.status_code == 303  # what was taken counts for nothing then
    voice.endpoint.refresh_from_db()
    with pytest.raises(PermissionDenied):
        submit(enable_logging=False)
