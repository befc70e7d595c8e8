"""Random lives of recordings: whatever happens in whatever order, nothing is lost and nothing is silently paid twice.

Hypothesis writes the lives and shrinks one that breaks a promise to its shortest form. Database, files, Redis and the
endpoint are real; only time is moved by hand, so that a life depends on nothing but what was drawn.
"""

from __future__ import annotations

import logging
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.db import connection
from django.db.models import Case, DateTimeField, F, When
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from redis import Redis

from conversions import actions, tasks
from conversions.access import reach
from conversions.files import durable, inventory
from conversions.ground.clock import db_now
from conversions.models import Conversion, Step
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep import housekeeping as tidying
from conversions.upkeep import sweeper
from conversions.upkeep.worker import work
from s2s.contract import ConvertParameters
from statements import Given, Update
from tests.conversions.conftest import upload
from tests.conversions.queue import promises
from tests.conversions.queue.happenings import HAPPENINGS, MOST_RECORDINGS
from tests.conversions.queue.points import Died, Point, Points
from tests.conversions.queue.world import GOOD, Recording, World, phrase
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from voices import probes
from voices.models import Endpoint, Voice

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

RUNS = int(os.environ.get("STATE_MACHINE_RUNS", "4"))
LIVES = 10  # of a run: from the eleventh on Hypothesis mostly repeats itself with small changes
STEPS = 25
MOST_ROUNDS = 20
HOUR = timedelta(hours=1)


