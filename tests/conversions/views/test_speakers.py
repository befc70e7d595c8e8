"""Finding who speaks when: asked for, waited for, corrected, and given voices."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client

from conversions import actions
from conversions.files import durable
from conversions.models import Conversion, Diarization, Step
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.queue.handback import hand_back
from conversions.upkeep.worker import work
from s2s.speakers import checkpoint
from tests.conversions.conftest import Submit, client_of, done, work_all
from tests.support.cast import Cast
from tests.support.dialogue import RATE_HZ, conversation
from tests.support.sound import as_wav, wav
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="session")
def interview() -> bytes:
    """Twenty seconds of two people, the man first."""
    samples, _said = conversation(["man_librivox", "woman_prompts"], 20)
    return as_wav(samples, RATE_HZ)


@pytest.fixture(scope="session")
def few_words() -> bytes:
    """Of one person. To look for speakers takes a tenth of the recording's length."""
    samples, _said = conversation(["man_librivox"], 3)
    return as_wav(samples, RATE_HZ)


@pytest.fixture
def talk(submit: Submit, few_words: bytes) -> Conversion:
    return done(submit(data=few_words))


@pytest.fixture
def talk_of_two(submit: Submit, interview: bytes) -> Conversion:
    return done(submit(data=interview))


def addresses(talk: Conversion) -> tuple[str, str]:
    return f"/conversions/{talk.pk}/parts/", f"/conversions/{talk.pk}/parts/speakers/"


def rows_of(page: str) -> list[tuple[float, float]]:
    found = re.findall(r'name="part-\d+-(start|end)" value="(\d+):([\d.]+)"', page)
    times = [60 * int(minutes) + float(seconds) for _name, minutes, seconds in found]
    return list(zip(times[::2], times[1::2], strict=True))


def test_they_are_asked_for_waited_for_and_shown_as_rows(alice: Client, talk_of_two: Conversion) -> None:
    talk = talk_of_two
    page, address = addresses(talk)
    assert "Find speakers" in alice.get(page).content.decode()
    assert alice.post(address)["Location"] == page
    assert "waits for its turn" in alice.get(page).content.decode()
    assert alice.get(address, {"seen": "waiting"}).status_code == 204
    found = claim(Lane.CPU)
    assert found is not None
    assert found.kind is Step.Kind.SPEAKERS
    assert "Listening for who speaks when." in alice.get(address, {"seen": "waiting"}).content.decode()
    work(found)
    assert "Show what was found" in alice.get(address, {"seen": "running"}).content.decode()
    shown = alice.get(page).content.decode()
    assert "2 speakers were found." in shown
    rows = rows_of(shown)
    assert len(rows) >= 3
    assert rows == sorted(rows)
    assert 'name="speaker-1-name"' in shown
    assert 'name="speaker-2-name"' not in shown
    assert "Listen to Speaker 1" in shown
    assert f"#t={rows[0][0]}" in shown or "#t=" in shown
    talk.refresh_from_db()
    assert talk.status == "ready"


def test_asked_for_again_they_are_not_looked_for_again(talk: Conversion, cast: Cast) -> None:
    first = actions.diarize(talk, cast.alice)
    assert actions.diarize(talk, cast.alice).pk == first.pk
    work_all()
    assert actions.diarize(talk, cast.alice).step.status == "done"
    assert Step.objects.filter(kind=Step.Kind.SPEAKERS).count() == 1


def test_where_nobody_speaks_that_is_said(alice: Client, submit: Submit) -> None:
    talk = submit(data=wav(3.0))
    work_all()
    page, address = addresses(talk)
    alice.post(address)
    work_all()
    assert "Nobody was heard speaking." in alice.get(page).content.decode()


