"""What tests of faults ask the product from within (tests/support/inside.py)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.support.inside import serve

# What an endpoint's row knows from its answers, and an admin's own pause.
LEARNT = (
    "paused",
    "pause_code",
    "pause_reason",
    "pause_words",
    "paused_at",
    "probe_at",
    "probes",
    "trial",
    "strikes",
    "struck_by",
    "rest_until",
    "learnt_slots",
    "learnt_at",
)


def survey(ids: list[str]) -> list[dict[str, Any]]:
    """All that the database says about some conversions, in their order."""
    from conversions.models import Conversion

    rows = Conversion.objects.select_related("endpoint").prefetch_related("steps", "calls", "events").in_bulk(ids)
    return [_facts(row) for row in (rows[key] for key in map(_uuid, ids))]


def take_at_most(key: str, seconds: float | None) -> None:
    """What lasts longer is sent to that endpoint in pieces."""
    from voices.models import Endpoint

    Endpoint.objects.filter(key=key).update(max_seconds=seconds)


def _uuid(text: str) -> Any:
    import uuid

    return uuid.UUID(text)


def _facts(conversion: Any) -> dict[str, Any]:
    from conversions.models import Diarization

    plain = [
        "status",
        "error_code",
        "error",
        "source",
        "output",
        "output_bytes",
        "title",
        "retryable",
        "finished",
    ]
    return {
        "id": str(conversion.pk),
        **{name: getattr(conversion, name) for name in plain},
        "billed": conversion.endpoint.billed,
        "steps": [
            {
                name: getattr(step, name)
                for name in ("kind", "status", "attempt", "result", "start_sample", "end_sample")
            }
            | {"leased": step.lease_token is not None}
            for step in conversion.steps.all()
        ],
        "calls": [
            {name: getattr(call, name) for name in ("outcome", "error", "credits", "seconds")}
            for call in conversion.calls.all()
        ],
        "events": [event.kind for event in conversion.events.all()],
        "told": [event.data["words"] for event in conversion.events.all() if "words" in event.data],
        "repeats": _repeats(conversion),
        "pieces": conversion.pieces if conversion.in_pieces else 0,
        # How often each piece that was converted once more was, by its number.
        "redos": Counter(str(event.data["piece"]) for event in conversion.events.all() if event.kind == "redo"),
        "turns": list(Diarization.objects.filter(conversion=conversion).values_list("turns", flat=True)),
    }


def _repeats(conversion: Any) -> int:
    """How often a person pressed Retry where it said that it may cost again."""
    paid, repeats = False, 0
    for event in conversion.events.all():
        repeats += event.kind == "retried" and paid
        if event.kind == "failed":
            paid = event.data.get("code") in conversion.PAID_BEFORE
    return repeats


def states(ids: list[str]) -> dict[str, int]:
    """How many of them are in each state."""
    from conversions.models import Conversion

    return Counter(Conversion.objects.filter(pk__in=ids).values_list("status", flat=True))


def leases() -> int:
    """How many steps anywhere are taken, alive or expired."""
    from conversions.models import Step

    return Step.objects.filter(lease_token__isnull=False).count()


def moment(seconds: float) -> str:
    """So many seconds from now, by the database's clock."""
    from datetime import timedelta

    from conversions.ground.clock import db_now

    return (db_now() + timedelta(seconds=seconds)).isoformat()


def leases_run_out(lanes: list[str], until: str) -> None:
    """Now, instead of at their time, if that isn't later than `until`."""
    from datetime import datetime, timedelta

    from conversions.ground.clock import db_now
    from conversions.models import Step

    steps = Step.objects.filter(status=Step.Status.RUNNING, lease_until__lte=datetime.fromisoformat(until))
    for lane in lanes:
        steps.filter(endpoint__isnull=lane == "cpu").update(lease_until=db_now() - timedelta(seconds=1))


def nobody_in_a_transaction() -> bool:
    from django.db import connection

    if connection.vendor == "sqlite":
        return True  # `Product.frozen` has seen to it
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
        )
        return bool(cursor.fetchone()[0] == 0)


