"""A recording in which several speak: each region in its voice, to the sample, and what nobody chose a voice for as it
was."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from io import BufferedReader
from typing import Any

import numpy as np
import pytest

from conversions import actions
from conversions.admin.questions import before_retrying
from conversions.files import durable
from conversions.ground.clock import db_now
from conversions.ledger.sums import estimate
from conversions.ledger.usage import usage_of
from conversions.models import Batch, Call, Conversion, Event, Region, Step
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep.worker import work
from conversions.words.speakers import billing_among
from tests.conversions.conftest import client_of, done, work_all, work_one
from tests.conversions.pieces import RATE, SPEAKS, Samples, heard
from tests.conversions.steps.band import EDGE, VOICES, Band, speaks
from tests.support.endpoint.speaking import TONE
from tests.support.lag import level_db
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db(transaction=True)

One = actions.RegionOrder


@pytest.mark.one_database
def test_each_region_has_its_voice_at_its_sample_and_the_rest_is_as_it_was(band: Band, speech: Samples) -> None:
    marked = (One(2, 8.5, voice=band.marcus), One(8.5, 14.25), One(14.25, 20, voice=band.atlas))
    conversion = done(band.send(speech, *marked))
    result = heard(conversion)
    assert len(result) == len(speech)
    rest = result - speech
    for (first_s, last_s), name in {
        (0, 2): "nora",
        (2, 8.5): "marcus",
        (8.5, 14.25): "",
        (14.25, 20): "atlas",
        (20, 30): "nora",
    }.items():
        first, last = round(first_s * RATE), round(last_s * RATE)
        assert speaks(rest[first + EDGE : last - EDGE]) == name
        if not name:
            assert np.abs(rest[first:last]).max() < 1.01 / 32768
    assert sorted(band.asked) == ["atlas", "marcus", "nora", "nora"]


def test_the_ledger_has_what_each_endpoint_was_sent(band: Band, speech: Samples) -> None:
    conversion = band.send(speech, One(2, 8.5, voice=band.marcus), One(8.5, 14.25), One(14.25, 20, voice=band.atlas))
    prepare = claim(Lane.CPU)
    assert prepare is not None
    work(prepare)
    conversion.refresh_from_db()
    assert estimate(conversion) == 58  # Atlas alone costs something
    assert usage_of(band.cast.alice.memberships.get()).team_seconds == pytest.approx(30 - 5.75)
    done(conversion)
    calls = Call.objects.order_by("step__position")
    assert [(call.endpoint.name, call.seconds) for call in calls] == [
        ("Testers", pytest.approx(2.0)),
        ("Testers", pytest.approx(6.5)),
        ("Others", pytest.approx(5.75)),
        ("Testers", pytest.approx(10.0)),
    ]
    assert usage_of(band.cast.alice.memberships.get()).team_seconds == pytest.approx(30 - 5.75)
    said = [event.data for event in conversion.events.filter(kind=Event.Kind.SENT)]
    assert {(each["voice"], each["endpoint"]) for each in said} == {
        ("Nora", "Testers"),
        ("Marcus", "Testers"),
        ("Atlas", "Others"),
    }


def test_a_region_whose_call_fails_for_good_costs_the_others_nothing(band: Band, speech: Samples) -> None:
    conversion = band.send(speech[: 12 * RATE], One(2, 6, voice=band.atlas), One(6, voice=band.marcus))
    refused = replace(SPEAKS, status=400)
    band.scripted.ledger.script.voices["atlas"] = [refused]
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.FAILED
    before = Call.objects.filter(outcome=Call.Outcome.ANSWERED).count()
    band.scripted.ledger.script.voices["atlas"] = [VOICES["atlas"]]
    assert actions.retry(conversion, band.cast.alice)
    result = heard(done(conversion))
    assert speaks((result - speech[: 12 * RATE])[2 * RATE + EDGE : 6 * RATE - EDGE]) == "atlas"
    assert Call.objects.filter(outcome=Call.Outcome.ANSWERED).count() == 3
    assert before <= 2


def test_an_endpoint_that_is_paused_holds_its_own_regions_alone(band: Band, speech: Samples) -> None:
    Endpoint.objects.filter(key="other").update(paused=True)
    conversion = band.send(speech[: 12 * RATE], One(2, 6, voice=band.atlas), One(6, voice=band.marcus))
    work_all()
    assert sorted(band.asked) == ["marcus", "nora"]
    html = client_of(band.cast.alice).get(f"/conversions/{conversion.pk}/").content.decode()
    assert "Converting: 2 of 3 pieces" in html
    assert "Others is paused" in html
    Endpoint.objects.filter(key="other").update(paused=False)
    done(conversion)


def test_an_answer_opens_the_gate_of_the_endpoint_that_gave_it(band: Band, speech: Samples) -> None:
    Endpoint.objects.filter(key="test").update(last_good_at=db_now() + timedelta(hours=1))  # nothing is news to it
    Endpoint.objects.filter(key="other").update(strikes=2)
    done(band.send(speech[: 6 * RATE], One(0, voice=band.atlas)))
    assert dict(Endpoint.objects.values_list("key", "strikes")) == {"test": 0, "other": 0}


def test_a_region_beyond_what_its_endpoint_takes_is_cut(band: Band, speech: Samples) -> None:
    Endpoint.objects.filter(key="other").update(max_seconds=10.0)
    conversion = done(band.send(speech, One(5, voice=band.atlas)))
    pieces = list(conversion.steps.filter(kind=Step.Kind.CONVERT).order_by("position"))
    assert [piece.voice.name for piece in pieces if piece.voice] == ["Nora"] + 4 * ["Atlas"]
    assert max(piece.seconds for piece in pieces) <= 10.0
    result = heard(conversion)
    assert len(result) == len(speech)
    assert np.abs(result - speech).max() < TONE + 0.02
    assert speaks((result - speech)[5 * RATE + EDGE :]) == "atlas"


def test_a_region_in_which_nothing_is_heard_costs_nothing(band: Band, speech: Samples) -> None:
    sound = speech[: 9 * RATE].copy()
    sound[3 * RATE : 5 * RATE] = 0
    result = heard(done(band.send(sound, One(3, 5, voice=band.atlas), One(5, voice=band.marcus))))
    assert sorted(band.asked) == ["marcus", "nora"]
    assert not result[3 * RATE : 5 * RATE].any()


@pytest.mark.one_database
def test_half_a_second_between_two_regions_goes_with_the_first(band: Band, speech: Samples) -> None:
    marked = One(0, 4, voice=band.atlas), One(4.4, 9, voice=band.marcus)
    result = heard(done(band.send(speech[: 9 * RATE], *marked)))
    assert sorted(band.asked) == ["atlas", "marcus"]
    assert speaks((result - speech[: 9 * RATE])[4 * RATE : round(4.3 * RATE)]) == "atlas"


def test_neighbours_of_one_voice_are_one_call(band: Band, speech: Samples) -> None:
    conversion = band.send(speech[: 9 * RATE], One(2, 4, voice=band.nora, speaker="Ann"), One(4.1, 7, voice=band.nora))
    done(conversion)
    assert band.asked == ["nora"]
    assert conversion.regions.count() == 2


@pytest.mark.one_database
def test_a_voice_that_slows_down_keeps_the_time_where_others_speak_too(band: Band, speech: Samples) -> None:
    Voice.objects.filter(voice_id="marcus").update(settings={"speed": 0.9, "style": 0.3})
    band.marcus.refresh_from_db()
    conversion = done(band.send(speech[: 9 * RATE], One(2, 6, voice=band.marcus)))
    sent = {request.voice_id: request.fields.get("voice_settings") for request in band.scripted.requests}
    assert sent == {"nora": None, "marcus": '{"speed":1.0}'}
    assert len(heard(conversion)) == 9 * RATE


def test_each_endpoint_is_asked_for_what_it_heeds(band: Band, speech: Samples) -> None:
    Endpoint.objects.filter(key="test").update(removes_noise=False)
    done(band.send(speech[: 9 * RATE], One(2, 6, voice=band.atlas), remove_background_noise=True))
    asked = {request.voice_id: request.fields.get("remove_background_noise") for request in band.scripted.requests}
    assert asked == {"nora": None, "atlas": "true"}


@pytest.mark.parametrize(
    ("regions", "words"),
    [
        ([One(0, 5), One(12, 14)], "Region 2 begins at 0:12, and the recording ends at 0:09"),
        ([One(0)], "would stay as it is"),
        ([One(0, channel=1)], "isn’t stereo"),
    ],
)
def test_what_does_not_fit_the_recording_is_said_before_anything_is_sent(
    regions: list[One], words: str, band: Band, speech: Samples
) -> None:
    conversion = band.send(speech[: 9 * RATE], *regions)
    work_all()
    conversion.refresh_from_db()
    assert words in conversion.error
    assert not conversion.retryable
    assert band.asked == []


def test_its_page_says_who_speaks_with_which_voice(band: Band, speech: Samples) -> None:
    marked = One(0, 4, voice=band.atlas, speaker="Ann"), One(4, 6), One(6, 8, voice=band.atlas, speaker="Ann")
    conversion = done(band.send(speech[: 9 * RATE], *marked))
    html = " ".join(client_of(band.cast.alice).get(f"/conversions/{conversion.pk}/").content.decode().split())
    assert "<dd>Nora and Atlas, Testers, Others</dd>" in html
    assert '<dt><bdi>Ann</bdi></dt> <dd> Atlas <span class="soft">(2 regions, 6 seconds)</span>' in html
    assert (
        '<dt><bdi>Everything else</bdi></dt> <dd> Stays as it was <span class="soft">(1 region, 2 seconds)</span>'
        in html
    )
    assert "Converted to Atlas" in html


def test_the_history_finds_it_by_each_of_its_voices(band: Band, speech: Samples) -> None:
    conversion = band.send(speech[: 9 * RATE], One(0, 4, voice=band.atlas))
    page = client_of(band.cast.alice)
    html = page.get("/history/").content.decode()
    assert all(f">{name}</option>" in html for name in ("Nora", "Atlas"))
    assert ">Marcus</option>" not in html
    for voice, is_found in ((band.nora, True), (band.atlas, True), (band.marcus, False)):
        found = page.get("/history/", {"voice": voice.pk}).content.decode()
        assert (f"/conversions/{conversion.pk}/" in found) == is_found
    stranger = client_of(band.cast.mallory).get("/history/").content.decode()
    assert ">Atlas</option>" not in stranger


def test_deleted_with_a_call_under_way_it_is_over(band: Band, speech: Samples) -> None:
    conversion = band.send(speech[: 9 * RATE], One(2, 6, voice=band.atlas))
    work_one(Lane.CPU, Lane.CALLS)
    actions.delete(conversion, band.cast.alice)
    assert work_all() == 0
    actions.erase(conversion)
    assert not Region.objects.exists()


def test_one_that_ends_far_behind_the_recording_ends_with_it(band: Band, speech: Samples) -> None:
    conversion = band.send(speech[: 9 * RATE], One(0, 4), One(4, 6e5, voice=band.atlas, speaker="Ann"))
    Region.objects.filter(position=1).update(end_s=1e308)  # of before that was refused
    done(conversion)
    html = " ".join(client_of(band.cast.alice).get(f"/conversions/{conversion.pk}/").content.decode().split())
    assert '<dt><bdi>Ann</bdi></dt> <dd> Atlas <span class="soft">(1 region, 5 seconds)</span>' in html


def test_nothing_that_bills_is_paid_twice_unasked_where_another_endpoint_costs_nothing(
    band: Band, speech: Samples
) -> None:
    recording = speech[: 9 * RATE]
    free = band.send(recording, One(2, 6, voice=band.marcus))
    planned = band.send(recording, One(2, 6, voice=band.atlas))
    work_all()
    unplanned = band.send(recording, One(2, 6, voice=band.atlas))
    unplanned.steps.all().delete()
    Conversion.objects.update(status="failed", error_code="result_missing")
    rows = list(Conversion.objects.select_related("endpoint"))
    assert billing_among(rows) == {planned.pk, unplanned.pk}
    assert billing_among([free]) == frozenset()
    for each in (free, planned, unplanned):
        each.refresh_from_db()
    assert before_retrying([free], band.cast.alice) is None
    for costly in (planned, unplanned):
        asked = before_retrying([costly], band.cast.alice)
        assert asked is not None
        batch = Batch.objects.create(team=band.cast.team, created_by=band.cast.alice)
        Conversion.objects.filter(pk=costly.pk).update(batch=batch)
        client_of(band.cast.alice).post(f"/batches/{batch.pk}/retry/")
        costly.refresh_from_db()
        assert costly.status == "failed"


def in_a_room(*parts: float | Samples) -> Samples:
    """What is said in it, and pauses of so many seconds, with noise of about -54 dBFS."""
    sound = np.concatenate([part if isinstance(part, np.ndarray) else np.zeros(round(part * RATE)) for part in parts])
    return (sound + np.random.default_rng(5).normal(0, 0.002, len(sound))).astype(np.float32)


@pytest.mark.one_database
def test_a_pause_between_two_who_speak_is_no_call_of_its_own(band: Band, speech: Samples) -> None:
    """An endpoint would answer with silence, for which the recording would fail."""
    said = speech[: 4 * RATE]
    sound = in_a_room(1.2, said, 1.5, said, 1.1, said, 1.0)
    marked = (One(1.2, 5.2, voice=band.atlas), One(6.7, 10.7, voice=band.atlas), One(11.8, 15.8, voice=band.marcus))
    conversion = done(band.send(sound, *marked))
    assert sorted(band.asked) == ["atlas", "marcus"]
    pieces = conversion.steps.filter(kind=Step.Kind.CONVERT).order_by("position")
    edges = [(piece.start_sample, piece.end_sample) for piece in pieces]
    assert edges == [(0, round(11.8 * RATE)), (round(11.8 * RATE), len(sound))]


@pytest.mark.one_database
def test_where_somebody_speaks_between_two_regions_the_voice_of_the_rest_does(band: Band, speech: Samples) -> None:
    said = speech[: 4 * RATE]
    sound = in_a_room(said, 0.6, said, 0.6, said)
    done(band.send(sound, One(0, 4, voice=band.atlas), One(9.2, voice=band.marcus)))
    assert sorted(band.asked) == ["atlas", "marcus", "nora"]


@pytest.mark.one_database
def test_beside_what_stays_as_it_is_a_softer_voice_is_as_loud_as_who_spoke(band: Band, speech: Samples) -> None:
    """Where all are spoken by others they stay as loud as their voices usually are."""
    softer = [replace(VOICES["atlas"], tone_hz=0.0, louder_db=-6.0)] * 9
    band.scripted.script(voices={"atlas": softer})
    sound, spoken = speech[: 9 * RATE], slice(0, 5 * RATE)
    for rest, louder_db in (One(5), 0.0), (One(5, voice=band.atlas), -6.0):
        result = heard(done(band.send(sound, One(0, 5, voice=band.atlas), rest)))
        assert level_db(result[spoken]) - level_db(sound[spoken]) == pytest.approx(louder_db, abs=0.3)


@pytest.mark.one_database
def test_a_short_word_beside_what_stays_as_it_is_gets_its_voice(band: Band, speech: Samples) -> None:
    """Half a second between two regions goes with the first, unless nobody changes that one."""
    sound = in_a_room(speech[: 9 * RATE])
    done(band.send(sound, One(0, 1.5), One(1.9, voice=band.marcus)))
    assert sorted(band.asked) == ["marcus", "nora"]


def test_a_dialogue_of_hundreds_of_turns_is_planned_and_one_of_too_many_is_refused_for_them(
    band: Band, speech: Samples, settings: Any
) -> None:
    Endpoint.objects.update(max_seconds=300.0)
    turns = [One(n / 2, (n + 1) / 2, voice=(band.atlas, band.marcus)[n % 2]) for n in range(500)]
    sound = np.resize(speech, 250 * RATE)
    conversion = band.send(sound, *turns)
    prepare = claim(Lane.CPU)
    assert prepare is not None
    work(prepare)
    conversion.refresh_from_db()
    assert conversion.pieces == 500
    settings.MAX_PIECES = 499
    refused = band.send(np.resize(speech, 310 * RATE), *turns)
    prepare = claim(Lane.CPU)
    assert prepare is not None
    work(prepare)
    refused.refresh_from_db()
    assert "With its regions this recording would be more than 499 pieces" in refused.error


def test_what_is_converted_already_is_no_part_of_the_price_of_a_retry(band: Band, speech: Samples) -> None:
    Endpoint.objects.update(billed=True, credits_per_minute=600)
    conversion = done(band.send(speech[: 9 * RATE], One(2, 6, voice=band.atlas)))
    conversion.steps.filter(kind=Step.Kind.CONVERT, position=2).update(status=Step.Status.FAILED)
    Conversion.objects.update(status="failed", error_code="answer_silent")
    asked = before_retrying(list(Conversion.objects.select_related("endpoint")), band.cast.alice)
    assert asked is not None
    assert "At Testers, Others, for 1: about 30 credits." in str(asked)


def test_what_stays_as_it_is_is_fetched_once_however_often_it_is_heard(
    band: Band, speech: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a bucket all of the recording comes each time that it is opened."""
    marked = [One(2.0 * n, 2.0 * n + 2.0, voice=None if n % 2 else band.marcus) for n in range(15)]
    conversion = band.send(speech, *marked)
    while conversion.steps.filter(kind=Step.Kind.ASSEMBLE).count() == 0:
        found = claim(Lane.CPU) or claim(Lane.CALLS)
        assert found is not None
        work(found)
    opened = Counter[str]()
    open_file = durable.open_file

    def counted(key: str) -> BufferedReader:
        opened[key] += 1
        return open_file(key)

    monkeypatch.setattr(durable, "open_file", counted)
    done(conversion)
    assert opened[conversion.source] == 1
