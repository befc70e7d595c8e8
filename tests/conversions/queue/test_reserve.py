"""What takes long leaves a process of the cpu workers to what doesn't."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from conversions import actions
from conversions.models import Conversion, Step
from conversions.queue.bells import Lane
from conversions.queue.reserve import Places
from conversions.sound import reading
from conversions.upkeep import worker
from tests.conversions.conftest import Submit, work_all
from tests.support.cast import Cast
from tests.support.sound import lengthless, wav

pytestmark = pytest.mark.django_db(transaction=True)

HOLD = """
import fcntl, sys
fcntl.lockf(int(sys.argv[1]), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, int(sys.argv[2]))
print("held", flush=True)
sys.stdin.read()
"""
Hold = Callable[[int], subprocess.Popen[str]]


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> Places:
    """Those of a worker with three processes, this one among them."""
    places = Places()
    places.share(3)
    monkeypatch.setattr(worker, "places", places)
    return places


@pytest.fixture
def hold(places: Places) -> Iterator[Hold]:
    """`hold(0)`: another process of the worker, which has the first place until it is killed."""
    assert places._file is not None
    number, others = places._file.fileno(), []

    def held(place: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLD, str(number), str(place)]
        other = subprocess.Popen(
            command, pass_fds=[number], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        others.append(other)
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        return other

    yield held
    for other in others:
        end(other)


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def states(*conversions: Conversion) -> list[str]:
    found = dict(Conversion.objects.values_list("pk", "status"))
    return [found[conversion.pk] for conversion in conversions]


def test_who_goes_on_with_long_work_has_one_place_still(places: Places, hold: Hold) -> None:
    first = hold(0)
    assert places.take()
    end(first)
    assert places.take()  # the first one is free now
    hold(1)  # and so is the other


def test_all_but_one_process_may_do_what_takes_long(places: Places, hold: Hold) -> None:
    assert places.take()
    assert places.take()  # it is the same place
    places.leave()
    first = hold(0)
    assert places.take()
    places.leave()
    hold(1)
    assert not places.take()
    end(first)
    assert places.take()


def test_a_worker_with_one_process_does_anything() -> None:
    alone = Places()
    alone.share(1)
    assert alone.take()
    alone.leave()


def test_what_takes_long_waits_and_the_short_one_after_it_does_not(submit: Submit, hold: Hold) -> None:
    long = submit(data=lengthless(wav()))
    Step.objects.filter(conversion=long).update(priority=Step.LONG)
    clip = submit(data=lengthless(wav()))
    first, _second = hold(0), hold(1)
    worker.drain(Lane.CPU)
    assert states(long, clip) == ["waiting", "converting"]
    end(first)
    worker.drain(Lane.CPU)
    assert states(long) == ["converting"]


def test_a_place_is_left_when_its_work_is_done(submit: Submit, places: Places, hold: Hold) -> None:
    long = submit(data=lengthless(wav()))
    Step.objects.filter(conversion=long).update(priority=Step.LONG)
    worker.drain(Lane.CPU)
    assert states(long) == ["converting"]
    assert hold(0)
    assert hold(1)


def test_large_uploads_and_what_is_made_of_long_recordings_take_long(
    submit: Submit, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, minutes = submit(data=lengthless(wav())), lengthless(wav(61))
    monkeypatch.setattr(reading, "AT_THE_DOOR_BYTES", len(minutes) - 1)
    monkeypatch.setattr(sys.modules["conversions.steps.convert"], "AT_ONCE_BYTES", 0)
    long = submit(data=minutes)
    work_all()
    for conversion, priority in ((clip, Step.NORMAL), (long, Step.LONG)):
        conversion.refresh_from_db()
        assert actions.export(conversion, cast.alice, "opus_48000_64")
        steps = dict(conversion.steps.values_list("kind", "priority"))
        assert steps == dict.fromkeys(("prepare", "convert", "assemble", "export"), priority)