class Lives(RuleBasedStateMachine):
    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.recordings: list[Recording] = []
        self.as_others_left_it: list[tuple[Any, ...]] | None = None
        self.world.renew()

    @rule(happening=HAPPENINGS)
    def then(self, happening: tuple[Any, ...]) -> None:
        name, *circumstances = happening
        getattr(self, name)(*circumstances)

    # ---- what people do ----

    @initialize(billed=st.booleans())
    def someone_uploads(self, billed: bool) -> None:
        self._upload(billed=billed, zero_retention=False)

    def someone_uploads_another(self, billed: bool, zero_retention: bool) -> None:
        if len(self.recordings) < MOST_RECORDINGS:
            self._upload(billed=billed, zero_retention=zero_retention)

    def _upload(self, *, billed: bool, zero_retention: bool) -> None:
        data = phrase(len(self.recordings))
        voice = Voice.objects.select_related("endpoint").get(endpoint__billed=billed)
        parameters = ConvertParameters(output_format="wav_16000", enable_logging=not zero_retention)
        with upload(data) as file:
            accepted = actions.submit(
                self.world.cast.alice, self.world.cast.team, file, voice, actions.Order(parameters)
            )
        self.recordings.append(Recording(accepted.pk, data, billed))

    def cancel(self, which: int) -> None:
        recording, conversion = self._find(which)
        if conversion is not None and actions.cancel(conversion, self.world.cast.alice):
            recording.cancelled = True

    def delete(self, which: int) -> None:
        recording, conversion = self._find(which)
        if conversion is not None and conversion.deleted_at is None:
            actions.delete(conversion, self.world.cast.alice)
            recording.deleted = not conversion.zero_retention
            recording.erased = conversion.zero_retention
            recording.cancelled |= not conversion.finished

    def bring_back(self, which: int) -> None:
        recording, conversion = self._find(which)
        if conversion is not None and actions.restore(conversion, self.world.cast.alice):
            recording.deleted = False

    def a_day_passes_for_what_is_deleted(self) -> None:
        moment = db_now() - reach.UNDO_WITHIN
        Conversion.objects.exclude(deleted_at=None).update(deleted_at=moment)
        for which, recording in enumerate(self.recordings):
            if recording.deleted:
                self.bring_back(which)
                assert recording.deleted, "too late"
                recording.deleted, recording.erased = False, True
        tasks.sweep()

    def retry(self, which: int) -> None:
        recording, conversion = self._find(which)
        if conversion is None:
            return
        unclear = conversion.steps.filter(status=Step.Status.UNCLEAR).exists()
        paid_for_nothing = conversion.error_code in Conversion.WORTHLESS
        if actions.retry(conversion, self.world.cast.alice) and (unclear or paid_for_nothing):
            recording.may_be_paid += 1

    def _find(self, which: int) -> tuple[Recording, Conversion | None]:
        recording = self.recordings[which % len(self.recordings)]
        return recording, Conversion.objects.filter(pk=recording.id).first()

    # ---- what workers do ----

    def bells_are_heard(self) -> None:
        self._hear()

    def a_step_is_done(self, lane: Lane) -> None:
        self._work(lane)

    def workers_die_with_all_they_can_claim(self, lane: Lane) -> None:
        if lane is Lane.CALLS:
            self._prepare_all()
        while claim(lane):
            pass
        self._stop_time()

    def a_worker_dies_preparing(self, point: Point) -> None:
        with self.world.points.at(point, _die):
            self._work(Lane.CPU)
        self._stop_time()

    def a_worker_dies_calling(self, point: Point, behaviour: Behaviour) -> None:
        self._prepare_all()
        with self.world.points.at(point, _die):
            self._work(Lane.CALLS, behaviour)
        self._stop_time()

    def the_endpoint_misbehaves(self, behaviour: Behaviour) -> None:
        self._prepare_all()
        self._work(Lane.CALLS, behaviour)

    def a_worker_is_suspended(self, point: Point, others: str, retried: int | None) -> None:
        """Its lease runs out, others do its work, and then it wakes up and goes on as if nothing had happened."""
        self._prepare_all()
        with self.world.points.at(point, lambda: self._others_take_over(others, retried)):
            self._work(Lane.CALLS)
        self._wrote_nothing()

    def a_worker_is_suspended_with_its_claim(self, lane: Lane, others: str, retried: int | None) -> None:
        found = claim(lane)
        if found is not None:
            self._others_take_over(others, retried)
            work(found)
            self._wrote_nothing()

    def _others_take_over(self, others: str, retried: int | None) -> None:
        self.leases_run_out()
        sweeper.recover()
        if retried is not None:
            self.retry(retried)
        if others == "have only claimed":
            claim(Lane.CPU), claim(Lane.CALLS)
        while others == "have done it" and (self._work(Lane.CPU) or self._work(Lane.CALLS)):
            pass
        self.as_others_left_it = _steps()

    def _wrote_nothing(self) -> None:
        """Whoever lost its lease, when it wakes up."""
        assert self.as_others_left_it in (None, _steps())
        self.as_others_left_it = None
        self._stop_time()

    def a_person_gives_up_while_a_worker_is_busy(self, point: Point, which: int, deleted: bool) -> None:
        give_up = self.delete if deleted else self.cancel
        self._prepare_all()
        with self.world.points.at(point, lambda: give_up(which)):
            self._work(Lane.CALLS)

    def _prepare_all(self) -> None:
        """Or what should happen to calls would often happen to nobody."""
        waiting = Step.objects.filter(status=Step.Status.WAITING, not_before__lte=db_now())
        if not waiting.exists() and len(self.recordings) < MOST_RECORDINGS:
            self._upload(billed=len(self.recordings) % 2 == 1, zero_retention=False)
        while self._work(Lane.CPU):
            pass

    def _work(self, lane: Lane, behaviour: Behaviour = GOOD) -> bool:
        """One step, if any may start, of which the endpoint makes what `behaviour` says."""
        found = claim(lane)
        if found is not None:
            self.world.scripted.script(behaviour)
            work(found)
            self.world.scripted.script()
        self._stop_time()
        return found is not None

    def _hear(self) -> int:
        """Every bell that hangs in Redis wakes a worker, which works until nothing may start."""
        done = 0
        while lane := next((lane for lane in Lane if self.world.redis.lpop(lane)), None):
            while self._work(lane):
                done += 1
        return done

    # ---- what the clock does ----

    def _stop_time(self) -> None:
        """What begins or ends later does so when a rule says so, however long this takes."""
        now = db_now()
        for what in (_beginnings, _leases, _moments_of_endpoints):
            what(after=now, to=now + HOUR)

    def waits_are_over(self) -> None:
        now = db_now()
        for what in (_beginnings, _moments_of_endpoints):
            what(after=now, to=now)

    def leases_run_out(self) -> None:
        """While somebody swept: between two sweeps of a slow run a machine may seem to have slept, and its leases would
        be spared."""
        self.world.redis.delete("timbre:note:sweep")
        Step.objects.filter(status=Step.Status.RUNNING).update(lease_until=db_now() - timedelta(seconds=1))

    def sweep(self) -> None:
        now = db_now()
        tasks.sweep()
        assert not Step.objects.filter(status=Step.Status.RUNNING, lease_until__lt=now).exists()

    def paused_endpoints_are_looked_at(self) -> None:
        probes.watch()
        self._stop_time()

    def a_sweep_dies(self, point: Point) -> None:
        with self.world.points.at(point, _die):
            tasks.sweep()

    def bells_are_lost(self) -> None:
        self.world.redis.flushall()

    def housekeeping(self) -> None:
        """Its age limits keep what may just be arriving; between two rules nothing is."""
        at_once = timedelta(0)
        assert tidying.look_into_folders(at_once).missing == 0
        tidying.delete_orphans(at_once)
        tidying.delete_stale_uploads(at_once)
        stored = set(inventory.stored_conversions())
        assert stored == set(Conversion.objects.values_list("pk", flat=True))
        for conversion in Conversion.objects.filter(status=Conversion.Status.READY):
            folder = inventory.sizes(conversion.pk)
            names = {conversion.source, conversion.output, f"{conversion.output}.json"}
            assert {f"{durable.ROOT}/{conversion.pk}/{name}" for name in folder} == names

    # ---- what must always hold ----

    @invariant()
    def promises_are_kept(self) -> None:
        promises.assert_kept(self.world, self.recordings)

    def teardown(self) -> None:
        if sys.exc_info()[0] is None:  # else a promise is broken already
            self._heal()
            self._all_is_well()

    def _heal(self) -> None:
        """The endpoint is good again, and nobody helps but beat: are sweeps enough?"""
        self.world.redis.flushall()
        for _ in range(MOST_ROUNDS):
            self.waits_are_over()
            self.leases_run_out()
            self.paused_endpoints_are_looked_at()
            self.sweep()
            self._hear()
            self.promises_are_kept()
            if not Conversion.objects.filter(status__in=Conversion.UNFINISHED).exists():
                return
        pytest.fail(f"not at rest after {MOST_ROUNDS} sweeps")

    def _all_is_well(self) -> None:
        left = Conversion.objects.exclude(status__in=[Conversion.Status.READY, Conversion.Status.CANCELLED])
        assert set(left.values_list("status", flat=True)) <= {Conversion.Status.FAILED}
        for which in range(len(self.recordings)):
            self.bring_back(which)
            self.retry(which)
        self._heal()
        assert not left.exists()  # a person and a good endpoint mend everything
        self.housekeeping()
        assert all(
            conversion.steps.filter(kind=Step.Kind.CONVERT).count() <= 1 for conversion in Conversion.objects.all()
        )