def voices(endpoint: str) -> dict[str, int]:
    """The keys of an endpoint's voices in the database, by their id there."""
    from voices.models import Voice

    found = Voice.objects.filter(endpoint__key=endpoint, hidden=False, endpoint__enabled=True)
    return dict(found.values_list("voice_id", "pk"))


def endpoint_pk(key: str) -> int:
    from voices.models import Endpoint

    return Endpoint.objects.get(key=key).pk


def sync(key: str) -> bool:
    """Its voices are listed anew; False: somebody else does that now."""
    from voices import catalogue
    from voices.models import Endpoint

    return catalogue.sync(Endpoint.objects.get(key=key))


def own_voice(name: str) -> dict[str, Any]:
    """How far it is, whose it is then, and how many voices of that name everybody has."""
    from conversions.models import Enrolment
    from voices.models import Voice

    made = Enrolment.objects.select_related("voice").get(name=name)
    everybodys = Voice.objects.filter(name=name, team=None).count()
    return {"state": made.state, "team": made.voice and made.voice.team_id, "everybodys": everybodys}


def leases_of_voices_run_out() -> None:
    from datetime import timedelta

    from conversions.ground.clock import db_now
    from conversions.models import Enrolment

    Enrolment.objects.exclude(lease_until=None).update(lease_until=db_now() - timedelta(seconds=1))


def refresh_endpoints(slots: int) -> None:
    """As they were at first, with so many slots: what a test taught them is forgotten."""
    from voices.models import Endpoint

    fresh = Endpoint()
    Endpoint.objects.update(slots=slots, **{name: getattr(fresh, name) for name in LEARNT})


def endpoints() -> dict[str, dict[str, Any]]:
    """Which of them take no work now, and how many calls at once they take."""
    from voices.models import Endpoint

    return {
        endpoint.key: {"held": endpoint.held, "why": str(endpoint.why_held()), "slots": endpoint.slots_now}
        for endpoint in Endpoint.objects.all()
    }


def strike_all_but(endpoint: str, failures: int) -> None:
    """So many more failures, of different recordings, would pause it."""
    from voices import breaker
    from voices.models import Endpoint

    Endpoint.objects.filter(key=endpoint).update(strikes=breaker.STRIKES - failures)


def named_files() -> dict[str, list[str]]:
    """Keys of all files that a row names: recordings, samples of voices, and results, which have a note beside them."""
    from conversions.models import Conversion, Enrolment, Step

    pairs = Conversion.objects.values_list("source", "output")
    results = {output for _source, output in pairs} | set(Step.objects.values_list("result", flat=True))
    samples = Enrolment.objects.exclude(sample="").values_list("sample", flat=True)
    return {"sources": [*(source for source, _output in pairs), *samples], "results": sorted(results - {""})}


def newest(count: int) -> list[str]:
    from conversions.models import Conversion

    return [str(key) for key in Conversion.objects.order_by("-created_at", "-pk").values_list("pk", flat=True)[:count]]


def housekeep() -> None:
    from conversions import tasks

    tasks.housekeep()


def press(verb: str, ids: list[str]) -> list[bool]:
    """Somebody of the team presses Retry or Cancel."""
    from conversions import actions
    from conversions.models import Conversion

    rows = Conversion.objects.select_related("created_by").in_bulk(ids)
    return [bool(getattr(actions, verb)(row, row.created_by)) for row in (rows[_uuid(key)] for key in ids)]


def ring(lane: str, times: int) -> None:
    from conversions.queue import bells

    bells.ring(bells.Lane(lane), times)


QUESTIONS: list[Callable[..., Any]] = [
    survey,
    take_at_most,
    states,
    leases,
    moment,
    leases_run_out,
    nobody_in_a_transaction,
    voices,
    refresh_endpoints,
    endpoints,
    strike_all_but,
    named_files,
    newest,
    endpoint_pk,
    sync,
    own_voice,
    leases_of_voices_run_out,
    housekeep,
    press,
    ring,
]


if __name__ == "__main__":
    serve(QUESTIONS)