def test_a_failure_is_a_sentence_and_costs_the_conversion_nothing(alice: Client, talk: Conversion) -> None:
    page, address = addresses(talk)
    alice.post(address)
    durable.discard(talk.source)
    work_all()
    said = alice.get(page).content.decode()
    assert "The speakers could not be found. The recording&#x27;s file is gone from the server." in said
    assert "Try again" in said
    talk.refresh_from_db()
    assert (talk.status, talk.error) == ("ready", "")
    alice.post(address)
    assert Step.objects.get(kind=Step.Kind.SPEAKERS).status == "waiting"


def test_without_the_package_the_page_says_what_can_be_installed(
    alice: Client, talk: Conversion, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, address = addresses(talk)
    actions.diarize(talk, cast.alice)
    monkeypatch.setattr(checkpoint, "_PATH", Path("models", "elsewhere.pt"))
    work_all()
    assert "a package is missing" in Diarization.objects.get().error
    Step.objects.filter(kind=Step.Kind.SPEAKERS).delete()
    said = alice.get(page).content.decode()
    assert "requirements-speakers.txt" in said
    assert f'action="{address}"' not in said
    alice.post(address)
    assert "requirements-speakers.txt" in alice.get(page).content.decode()
    assert not Diarization.objects.exists()


def test_cancelling_a_conversion_leaves_the_search_alone(
    submit: Submit, cast: Cast, interview: bytes, endpoint: Endpoint
) -> None:
    Endpoint.objects.update(max_seconds=10.0)  # so that it is prepared by a worker, and then waits
    talk = submit(data=interview)
    found = claim(Lane.CPU)
    assert found is not None
    work(found)
    talk.refresh_from_db()
    actions.diarize(talk, cast.alice)
    actions.cancel(talk, cast.alice)
    assert Step.objects.get(kind=Step.Kind.SPEAKERS).status == "waiting"
    work_all()
    assert Diarization.objects.get().turns
    talk.refresh_from_db()
    assert talk.status == "cancelled"


def test_what_a_worker_gives_back_is_looked_for_by_another(talk: Conversion, cast: Cast) -> None:
    actions.diarize(talk, cast.alice)
    held = claim(Lane.CPU)
    assert held is not None
    hand_back(held)
    assert Step.objects.get(kind=Step.Kind.SPEAKERS).status == "waiting"
    work_all()
    assert Diarization.objects.get().turns


def test_deleting_the_conversion_ends_the_search(talk: Conversion, cast: Cast) -> None:
    actions.diarize(talk, cast.alice)
    held = claim(Lane.CPU)
    assert held is not None
    actions.delete(talk, cast.alice)
    assert not Diarization.objects.exists()
    work(held)  # its lease is lost, and nothing is written
    assert not Diarization.objects.exists()


def test_who_may_not_convert_or_is_of_another_team_can_not_ask(talk: Conversion, cast: Cast) -> None:
    _page, address = addresses(talk)
    for who, status in ((cast.victor, 403), (cast.mallory, 404)):
        client = client_of(who)
        assert client.get(address).status_code == status
        assert client.post(address).status_code == status
    assert not Diarization.objects.exists()


def test_what_was_ordered_is_not_replaced_by_what_was_found_unasked(
    alice: Client, talk_of_two: Conversion, voice: Voice, cast: Cast
) -> None:
    talk = talk_of_two
    Conversion.objects.filter(pk=talk.pk).update(in_regions=True)
    talk.regions.create(position=0, start_s=2, end_s=4, voice=voice, voice_name=voice.name, speaker="Anna")
    actions.diarize(talk, cast.alice)
    work_all()
    page, _address = addresses(talk)
    assert rows_of(alice.get(page).content.decode()) == [(2.0, 4.0)]
    assert len(rows_of(alice.get(page, {"speakers": "found"}).content.decode())) >= 3


def test_erased_for_good_nothing_of_the_search_is_left(talk: Conversion, cast: Cast) -> None:
    actions.diarize(talk, cast.alice)
    work_all()
    assert Diarization.objects.get().turns
    assert actions.erase(talk)
    assert not Diarization.objects.exists()
    assert not Step.objects.exists()
