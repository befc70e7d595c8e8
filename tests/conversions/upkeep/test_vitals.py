"""How the queue says it is, and the alarms that it raises once each."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from redis import Redis

from conversions import tasks
from conversions.files import durable
from conversions.ground import notes
from conversions.ground.clock import db_now
from conversions.models import Conversion, Step
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep import alarms, sweeper
from conversions.upkeep.alarms import alarms_of
from conversions.upkeep.housekeeping import look_into_folders
from conversions.upkeep.vitals import Gate, vitals
from tests.conversions.conftest import Submit, work_all
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_notes(redis_url: str) -> None:
    with Redis.from_url(redis_url) as redis:
        redis.flushall()


@pytest.fixture
def converting(submit: Submit) -> Callable[[], Step]:
    """A step that waits for the endpoint."""

    def make() -> Step:
        conversion = submit()
        Step.objects.filter(conversion=conversion).delete()
        return Step.objects.create(
            conversion=conversion,
            kind=Step.Kind.CONVERT,
            endpoint=conversion.endpoint,
            team=conversion.team,
            user=conversion.created_by,
        )

    return make


def gate(key: str = "test") -> Gate:
    return next(gate for gate in vitals().gates if gate.key == key)


def test_the_oldest_that_could_run_counts_and_not_what_has_to_wait(converting) -> None:
    old, resting = converting(), converting()
    now = db_now()
    Step.objects.filter(pk=old.pk).update(not_before=now - timedelta(seconds=100))
    Step.objects.filter(pk=resting.pk).update(not_before=now + timedelta(seconds=100))
    assert gate().waiting == 2
    assert 100 <= gate().oldest_s < 110
    assert vitals().oldest_s == pytest.approx(gate().oldest_s, abs=2)
    Step.objects.filter(pk=old.pk).update(not_before=now + timedelta(seconds=100))
    assert (gate().waiting, gate().oldest_s) == (2, None)


def test_what_waits_for_an_endpoint_that_takes_no_work_is_no_delay(converting) -> None:
    converting()
    assert gate().oldest_s is not None
    Endpoint.objects.update(paused=True)
    assert (gate().held, gate().waiting, gate().oldest_s) == (True, 1, None)


def test_running_slots_and_expired_leases(converting) -> None:
    for _ in range(3):
        converting()
    Endpoint.objects.update(slots=5, learnt_slots=2)
    first, second = claim(Lane.CALLS), claim(Lane.CALLS)
    assert first is not None
    assert second is not None
    assert claim(Lane.CALLS) is None
    assert (gate().running, gate().slots, gate().slots_set, gate().waiting) == (2, 2, 5, 1)
    Step.objects.filter(pk=first.step_id).update(lease_until=db_now() - timedelta(seconds=60))
    found = vitals()
    assert gate().running == 1
    assert found.expired == 1
    assert 60 <= found.expired_s < 70


def test_the_cpu_workers_have_a_gate_of_their_own(submit: Submit) -> None:
    submit()
    assert (gate("").waiting, gate("").slots) == (1, None)
    assert gate("").oldest_s is not None


def test_the_last_good_answer_of_an_endpoint(endpoint: Endpoint) -> None:
    assert gate().last_good_s is None
    Endpoint.objects.update(last_good_at=db_now() - timedelta(seconds=30))
    assert 30 <= gate().last_good_s < 40


def test_failures_of_the_last_hour(submit: Submit) -> None:
    for hours in (0, 2):
        conversion = submit()
        conversion.move(Conversion.Status.FAILED)
        Conversion.objects.filter(pk=conversion.pk).update(finished_at=db_now() - timedelta(hours=hours))
    assert vitals().failed_last_hour == 1


def test_when_the_sweeper_and_housekeeping_last_ran() -> None:
    assert (vitals().swept_s, vitals().housekept_s, vitals().missing_files) == (None, None, None)
    tasks.sweep()
    look_into_folders()
    found = vitals()
    assert found.swept_s < 5
    assert (found.housekept_s < 5, found.missing_files) == (True, 0)


def test_without_redis_the_rest_is_known(settings, converting) -> None:
    converting()
    settings.REDIS_URL = "redis://:secret@127.0.0.1:1/0"
    assert vitals().swept_s is None
    assert gate().waiting == 1


def test_it_costs_the_same_few_queries_however_many_wait(converting, django_assert_max_num_queries) -> None:
    for _ in range(10):
        converting()
    with django_assert_max_num_queries(7):
        vitals()


# ---- alarms ----


def late(step: Step, seconds: float = 10_000) -> None:
    Step.objects.filter(pk=step.pk).update(not_before=db_now() - timedelta(seconds=seconds))


def test_all_well_is_no_alarm(converting) -> None:
    converting()
    tasks.sweep()
    assert alarms_of(vitals()) == {}


def test_each_trouble_is_an_alarm_of_its_own(converting, submit: Submit, settings, scripted) -> None:
    ready = submit()
    work_all()
    ready.refresh_from_db()
    lost = converting()
    found = claim(Lane.CALLS)
    assert found is not None
    late(converting())
    late(converting())
    Step.objects.filter(pk=lost.pk).update(lease_until=db_now() - timedelta(seconds=60))
    tasks.watch()
    durable.delete(ready.pk, [durable.name_of(ready.output)])
    look_into_folders()
    assert set(alarms_of(vitals())) == {"waiting test", "leases", "files"}
    Endpoint.objects.update(pause_code="account", paused_at=db_now())
    notes.write("sweep", {"at": (db_now() - timedelta(seconds=15)).isoformat()})
    settings.MIN_FREE_BYTES = 2**62
    due = alarms_of(vitals())
    assert set(due) == {"endpoint test", "leases", "files", "sweeper", "disk"}
    assert due["files"].startswith("The file of 1 conversion is gone")
    assert "Testers" in due["endpoint test"]


def test_an_admins_own_pause_is_no_alarm(converting) -> None:
    late(converting())
    Endpoint.objects.update(paused=True)
    assert alarms_of(vitals()) == {}


def test_an_alarm_is_logged_once_when_it_comes_and_once_when_it_goes(converting, caplog, settings) -> None:
    step = converting()
    late(step)
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        tasks.watch()
    lines = [
        record.getMessage()
        for record in caplog.records
        if "larm" in record.getMessage() or "ALARM" in record.getMessage()
    ]
    assert len(lines) == 1
    assert lines[0].startswith("ALARM: waiting test: Testers: a recording that could start has waited for 2 h")
    Step.objects.all().delete()
    caplog.clear()
    for _ in range(3):
        tasks.watch()
    assert [record.getMessage() for record in caplog.records] == ["Alarm over: waiting test"]
    assert mail.outbox == []  # nothing is sent unless e-mail is set up


def test_an_alarm_is_mailed_where_email_is_set_up(converting, settings) -> None:
    settings.EMAIL_URL, settings.ALARM_EMAILS = "smtp://localhost", ["admin@example.com"]
    late(converting())
    alarms.watch(vitals())
    alarms.watch(vitals())
    (letter,) = mail.outbox
    assert letter.to == ["admin@example.com"]
    assert letter.subject.startswith("[Timbre] ALARM: waiting test")


def test_a_mail_server_that_is_away_is_one_line(converting, settings, caplog) -> None:
    settings.EMAIL_URL, settings.ALARM_EMAILS = "smtp://localhost", ["admin@example.com"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    late(converting())
    alarms.watch(vitals())
    assert "an alarm could not be mailed" in caplog.text


def test_a_sweep_without_redis_says_so_in_one_line_and_still_recovers(converting, settings, caplog) -> None:
    step = converting()
    claim(Lane.CALLS)
    Step.objects.filter(pk=step.pk).update(lease_until=db_now() - timedelta(seconds=1))
    settings.REDIS_URL = "redis://:secret@127.0.0.1:1/0"
    tasks.sweep()
    step.refresh_from_db()
    assert step.status == Step.Status.WAITING
    assert "sweep: watch broke off" in caplog.text
    assert "secret" not in caplog.text
    assert not any(record.exc_info for record in caplog.records)


def test_a_lost_step_whose_files_can_not_be_read_does_not_keep_the_others(converting, tmp_path, caplog) -> None:
    first, second = converting(), converting()
    for _ in range(2):
        claim(Lane.CALLS)
    Step.objects.update(lease_until=db_now() - timedelta(seconds=1))
    folder = tmp_path / "media" / "conversions" / str(first.conversion_id)
    durable.delete_all(first.conversion_id)
    folder.write_text("in the way")
    assert sweeper.recover() == 1
    second.refresh_from_db()
    assert second.status == Step.Status.WAITING
    assert f"step {first.pk} can't be given back now" in caplog.text
