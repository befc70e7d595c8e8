"""A result in other formats: made once, found again, gone with its conversion; the conversion stays ready."""

from __future__ import annotations

import os
import re
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import F
from redis import Redis

from conversions import actions
from conversions.files import durable, inventory
from conversions.ledger.usage import usage_of
from conversions.models import Conversion, Event, Export, Step
from conversions.queue.bells import Lane
from conversions.queue.claim import LeaseLostError, claim
from conversions.queue.leases import Lease, keeper
from conversions.queue.outcomes import held
from conversions.sound.loudness import output_lufs
from conversions.sound.reading import headerless
from conversions.steps import STEPS
from conversions.upkeep import draining, housekeeping, retention, sweeper
from conversions.upkeep.worker import work
from s2s.audio import examine, measure_loudness
from s2s.formats import OUTPUT_FORMATS
from teams.models import Membership
from tests.conversions.conftest import Submit, work_all
from tests.support.cast import Cast
from tests.support.product import wait_for
from tests.support.worker import Worker

pytestmark = pytest.mark.django_db(transaction=True)


def made_ready(submit: Submit, **parameters: object) -> Conversion:
    conversion = submit(**parameters)
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY
    return conversion


def made(conversion: Conversion, output_format: str = "mp3_44100_128") -> Export:
    return conversion.exports.select_related("step").get(output_format=output_format)


def results(export: Export) -> list[str]:
    """The files that any attempt has left, without their notes."""
    return [name for name in inventory.sizes(export.conversion_id) if name.startswith(f"{export.step_id}-")]


@pytest.mark.one_database
@pytest.mark.parametrize("output_format", ["mp3_44100_128", "wav_48000", "opus_48000_64", "ulaw_8000", "pcm_24000"])
def test_a_result_is_made_in_another_format(ready: Conversion, cast: Cast, output_format: str) -> None:
    assert actions.export(ready, cast.bob, output_format) is not None
    assert work_all() == 1

    export, wanted = made(ready, output_format), OUTPUT_FORMATS[output_format]
    assert (export.step.status, export.error, export.created_by) == (Step.Status.DONE, "", cast.bob)
    with durable.open_file(export.file) as file:
        found = examine(file, raw=headerless(wanted))
        assert export.size == len(file.read())
    assert found.sample_rate_hz == wanted.sample_rate_hz
    assert found.duration_s == pytest.approx(ready.output_duration_s, abs=0.001)
    with durable.open_file(export.file) as file:
        assert measure_loudness(file, raw=headerless(wanted)) == pytest.approx(output_lufs(ready), abs=1.0)
    line = ready.events.get(kind=Event.Kind.EXPORTED)
    assert line.actor == cast.bob
    ready.refresh_from_db()
    assert ready.status == Conversion.Status.READY
    assert ready.output != export.file


def test_a_result_without_a_header_is_read_as_what_it_was_ordered(submit: Submit, cast: Cast, scripted) -> None:
    conversion = submit(output_format="wav_16000")
    work_all()
    raw = durable.open_file(Conversion.objects.get(pk=conversion.pk).output).read()[44:]
    Conversion.objects.filter(pk=conversion.pk).update(output_format="pcm_16000")
    Path(durable.open_file(Conversion.objects.get(pk=conversion.pk).output).name).write_bytes(raw)
    conversion.refresh_from_db()
    actions.export(conversion, cast.alice, "wav_16000")
    work_all()
    with durable.open_file(made(conversion, "wav_16000").file) as file:
        assert file.read()[44:] == raw


def test_it_is_made_once_whoever_asks(ready: Conversion, cast: Cast) -> None:
    first = actions.export(ready, cast.bob, "wav_48000")
    assert actions.export(ready, cast.alice, "wav_48000") == first
    assert work_all() == 1
    assert actions.export(ready, cast.alice, "wav_48000") == first
    assert work_all() == 0
    assert actions.export(ready, cast.alice, "mp3_44100_192") != first
    assert work_all() == 1


