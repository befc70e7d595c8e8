"""A film comes back as a film: made by itself once its sound is converted, counted, found again, gone with it."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import F
from redis import Redis

from bench.measure import tree
from conversions import actions
from conversions.files import durable, inventory
from conversions.ledger.usage import usage_of
from conversions.models import Conversion, Event, Export, Step
from conversions.queue.bells import Lane, ring
from conversions.queue.claim import LeaseLostError, claim
from conversions.queue.leases import Lease
from conversions.steps import STEPS
from conversions.upkeep import housekeeping, retention, sweeper
from conversions.upkeep.worker import work
from s2s.audio import AudioError
from teams.models import Membership
from tests.conversions.conftest import Submit, client_of, work_all
from tests.conversions.pieces import SPEAKS
from tests.support.cast import Cast
from tests.support.decoders import has_job
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.films import H264, flashes_s, onsets_s, packets, written_film
from tests.support.product import wait_for
from tests.support.worker import Worker
from voices.models import Endpoint as EndpointRow
from voices.models import Voice

SPEECH = Path(__file__).resolve().parents[2] / "data" / "speech" / "woman_prompts.flac"
pytestmark = pytest.mark.django_db(transaction=True)


@cache
def a_film() -> bytes:
    return written_film(f"{H264} -c:a aac", "a.mp4")


@pytest.fixture
def filmed(submit: Submit, scripted: ScriptedEndpoint) -> Submit:
    """A film whose sound comes back as it went."""
    scripted.script(default=Behaviour(decodes=True))
    return lambda **parameters: submit(data=a_film(), **{"output_format": "wav_48000", **parameters})


def done(conversion: Conversion) -> Conversion:
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY
    return conversion


def up_to_its_film() -> None:
    """All that comes before it is done."""
    while not Export.objects.exists():
        found = claim(Lane.CPU) or claim(Lane.CALLS)
        assert found is not None
        work(found)


def the_film(conversion: Conversion) -> Export:
    return conversion.exports.select_related("step").get(output_format=Export.FILM)


def stored(export: Export) -> bytes:
    with durable.open_file(export.file) as file:
        return file.read()


def test_a_film_comes_back_as_a_film_by_itself(filmed: Submit, cast: Cast) -> None:
    conversion = done(filmed())
    assert conversion.source_pictures == "h264"
    export = the_film(conversion)
    assert (export.step.status, export.error, export.created_by) == (Step.Status.DONE, "", cast.alice)
    film = stored(export)
    assert export.size == len(film)
    assert export.facts == {"container": "mp4", "codec": "aac", "left_out": []}
    assert packets(film) == packets(a_film())
    assert onsets_s(film) == pytest.approx(flashes_s(film), abs=0.005)
    assert conversion.events.get(kind=Event.Kind.EXPORTED).data == {"format": "a film with the new voice"}


def test_sound_alone_has_no_film(ready: Conversion, cast: Cast) -> None:
    assert ready.source_pictures == ""
    assert not ready.exports.exists()
    with pytest.raises(ValueError, match="film"):
        actions.export(ready, cast.alice, Export.FILM)


def test_an_audition_of_a_film_has_none(cast: Cast, voice: Voice, scripted: ScriptedEndpoint) -> None:
    film = SimpleUploadedFile("a.mp4", a_film())
    answer = client_of(cast.alice).post("/", {"audio": film, "voice": voice.pk, "do": "audition"})
    assert answer.status_code == 303
    work_all()
    assert Conversion.objects.get().status == Conversion.Status.READY
    assert not Export.objects.exists()


def test_it_counts_to_the_storage_before_it_is_made_and_after(filmed: Submit, cast: Cast) -> None:
    member = Membership.objects.select_related("team").get(user=cast.alice)
    conversion = filmed()
    up_to_its_film()
    conversion.refresh_from_db()
    team = cast.team
    team.storage_megabytes = 100
    team.save()
    member.refresh_from_db()
    before = usage_of(member).team_bytes
    assert before >= conversion.stored_bytes + conversion.source_bytes
    work_all()
    assert usage_of(member).team_bytes == conversion.stored_bytes + (the_film(conversion).size or 0)


def test_a_team_without_room_keeps_the_sound_and_reads_why(filmed: Submit, cast: Cast) -> None:
    conversion = filmed()
    up_to_its_film()
    cast.team.storage_megabytes = 0
    cast.team.save()
    export = the_film(done(conversion))
    assert export.step.status == Step.Status.FAILED
    assert export.error.startswith("Your team keeps ")
    assert export.error.endswith("The sound alone is there.")
    cast.team.storage_megabytes = None
    cast.team.save()
    assert actions.export(conversion, cast.bob, Export.FILM) == export
    work_all()
    assert the_film(conversion).step.status == Step.Status.DONE


def test_one_whose_recording_is_gone_says_so(filmed: Submit, cast: Cast) -> None:
    conversion = done(filmed())
    actions.forget_export(the_film(conversion))
    Path(durable.open_file(conversion.source).name).unlink()
    actions.export(conversion, cast.alice, Export.FILM)
    work_all()
    export = the_film(conversion)
    assert (export.step.status, export.error) == (
        Step.Status.FAILED,
        "The film or its new sound is gone from the server.",
    )
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY


def adopted_after_a_crash(conversion: Conversion, monkeypatch: pytest.MonkeyPatch) -> Export:
    """Its worker is gone once the film is stored, before anybody knows of it; nobody can make it again."""
    up_to_its_film()
    found = claim(Lane.CPU)
    assert found is not None
    step = sys.modules["conversions.steps.export"]
    with monkeypatch.context() as patch:

        def crash(*_: object) -> None:
            raise LeaseLostError

        patch.setattr(step.outcomes, "exported", crash)
        work(found)
    Step.objects.filter(pk=found.step_id).update(lease_until=F("lease_until") - timedelta(minutes=20))
    assert sweeper.recover() == 1
    monkeypatch.setattr(step.filming, "make", None)
    return the_film(done(conversion))


def test_what_a_crash_left_complete_is_adopted(filmed: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    export = adopted_after_a_crash(filmed(), monkeypatch)
    assert export.step.status == Step.Status.DONE
    assert export.facts["container"] == "mp4"


def test_it_goes_with_its_conversion_in_every_state(filmed: Submit, cast: Cast) -> None:
    conversion = done(filmed())
    actions.forget_export(the_film(conversion))
    for begin in (lambda: None, work_all, lambda: claim(Lane.CPU)):
        actions.export(conversion, cast.alice, Export.FILM)
        begin()
        actions.delete(conversion, cast.alice)
        assert not Step.objects.filter(status__in=[Step.Status.WAITING, Step.Status.RUNNING]).exists()
        actions.restore(conversion, cast.alice)
    actions.delete(conversion, cast.alice)
    actions.erase(conversion)
    assert not Export.objects.exists()
    assert not inventory.sizes(conversion.pk)


def test_a_lost_lease_ends_the_work_and_leaves_no_file(filmed: Submit, cast: Cast) -> None:
    conversion = done(filmed())
    before = inventory.sizes(conversion.pk)
    actions.forget_export(the_film(conversion))
    actions.export(conversion, cast.alice, Export.FILM)
    found = claim(Lane.CPU)
    assert found is not None
    lease = Lease(found)
    lease.lose()
    with pytest.raises((AudioError, LeaseLostError)):
        STEPS[found.kind](found, lease)
    assert inventory.sizes(conversion.pk) == before


@pytest.mark.one_database
@pytest.mark.timeout(180)
def test_a_worker_killed_while_it_copies_delays_it(
    submit: Submit, scripted: ScriptedEndpoint, cast: Cast, redis_url: str, tmp_path: Path
) -> None:
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
    scripted.script(default=Behaviour(decodes=True))
    conversion = submit(data=written_film(f"{H264} -c:a aac", "a.mp4", length_s=120.0))
    up_to_its_film()
    with Worker("cpu", redis_url, tmp_path, LEASE_SECONDS="1") as worker:

        def copying() -> list[int]:
            return [pid for pid in tree(worker.process.pid) if has_job(pid)]

        ring(Lane.CPU)
        wait_for(lambda: the_film(conversion).step.status == Step.Status.RUNNING and copying(), "it is being copied")
        for pid in copying():
            os.kill(pid, signal.SIGSTOP)  # it can't be done before its worker is gone
        os.kill(worker.process.pid, signal.SIGKILL)
        worker.process.wait(10)
    assert the_film(conversion).step.status == Step.Status.RUNNING
    wait_for(lambda: sweeper.recover() == 1, "its lease has run out")
    export = the_film(done(conversion))
    assert (export.step.status, export.step.attempt) == (Step.Status.DONE, 2)
    assert len(onsets_s(stored(export))) == 120
    assert conversion.events.filter(kind=Event.Kind.EXPORTED).count() == 1


def test_a_piece_that_is_converted_once_more_is_heard_in_the_film_too(
    ten_seconds: EndpointRow, submit: Submit, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    speech = written_film(
        f"-map 0:v -map 2:a {H264} -c:a aac", "a.mp4", length_s=24.0, more=f"-stream_loop 5 -t 24 -i {SPEECH}"
    )
    conversion = done(submit(data=speech))
    before = the_film(conversion)
    content = stored(before)
    scripted.script(default=replace(SPEAKS, louder_db=-20.0))
    assert actions.redo(conversion, cast.alice, 2)
    export = the_film(done(conversion))
    assert export.step_id != before.step_id
    after = stored(export)
    assert packets(after) == packets(content) == packets(speech)
    assert packets(after, "audio") != packets(content, "audio")


@pytest.mark.one_database
def test_nobody_is_sent_the_pictures(filmed: Submit, scripted: ScriptedEndpoint) -> None:
    done(filmed())
    (sent,) = [request.audio for request in scripted.requests if request.audio is not None]
    assert sent.filename == "recording.flac"
    assert sent.sha256 != hashlib.sha256(a_film()).hexdigest()


@pytest.mark.one_database
def test_none_of_what_is_sent_is_more_than_an_endpoint_takes(
    submit: Submit, scripted: ScriptedEndpoint, voice: Voice
) -> None:
    """Its sound as FLAC takes more room than the film does."""
    noise = "-f lavfi -i anoisesrc=d=12:a=0.5:r=48000:seed=1"
    film = written_film(f"-map 0:v -map 2:a {H264} -c:a aac -b:a 64k", "a.mp4", length_s=12.0, more=noise)
    scripted.script(default=Behaviour(speaks=True))
    most = 900_000
    assert len(film) < most
    voice.endpoint.max_bytes = most
    voice.endpoint.save()
    done(submit(data=film, output_format="wav_48000"))
    sent = [request.audio.size for request in scripted.requests if request.audio is not None]
    assert len(sent) > 1
    assert max(sent) <= most


def test_housekeeping_keeps_it(filmed: Submit) -> None:
    conversion = done(filmed())
    found = housekeeping.look_into_folders(timedelta(0))
    assert (found.deleted, found.missing) == (0, 0)
    assert stored(the_film(conversion))


def test_of_a_zero_retention_one_nothing_is_left(filmed: Submit) -> None:
    conversion = done(filmed(enable_logging=False))
    assert the_film(conversion).step.status == Step.Status.DONE
    assert conversion.events.get(kind=Event.Kind.EXPORTED).data == {}
    Conversion.objects.update(created_at=F("created_at") - timedelta(hours=25))
    assert retention.erase_due() == 1
    assert not Export.objects.exists()
    assert not inventory.sizes(conversion.pk)
