"""Quotas hold for what comes together: each of two must not find the room that is there for one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from django.db.models import F

from conversions import actions
from conversions.ledger import usage
from conversions.models import Conversion, Export, Recording
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.sound import reading
from conversions.upkeep.worker import work
from s2s.contract import ConvertParameters
from teams.models import Team, User
from tests.conversions.conftest import Submit, client_of, upload, work_all
from tests.conversions.views.conftest import recording
from tests.support.cast import Cast
from tests.support.sound import lengthless, wav
from tests.support.together import at_once, meet
from voices.models import Voice

pytestmark = pytest.mark.django_db(transaction=True)


def outcomes(*verbs: Callable[[], object]) -> list[str]:
    """What each came to, sorted: done or refused."""

    def come(verb: Callable[[], object]) -> str:
        try:
            verb()
        except actions.OverQuotaError:
            return "refused"
        return "done"

    return sorted(at_once(*(partial(come, verb) for verb in verbs)))


def test_recordings_that_are_prepared_together(submit: Submit, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    cast.alice.memberships.update(monthly_minutes=1)
    for _ in range(2):
        submit(data=lengthless(wav(40.0, rate_hz=8000)))
    claims = [claim(Lane.CPU) for _ in range(2)]
    meet(monkeypatch, reading, "refusal")
    at_once(*(partial(work, found) for found in claims))
    work_all()
    assert sorted(Conversion.objects.values_list("status", "error_code")) == [("failed", "quota"), ("ready", "")]


def test_recordings_that_are_kept_together(cast: Cast, voice: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    Team.objects.update(storage_megabytes=1)
    meet(monkeypatch, usage, "storage_refusal")

    def submit() -> None:
        with upload(wav(20.0)) as file:  # .64 MB
            alice = User.objects.get(pk=cast.alice.pk)
            actions.submit(alice, alice.memberships.get().team, file, voice, actions.Order(ConvertParameters()))

    assert outcomes(submit, submit) == ["done", "refused"]
    assert Conversion.objects.count() == 1


def test_recordings_that_are_tried_together(cast: Cast, voice: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    Team.objects.update(storage_megabytes=1)
    meet(monkeypatch, usage, "storage_refusal")

    def audition() -> None:
        with upload(wav(20.0, rate_hz=16000)) as file:  # .64 MB, and .32 MB are tried of it
            alice = User.objects.get(pk=cast.alice.pk)
            actions.audition(alice, alice.memberships.get().team, file, [voice], actions.Order(ConvertParameters()))

    assert outcomes(audition, audition) == ["done", "refused"]
    assert Recording.objects.count() == 1


def test_formats_of_different_results_that_are_asked_for_together(
    submit: Submit, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [submit(), submit()]
    work_all()
    Conversion.objects.update(source_bytes=0, output_bytes=0, output_duration_s=20.0)
    Team.objects.update(storage_megabytes=1)
    meet(monkeypatch, usage, "storage_refusal")

    def export(number: int) -> None:
        conversion = Conversion.objects.get(pk=made[number].pk)
        actions.export(conversion, User.objects.get(pk=cast.bob.pk), "pcm_16000")  # .64 MB

    assert outcomes(partial(export, 0), partial(export, 1)) == ["done", "refused"]
    assert Export.objects.count() == 1


def test_what_is_taken_in_leaves_room_for_what_is_being_made(submit: Submit, cast: Cast, voice: Voice) -> None:
    ready = submit()
    work_all()
    Conversion.objects.update(source_bytes=0, output_bytes=0, output_duration_s=20.0)
    Team.objects.update(storage_megabytes=1)
    ready, alice = Conversion.objects.get(pk=ready.pk), User.objects.get(pk=cast.alice.pk)
    actions.export(ready, alice, "pcm_16000")
    with upload(wav(20.0)) as file, pytest.raises(actions.OverQuotaError):
        actions.submit(alice, Team.objects.get(pk=cast.team.pk), file, voice, actions.Order(ConvertParameters()))


def test_what_did_not_fit_any_more_is_said_as_if_it_had_been_known_before(
    cast: Cast, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page asks first; meanwhile somebody else has used the room."""
    client, page_says_yes = client_of(cast.alice), "conversions.actions.limits.over_quota"
    Team.objects.update(storage_megabytes=0)
    monkeypatch.setattr(page_says_yes, lambda *_, **__: None)
    for do in ("convert", "audition"):
        response = client.post("/", {"audio": recording(data=wav(12.0)), "voice": voice.pk, "do": do})
        assert response.status_code == 403
        assert "Your team keeps 0 of its 0 MB, and this does not fit." in response.content.decode()
    assert not Conversion.objects.exists()
    assert not Recording.objects.exists()


def test_of_several_those_are_taken_that_fit(cast: Cast, voice: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversions.actions.limits.over_quota", lambda *_, **__: None)
    Team.objects.update(storage_megabytes=1)
    audio = [recording(f"{number}.wav", wav(20.0)) for number in range(3)]
    client = client_of(cast.alice)
    response = client.get(client.post("/", {"audio": audio, "voice": voice.pk})["Location"])
    assert Conversion.objects.count() == 1
    words = "2 recordings were not taken. Your team keeps 0 of its 1 MB, and this does not fit."
    assert words in response.content.decode()


def test_what_was_auditioned_and_does_not_fit_any_more_is_said(
    cast: Cast, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(cast.alice)
    address = client.post("/", {"audio": recording(data=wav(12.0)), "voice": voice.pk, "do": "audition"})["Location"]
    Recording.objects.update(size=F("size") + 10**6)
    Team.objects.update(storage_megabytes=1)
    monkeypatch.setattr("conversions.actions.limits.over_quota", lambda *_, **__: None)
    for page in ("", "convert/"):
        response = client.post(f"{address}{page}", {"voice": voice.pk, "start": "1"})
        assert response.status_code == 403
        assert "this does not fit" in response.content.decode()
    assert Conversion.objects.get().audition_of is not None