def test_an_unfinished_one_has_nothing_to_export(submit: Submit, cast: Cast) -> None:
    conversion = submit()
    assert actions.export(conversion, cast.alice, "mp3_44100_128") is None
    assert not Export.objects.exists()


@pytest.mark.parametrize("output_format", ["", "wav_16000", "flac", "../etc/passwd"])
def test_only_another_format_of_the_contract_is_made(ready: Conversion, cast: Cast, output_format: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(output_format)}$"):
        actions.export(ready, cast.alice, output_format)
    assert not Export.objects.exists()


def test_viewers_and_others_have_none_made(ready: Conversion, cast: Cast) -> None:
    for user in (cast.victor, cast.mallory):
        with pytest.raises(PermissionDenied):
            actions.export(ready, user, "mp3_44100_128")
    assert not Export.objects.exists()


def test_one_that_fails_says_so_changes_nothing_else_and_is_tried_again(ready: Conversion, cast: Cast) -> None:
    path = Path(durable.open_file(ready.output).name)
    kept = path.rename(path.with_name("kept"))
    actions.export(ready, cast.alice, "mp3_44100_128")
    work_all()
    export = made(ready)
    assert export.step.status == Step.Status.FAILED
    assert "gone from the server" in export.error
    ready.refresh_from_db()
    assert (ready.status, ready.error) == (Conversion.Status.READY, "")
    assert not ready.events.filter(kind=Event.Kind.FAILED).exists()

    kept.rename(path)
    actions.export(ready, cast.alice, "mp3_44100_128")
    work_all()
    export = made(ready)
    assert (export.step.status, export.error) == (Step.Status.DONE, "")


def test_retry_and_cancel_have_nothing_to_do_with_it(ready: Conversion, cast: Cast) -> None:
    actions.export(ready, cast.alice, "mp3_44100_128")
    assert not actions.cancel(ready, cast.alice)
    assert not actions.retry(ready, cast.alice)
    assert work_all() == 1
    assert made(ready).step.status == Step.Status.DONE


def test_it_goes_with_its_conversion_in_every_state(submit: Submit, cast: Cast) -> None:
    for begin in (lambda: None, work_all, lambda: claim(Lane.CPU)):
        conversion = made_ready(submit)
        actions.export(conversion, cast.alice, "mp3_44100_128")
        begin()
        actions.delete(conversion, cast.alice)
        actions.erase(conversion)
        assert not Export.objects.exists()
        assert not Step.objects.filter(kind=Step.Kind.EXPORT).exists()
        assert not inventory.sizes(conversion.pk)


