"""A team's own voices: made once whatever breaks on the way, for that team alone, and gone when they are deleted."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile

from conversions import actions
from conversions.access.sources import of_conversion
from conversions.files import durable
from conversions.ground.clock import db_now
from conversions.models import Conversion, Enrolment, Event
from conversions.queue import enrolments
from conversions.queue.claim import LeaseLostError
from conversions.steps import enrol as step
from conversions.upkeep import enrolling, housekeeping
from s2s.contract import ConvertParameters
from tests.conversions.conftest import Submit, done
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour, detail
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.sound import wav
from voices import catalogue
from voices.models import Endpoint, Favourite, Voice

pytestmark = pytest.mark.django_db(transaction=True)

State = Enrolment.State
HALF_A_MINUTE = wav(30, rate_hz=8000)


def sound(data: bytes = HALF_A_MINUTE) -> ContentFile[bytes]:
    return ContentFile(data, name="me.wav")


Enrol = Callable[..., Enrolment]


@pytest.fixture
def enrol(cast: Cast, endpoint: Endpoint) -> Enrol:
    def enrol(actor: Any = None, sample: Any = None, **given: Any) -> Enrolment:
        order = {"name": "Bob's", "endpoint": endpoint, "may_use": True, "accepts_slot": False, "once": uuid.uuid4()}
        audio = sound() if sample is None else sample
        return actions.enrol(actor or cast.bob, cast.team, audio, actions.VoiceOrder(**{**order, **given}))

    return enrol


def made(enrolment: Enrolment) -> Enrolment:
    """As the worker leaves it."""
    enrolling.drain()
    return Enrolment.objects.select_related("voice").get(pk=enrolment.pk)


def as_time_passes() -> None:
    """What waits, and the leases of those who have vanished."""
    past = db_now() - timedelta(seconds=1)
    Enrolment.objects.update(not_before=past)
    Enrolment.objects.exclude(lease_until=None).update(lease_until=past)


def made_there(scripted: ScriptedEndpoint) -> list[str]:
    return [voice["name"] for voice in scripted.ledger.voices if voice["category"] == "cloned"]


def test_a_sample_becomes_a_voice_of_the_team_alone(cast: Cast, enrol: Enrol, scripted: ScriptedEndpoint) -> None:
    enrolment = made(enrol())
    voice = enrolment.voice
    assert voice is not None
    assert (enrolment.state, voice.name, voice.team, voice.voice_id) == (State.READY, "Bob's", cast.team, "made-1")
    assert enrolment.sample_s == pytest.approx(30, abs=0.1)
    assert (enrolment.confirmed_by, enrolment.created_by) == ("Bob", cast.bob)
    assert "timbre" not in voice.labels
    assert voice in catalogue.offered_voices(cast.team)
    assert voice not in catalogue.offered_voices(cast.other_team)
    assert voice not in catalogue.offered_voices(None)
    kinds = list(Event.objects.filter(about=enrolment.pk).values_list("kind", "actor"))
    assert kinds == [("voice_asked", cast.bob.pk), ("voice_ready", None)]


@pytest.mark.parametrize("missing", ["may_use", "accepts_slot", "adds_voices", "enabled"])
def test_nothing_is_kept_without_what_has_to_be_so(missing: str, enrol: Enrol, endpoint: Endpoint) -> None:
    endpoint.billed = True
    if missing in ("adds_voices", "enabled"):
        setattr(endpoint, missing, False)
    endpoint.save()
    given = {"may_use": True, "accepts_slot": True} | {missing: False} if missing in ("may_use", "accepts_slot") else {}
    with pytest.raises(actions.RefusedError) as refused:
        enrol(**{"accepts_slot": True, **given})
    assert refused.value.problems[0][0] == (missing if given else "endpoint")
    assert not Enrolment.objects.exists()
    assert not list(durable.storage().folders(durable.ROOT))


def test_viewers_and_strangers_make_none(cast: Cast, enrol: Enrol) -> None:
    for person in (cast.victor, cast.mallory):
        with pytest.raises(PermissionDenied):
            enrol(person)


def test_sent_twice_it_is_made_once(enrol: Enrol, scripted: ScriptedEndpoint) -> None:
    once = uuid.uuid4()
    assert enrol(once=once) == enrol(once=once)
    enrolling.drain()
    assert made_there(scripted) == ["Bob's"]


def test_what_was_cut_off_before_it_was_known_is_no_sample(
    cast: Cast, enrol: Enrol, scripted: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The site is killed when the file is there and no row; the page sends another recording then."""

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    once = uuid.uuid4()
    with monkeypatch.context() as patch:
        patch.setattr(Enrolment, "save", die)
        with pytest.raises(Killed):
            enrol(once=once)
    enrolment = made(enrol(once=once, sample=sound(wav(12))))
    assert enrolment.sample_s == pytest.approx(12, abs=0.1)