def _steps() -> list[tuple[Any, ...]]:
    return list(Step.objects.order_by("pk").values_list("pk", "status", "lease_token", "attempt", "result"))


def _die() -> None:
    raise Died


# They move what is still to come; so often that Django should write them once.
_beginnings = Update(
    lambda: Step.objects.filter(status=Step.Status.WAITING, not_before__gt=Given("after")), not_before=Given("to")
)
_leases = Update(
    lambda: Step.objects.filter(status=Step.Status.RUNNING, lease_until__gt=Given("after")), lease_until=Given("to")
)
_moments_of_endpoints = Update(
    Endpoint.objects.all,
    **{
        name: Case(When(**{f"{name}__gt": Given("after")}, then=Given("to")), default=F(name))
        for name in (field.name for field in Endpoint._meta.fields if isinstance(field, DateTimeField))
    },
)


@pytest.mark.parametrize("run", range(RUNS))
def test_whatever_happens_nothing_is_lost_and_nothing_is_silently_paid_twice(
    run: int,
    cast: Cast,
    scripted: ScriptedEndpoint,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    set_hypothesis_home_dir(tmp_path)
    caplog.set_level(logging.CRITICAL, "conversions")
    with Redis.from_url(redis_url) as redis:
        points = Points(monkeypatch)
        Lives.world = World(cast, scripted, redis, points)
        if settings.default.derandomize:
            # The same lives each time, so that no run fails by chance, and others on each database.
            seed(run + RUNS * (connection.vendor == "postgresql"))(Lives)
        run_state_machine_as_test(
            Lives,
            settings=settings(
                max_examples=LIVES,
                stateful_step_count=STEPS,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate, Phase.shrink],
            ),
        )
    assert points.reached == set(Point), "nothing can happen at a point where nobody comes by"