def test_a_lost_lease_writes_nothing(ready: Conversion, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    actions.export(ready, cast.alice, "mp3_44100_128")
    found = claim(Lane.CPU)
    assert found is not None
    Step.objects.filter(pk=found.step_id).update(status=Step.Status.WAITING, lease_token=None, lease_until=None)
    work(found)
    export = made(ready)
    assert (export.step.status, export.file, export.size) == (Step.Status.WAITING, "", None)
    assert work_all() == 1
    assert made(ready).step.status == Step.Status.DONE
    with pytest.raises(LeaseLostError), held(found):
        pass


def test_a_lease_that_is_lost_on_the_way_leaves_no_file(ready: Conversion, cast: Cast) -> None:
    actions.export(ready, cast.alice, "mp3_44100_128")
    found = claim(Lane.CPU)
    assert found is not None
    lease = Lease(found)
    lease.lose()
    with pytest.raises(LeaseLostError):
        STEPS[found.kind](found, lease)
    assert not results(made(ready))


def test_what_a_crash_left_complete_is_adopted(ready: Conversion, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    step = sys.modules["conversions.steps.export"]
    actions.export(ready, cast.alice, "mp3_44100_128")
    found = claim(Lane.CPU)
    assert found is not None
    with monkeypatch.context() as patch:

        def crash(*_: object) -> None:
            raise LeaseLostError

        patch.setattr(step.outcomes, "exported", crash)
        work(found)
    before = results(made(ready))
    assert len(before) == 2  # the file and its note
    Step.objects.filter(pk=found.step_id).update(lease_until=F("lease_until") - timedelta(minutes=10))
    assert sweeper.recover() == 1
    monkeypatch.setattr(step, "audio", None)
    assert work_all() == 1
    export = made(ready)
    assert export.step.status == Step.Status.DONE
    assert results(export) == before
    assert durable.name_of(export.file) in before


def test_a_worker_that_stops_gives_it_back(ready: Conversion, cast: Cast) -> None:
    actions.export(ready, cast.alice, "mp3_44100_128")
    found = claim(Lane.CPU)
    assert found is not None
    with keeper.hold(found) as lease:
        draining.end_work()
        assert lease.lost
    assert made(ready).step.status == Step.Status.WAITING
    ready.refresh_from_db()
    assert ready.status == Conversion.Status.READY
    assert work_all() == 1


def test_housekeeping_keeps_it(ready: Conversion, cast: Cast) -> None:
    actions.export(ready, cast.alice, "mp3_44100_128")
    work_all()
    found = housekeeping.look_into_folders(timedelta(0))
    assert (found.deleted, found.missing) == (0, 0)
    assert housekeeping.delete_orphans(timedelta(0)) == 0
    assert len(results(made(ready))) == 2


def test_it_counts_to_the_storage_used(ready: Conversion, cast: Cast) -> None:
    member = Membership.objects.select_related("team").get(user=cast.alice)
    before = usage_of(member).team_bytes
    for output_format in ("wav_48000", "wav_44100"):
        actions.export(ready, cast.alice, output_format)
    assert usage_of(member).team_bytes > before  # as what they will have
    work_all()
    sizes = [export.size or 0 for export in Export.objects.all()]
    assert len(sizes) == 2
    assert usage_of(member).team_bytes == before + sum(sizes)
    assert usage_of(member, but=ready).team_bytes == 0


def test_of_a_zero_retention_one_nothing_is_left(submit: Submit, cast: Cast) -> None:
    conversion = made_ready(submit, enable_logging=False)
    actions.export(conversion, cast.alice, "mp3_44100_128")
    work_all()
    assert conversion.events.get(kind=Event.Kind.EXPORTED).data == {}
    Conversion.objects.update(created_at=F("created_at") - timedelta(hours=25))
    assert retention.erase_due() == 1
    assert not Export.objects.exists()
    assert not inventory.sizes(conversion.pk)


@pytest.mark.timeout(120)
def test_a_worker_killed_in_the_middle_delays_it(ready: Conversion, cast: Cast, redis_url: str, tmp_path: Path) -> None:
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
    path = Path(durable.open_file(ready.output).name)
    kept = path.rename(path.with_name("kept"))
    os.mkfifo(path)  # whoever reads it stays in the middle
    with Worker("cpu", redis_url, tmp_path, LEASE_SECONDS="1") as worker:
        actions.export(ready, cast.alice, "mp3_44100_128")
        wait_for(lambda: made(ready).step.status == Step.Status.RUNNING, "it is being made")
        os.kill(worker.process.pid, signal.SIGKILL)
        worker.process.wait(10)
    path.unlink()
    kept.rename(path)
    wait_for(lambda: sweeper.recover() == 1, "its lease has run out")
    ready.refresh_from_db()
    assert ready.status == Conversion.Status.READY
    assert work_all() == 1
    export = made(ready)
    assert (export.step.status, export.step.attempt) == (Step.Status.DONE, 2)
    assert len(results(export)) == 2
    assert ready.events.filter(kind=Event.Kind.EXPORTED).count() == 1