def test_two_requests_at_once_make_one_and_leave_one_sample(
    enrol: Enrol, scripted: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    once, store = uuid.uuid4(), durable.store_upload

    def be_late(key: str, upload: Any) -> None:
        monkeypatch.setattr(durable, "store_upload", store)
        enrol(once=once)
        store(key, upload)

    monkeypatch.setattr(durable, "store_upload", be_late)
    enrolment = enrol(once=once)
    assert len(durable.names_in(enrolment.pk)) == 1
    assert made(enrolment).state == State.READY
    assert made_there(scripted) == ["Bob's"]


def test_the_same_page_of_somebody_else_is_another_order(cast: Cast, enrol: Enrol) -> None:
    once = uuid.uuid4()
    assert enrol(once=once) != enrol(cast.alice, once=once)


def test_a_sample_is_taken_from_the_history(
    cast: Cast, enrol: Enrol, submit: Submit, scripted: ScriptedEndpoint
) -> None:
    conversion = done(submit(cast.bob, wav(12)))
    enrolment = made(enrol(sample=of_conversion(conversion)))
    assert enrolment.state == State.READY
    assert durable.size(enrolment.sample) == conversion.source_bytes
    actions.purge(conversion, cast.bob)
    assert durable.exists(enrolment.sample)


def test_none_is_made_of_what_is_to_leave_no_trace(cast: Cast, enrol: Enrol, submit: Submit) -> None:
    conversion = submit(cast.bob, wav(12), enable_logging=False)
    with pytest.raises(actions.RefusedError):
        enrol(cast.bob, of_conversion(conversion))


def test_what_is_too_short_or_no_sound_is_never_sent(enrol: Enrol, scripted: ScriptedEndpoint) -> None:
    for sample, words in ((wav(5), "5 seconds"), (b"no sound at all", "")):
        enrolment = made(enrol(sample=sound(sample)))
        assert (enrolment.state, enrolment.sample) == (State.REFUSED, "")
        assert words in enrolment.said
        assert enrolment.said
        assert not durable.names_in(enrolment.pk)
    assert not scripted.requests


def test_of_hours_no_more_is_sent_than_an_endpoint_takes(enrol: Enrol, scripted: ScriptedEndpoint) -> None:
    enrolment = made(enrol(sample=sound(wav(100, rate_hz=48000))))
    sent = next(part for request in scripted.requests for part in request.parts if part.name == "files")
    assert enrolment.sample_s == pytest.approx(step.MOST_S, abs=0.1)
    assert sent.size < 10_000_000


def test_a_refusal_is_said_in_words_and_the_sample_is_gone(enrol: Enrol, scripted: ScriptedEndpoint) -> None:
    for code, words in (("voice_sample_too_noisy", "noise"), ("voice_limit_reached", "Testers refused: You have 10.")):
        scripted.script(adds=[Behaviour(status=400, body=detail(code, "You have 10."))])
        enrolment = made(enrol())
        assert enrolment.state == State.REFUSED
        assert words in enrolment.said
        assert not durable.names_in(enrolment.pk)


def test_an_account_that_is_refused_is_said_and_can_be_tried_again(
    cast: Cast, enrol: Enrol, scripted: ScriptedEndpoint
) -> None:
    scripted.script(adds=[Behaviour(status=401, body=detail("invalid_api_key", "No."))])
    enrolment = made(enrol())
    assert enrolment.state == State.FAILED
    with pytest.raises(PermissionDenied):
        actions.retry_voice(enrolment, cast.victor)
    assert actions.retry_voice(enrolment, cast.bob)
    assert made(enrolment).state == State.READY
    assert not actions.retry_voice(enrolment, cast.bob)


def test_an_endpoint_that_is_away_is_asked_again_by_itself(enrol: Enrol, scripted: ScriptedEndpoint) -> None:
    with scripted.down():
        enrolment = made(enrol())
        assert enrolment.state == State.WAITING
        assert "Testers" in enrolment.said
    assert not enrolments.due().exists()  # not at once
    as_time_passes()
    assert made(enrolment).state == State.READY


def test_it_isnt_tried_for_ever(enrol: Enrol, scripted: ScriptedEndpoint, settings: Any) -> None:
    settings.MAX_ATTEMPTS = 2
    enrolment = enrol()
    with scripted.down():
        for state in (State.WAITING, State.FAILED):
            as_time_passes()
            assert made(enrolment).state == state


def test_an_answer_that_was_lost_makes_no_second_voice(enrol: Enrol, scripted: ScriptedEndpoint) -> None:
    scripted.script(adds=[Behaviour(fault="reset")])
    enrolment = made(enrol())
    assert enrolment.state == State.WAITING
    as_time_passes()
    enrolment = made(enrolment)
    assert enrolment.state == State.READY
    assert made_there(scripted) == ["Bob's"]


def test_between_the_answer_and_our_row_nobody_sees_the_voice(
    cast: Cast, enrol: Enrol, endpoint: Endpoint, scripted: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker is killed where it would make the voice known, and the catalogue is synced meanwhile."""

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    enrolment = enrol()
    with monkeypatch.context() as patch:
        patch.setattr(step, "_make_known", die)
        with pytest.raises(Killed):
            enrolling.drain()
    assert made_there(scripted) == ["Bob's"]
    assert catalogue.sync(endpoint)
    assert not Voice.objects.filter(voice_id="made-1").exists()
    assert made(enrolment).state == State.ADDING  # its lease has not run out
    as_time_passes()
    assert made(enrolment).state == State.READY
    assert made_there(scripted) == ["Bob's"]
    assert catalogue.sync(endpoint)
    assert Voice.objects.get(voice_id="made-1").team == cast.team


def test_a_voice_that_has_to_be_verified_says_so(enrol: Enrol, scripted: ScriptedEndpoint) -> None:
    scripted.ledger.verifies = True
    enrolment = made(enrol())
    assert enrolment.state == State.READY
    assert enrolment.said == "Testers wants this voice to be verified in its account before it speaks."


def test_an_endpoint_that_keeps_no_label_makes_no_voice(enrol: Enrol, scripted: ScriptedEndpoint) -> None:
    """The next sync couldn't tell that it is a team's."""
    scripted.ledger.made_with = {"labels": {}}
    enrolment = made(enrol())
    assert enrolment.state == State.REFUSED
    assert not made_there(scripted)
    assert not Voice.objects.filter(voice_id="made-1").exists()


def test_a_sync_leaves_the_voice_its_name_and_its_team(
    cast: Cast, enrol: Enrol, endpoint: Endpoint, scripted: ScriptedEndpoint
) -> None:
    enrolment = made(enrol())
    actions.rename_voice(enrolment, cast.bob, "Bob in the morning")
    assert catalogue.sync(endpoint)
    voice = Voice.objects.get(voice_id="made-1")
    assert (voice.name, voice.team, voice.hidden) == ("Bob in the morning", cast.team, False)
    assert "timbre" not in voice.labels


def test_a_voice_that_is_made_while_others_are_listed_isnt_missed(
    enrol: Enrol, endpoint: Endpoint, scripted: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolment = enrol()
    ask = catalogue.client_for

    def ask_early(of: Endpoint) -> Any:
        client = ask(of)
        voices = client.voices()

        class Early:
            def voices(self, **_: object) -> Any:
                made(enrolment)
                return voices

            models = client.models

        return Early()

    monkeypatch.setattr(catalogue, "client_for", ask_early)
    assert catalogue.sync(endpoint)
    assert not Voice.objects.get(voice_id="made-1").hidden


def test_who_made_it_and_admins_change_it(cast: Cast, enrol: Enrol) -> None:
    enrolment = made(enrol())
    for change in (
        lambda who: actions.rename_voice(enrolment, who, "Mine"),
        lambda who: actions.delete_voice(enrolment, who),
    ):
        for person in (cast.victor, cast.mallory):
            with pytest.raises(PermissionDenied):
                change(person)
    others = made(enrol(cast.alice))
    with pytest.raises(PermissionDenied):
        actions.delete_voice(others, cast.bob)
    actions.rename_voice(enrolment, cast.alice, "Ours")
    assert Voice.objects.get(voice_id="made-1").name == "Ours"


def test_deleted_it_is_gone_here_at_once_and_there_soon(
    cast: Cast, enrol: Enrol, submit: Submit, endpoint: Endpoint, scripted: ScriptedEndpoint
) -> None:
    enrolment = made(enrol())
    voice = enrolment.voice
    assert voice is not None
    order = actions.Order(ConvertParameters(output_format="wav_16000"))
    conversion = done(actions.submit(cast.bob, cast.team, sound(wav()), voice, order))
    Favourite.objects.create(user=cast.bob, voice=voice)
    assert actions.delete_voice(enrolment, cast.bob)
    assert not actions.delete_voice(enrolment, cast.bob)
    assert voice not in catalogue.offered_voices(cast.team)
    assert not durable.names_in(enrolment.pk)
    assert not Favourite.objects.exists()
    with scripted.down():
        assert made(enrolment).state == State.REMOVING
    assert made_there(scripted) == ["Bob's"]
    assert catalogue.sync(endpoint)  # meanwhile it is listed still
    assert voice not in catalogue.offered_voices(cast.team)
    as_time_passes()
    enrolling.drain()
    assert not made_there(scripted)
    assert not Enrolment.objects.exists()
    assert catalogue.sync(endpoint)
    voice.refresh_from_db()
    conversion.refresh_from_db()
    assert (voice.hidden, conversion.voice_name, conversion.status) == (True, "Bob's", Conversion.Status.READY)
    left = Event.objects.filter(about=enrolment.pk)
    assert [event.kind for event in left] == ["voice_asked", "voice_ready", "voice_gone"]
    assert all(event.data == {} for event in left)


def test_deleting_is_tried_again_where_the_endpoint_refuses(
    cast: Cast, enrol: Enrol, scripted: ScriptedEndpoint
) -> None:
    enrolment = made(enrol())
    scripted.script(adds=[Behaviour(status=403, body=detail("forbidden", "Not now."))])
    actions.delete_voice(enrolment, cast.bob)
    assert made(enrolment).state == State.REMOVING
    as_time_passes()
    enrolling.drain()
    assert not Enrolment.objects.exists()
    assert not made_there(scripted)


def test_what_is_gone_there_already_is_gone(cast: Cast, enrol: Enrol, scripted: ScriptedEndpoint) -> None:
    enrolment = made(enrol())
    scripted.ledger.voices.clear()
    actions.delete_voice(enrolment, cast.bob)
    enrolling.drain()
    assert not Enrolment.objects.exists()


def test_deleted_while_it_is_made_it_isnt_left_there(
    cast: Cast, enrol: Enrol, scripted: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the worker that makes it: what it began is nobody's wish any more when the answer is there."""
    enrolment = enrol()
    make_known = step._make_known

    def too_late(held: Enrolment, *given: Any) -> Voice:
        actions.delete_voice(enrolment, cast.bob)
        assert not enrolments.due().exists()  # whoever removed it now might be earlier than the endpoint
        return make_known(held, *given)

    monkeypatch.setattr(step, "_make_known", too_late)
    enrolling.drain()
    assert not made_there(scripted)
    assert not Enrolment.objects.exists()
    assert not Voice.objects.filter(voice_id="made-1").exists()


def test_whoever_has_lost_the_lease_writes_nothing(enrol: Enrol) -> None:
    enrol()
    held = enrolments.claim()
    assert held is not None
    as_time_passes()
    again = enrolments.claim()
    assert again is not None
    for write in (enrolments.still_held, enrolments.settle):
        with pytest.raises(LeaseLostError):
            write(held)
    enrolments.leave(held)
    enrolments.still_held(again)


def test_nothing_is_sent_to_an_endpoint_that_is_paused(
    enrol: Enrol, endpoint: Endpoint, scripted: ScriptedEndpoint
) -> None:
    Endpoint.objects.update(paused=True)
    assert made(enrol()).state == State.WAITING
    assert not scripted.requests


def test_with_the_team_its_voices_go_at_their_endpoint(
    cast: Cast, enrol: Enrol, root: Any, endpoint: Endpoint, scripted: ScriptedEndpoint
) -> None:
    enrolment = made(enrol())
    assert actions.held_by([cast.team]).voices == 1
    actions.disband(cast.team, root)
    assert not Voice.objects.filter(voice_id="made-1").exists()
    assert catalogue.sync(endpoint)  # before its endpoint is told
    assert not Voice.objects.filter(voice_id="made-1").exists()
    assert not durable.names_in(enrolment.pk)
    enrolling.drain()
    assert not made_there(scripted)
    assert not Enrolment.objects.exists()


def test_an_endpoint_with_a_voice_of_a_team_stays(enrol: Enrol, endpoint: Endpoint, root: Any) -> None:
    enrol()
    assert not actions.unplug(endpoint, root)


def test_housekeeping_leaves_samples_alone(enrol: Enrol) -> None:
    enrolment = enrol()
    housekeeping.delete_orphans(timedelta(0))
    assert durable.exists(enrolment.sample)


def test_a_sample_takes_room_of_the_team(cast: Cast, enrol: Enrol) -> None:
    cast.team.storage_megabytes = 1
    cast.team.save()
    enrol()
    enrol()
    with pytest.raises(actions.OverQuotaError):
        enrol()
    assert Enrolment.objects.count() == 2


def test_another_teams_voice_is_no_voice(cast: Cast, enrol: Enrol, voice: Voice) -> None:
    """For the verbs, whatever a page has let through."""
    own = made(enrol()).voice
    assert own is not None
    parameters = ConvertParameters(output_format="wav_16000")
    region = actions.RegionOrder(start_s=0.0, end_s=0.5, channel=None, voice=own, speaker="")
    for order, chosen in ((actions.Order(parameters), own), (actions.Order(parameters, regions=(region,)), voice)):
        with pytest.raises(actions.RefusedError) as refused:
            actions.submit(cast.mallory, cast.other_team, sound(wav()), chosen, order)
        assert "Bob" not in str(refused.value)
    with pytest.raises(actions.RefusedError):
        actions.audition(cast.mallory, cast.other_team, sound(wav()), [own], actions.Order(parameters))
    kept = actions.keep(cast.mallory, cast.other_team, sound(wav()), actions.Order(parameters))
    done_reading = kept.voice
    assert done_reading != own
    assert not Conversion.objects.filter(voice=own).exists()


def test_who_said_that_it_may_be_used_is_known_also_when_they_are_gone(cast: Cast, enrol: Enrol, root: Any) -> None:
    enrolment = made(enrol())
    assert actions.left_by([cast.bob]).voices == 1
    actions.part_with(cast.bob, root)
    enrolment.refresh_from_db()
    assert (enrolment.created_by, enrolment.confirmed_by, enrolment.state) == (None, "Bob", State.READY)
    actions.delete_voice(enrolment, cast.alice)
    enrolling.drain()
    assert not Enrolment.objects.exists()
