"""Many recordings at once, for benches of the queue: what is done in a process inside the product (`Inside`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

PATIENCE_S = 300.0


def prepare_gate(slots: int) -> None:
    """The endpoint takes `slots` calls at once, and none yet: an admin has paused it."""
    from voices.models import Endpoint

    Endpoint.objects.update(slots=slots, paused=True)


def open_gate() -> datetime:
    """From now on calls may start. Workers hear of it at once, not only at the next sweep."""
    from conversions.ground.clock import db_now
    from conversions.upkeep.sweeper import ring_for_waiting
    from voices.models import Endpoint

    opened_at = db_now()
    Endpoint.objects.update(paused=False)
    ring_for_waiting()
    return opened_at


def join_team(name: str) -> int:
    """A new team of one person; the person's id."""
    from teams.models import Membership, Role, Team, User

    user = User.objects.create_user(f"{name.lower()}@bench.example.com", "-", name=name)
    Membership.objects.create(team=Team.objects.create(name=f"{name}'s team"), user=user, role=Role.OWNER)
    return user.pk


def submit(user_id: int, audio: bytes, count: int) -> None:
    from django.core.files.uploadedfile import TemporaryUploadedFile

    from conversions import actions
    from s2s.contract import ConvertParameters
    from teams.models import User
    from voices.models import Voice

    user, voice = User.objects.get(pk=user_id), Voice.objects.select_related("endpoint").first()
    assert voice, "no voice is offered"
    team, order = user.memberships.get().team, actions.Order(ConvertParameters(output_format="wav_16000"))
    for _ in range(count):
        with TemporaryUploadedFile("a.wav", "audio/wav", len(audio), None) as file:
            file.write(audio)
            file.seek(0)
            actions.submit(user, team, file, voice, order)


def wait_until_prepared(count: int) -> None:
    from conversions.models import Step

    wait(lambda: Step.objects.filter(kind=Step.Kind.CONVERT).count() >= count, f"{count} are prepared")


def wait_until_ready(count: int) -> datetime:
    """When the last of them was ready."""
    from django.db.models import Max

    from conversions.models import Conversion

    ready = Conversion.objects.filter(status=Conversion.Status.READY)
    wait(lambda: ready.count() >= count, f"{count} are ready")
    last: datetime = ready.aggregate(last=Max("finished_at"))["last"]
    return last


def wait(condition: Callable[[], bool], what: str) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up_at, f"waited {PATIENCE_S:g} s in vain until {what}"
        time.sleep(0.1)
