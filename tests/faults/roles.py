"""Processes of the product that play a part in a fault: `python -m tests.faults.roles TIMES ROLE ...`.

Each is a worker or a web process in all but one respect, which its docstring names. TIMES of them are forked from one
that has loaded Django, which ends as they do.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def after(module: Any, name: str) -> None:
    """The process dies when the function has returned."""
    work = getattr(module, name)

    def work_and_die(*arguments: Any, **keywords: Any) -> None:
        work(*arguments, **keywords)
        die()

    mock.patch.object(module, name, work_and_die).start()


def before(module: Any, name: str, when: Callable[..., bool]) -> None:
    """The process dies when the function is called with arguments of which `when` is true."""
    work = getattr(module, name)

    def work_or_die(*arguments: Any) -> Any:
        return die() if when(*arguments) else work(*arguments)

    mock.patch.object(module, name, work_or_die).start()


def victim() -> None:
    """Claims one step of the calls lane and is killed at the point that the recording's title names."""
    from conversions.files import durable
    from conversions.models import Conversion
    from conversions.queue import bells
    from conversions.queue.claim import claim
    from conversions.upkeep import worker
    from s2s.client import Client

    found = claim(bells.Lane.CALLS)
    assert found is not None
    point = Conversion.objects.values_list("title", flat=True).get(pk=found.conversion_id)
    say(f"{os.getpid()} {point}")
    match point:
        case "claimed":
            die()
        case "entered":  # in the ledger, but nothing was sent
            mock.patch.object(Client, "convert", die).start()
        case "half stored":  # the answer is on the disk, the note that says so isn't
            before(Path, "replace", lambda beside, target: target.suffix == ".json")
        case "stored":
            after(durable, "store_result")
    worker.work(found)  # what dies during the call is killed from outside
    die()  # committed


def submitter(place: str) -> None:
    """Accepts a recording, which is understood "at the door" or later, and is killed between commit and bell."""
    from django.core.files.uploadedfile import TemporaryUploadedFile
    from xxhash import xxh3_128

    from conversions import actions
    from conversions.queue import bells
    from s2s.contract import ConvertParameters
    from teams.models import User
    from tests.support.sound import phrase
    from voices.models import Voice

    audio = phrase(1.0, os.getpid())
    upload = TemporaryUploadedFile("accepted.wav", "audio/wav", len(audio), None)
    upload.write(audio)
    upload.seek(0)
    if place == "at the door":  # as its handler does
        upload.checksum = xxh3_128(audio).hexdigest()  # type: ignore[attr-defined]
    with mock.patch.object(bells, "ring", die):
        voice = Voice.objects.filter(endpoint__key="local", hidden=False).first()
        assert voice is not None
        user, order = User.objects.get(), actions.Order(ConvertParameters(output_format="wav_16000"))
        actions.submit(user, user.memberships.get().team, upload, voice, order)


def preparer() -> None:
    """Prepares one recording and is killed between the commit and the bell."""
    from conversions.queue import bells
    from conversions.queue.claim import claim
    from conversions.upkeep import worker

    found = claim(bells.Lane.CPU)
    assert found is not None
    with mock.patch.object(bells, "ring", die):
        worker.work(found)


def zombie() -> None:
    """Works on one step with a keeper that hears of nothing: only the token can tell that it comes too late."""
    from conversions.queue import bells, leases
    from conversions.queue.claim import claim
    from conversions.upkeep import worker

    found = claim(bells.Lane.CALLS)
    assert found is not None
    with mock.patch.object(leases.LeaseKeeper, "_run", return_value=None):
        say("claimed")
        worker.work(found)


def claimer(lane: str, times: str) -> None:
    """Claims when it is told to, without working; says which steps it was given, and at which attempt."""
    from django.db import connection

    from conversions.queue.bells import Lane
    from conversions.queue.claim import claim

    connection.ensure_connection()
    say("there")
    os.read(0, 1)
    for _ in range(int(times)):
        found = claim(Lane(lane))
        say(f"{found.step_id} {found.attempt}" if found else "nothing")


def sweeper() -> None:
    """Sweeps when it is told to, until its input ends."""
    from conversions import tasks

    say("there")
    for _ in sys.stdin:
        tasks.sweep()
        say("swept")


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


ROLES: list[Callable[..., None]] = [victim, submitter, preparer, zombie, claimer, sweeper]


def main() -> None:
    import django

    django.setup()
    times, role, *arguments = sys.argv[1:]
    play = {role.__name__: role for role in ROLES}[role]
    if times == "1":
        play(*arguments)
        return
    for _ in range(int(times)):
        if os.fork() == 0:
            play(*arguments)
            sys.exit()
    codes = {os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(int(times))}
    if codes == {-signal.SIGKILL}:
        die()
    sys.exit(codes != {0})


if __name__ == "__main__":
    main()
