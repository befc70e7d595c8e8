"""One claim at 10, 1,000 and 100,000 waiting steps: what the length of the queue adds to it.

Ten teams wait for one endpoint, 20 of whose 32 slots are taken. Every claim is committed, and given back before the
next. Each length has a database and a process of its own, and they take turns, so that a busy machine is as busy for
all of them. On SQLite and on PostgreSQL, both waiting for the disk. Bar: 100,000 take <= 1.5 of 10 (medians).
"""

from __future__ import annotations

import contextlib
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench.inside import Inside, NewDatabase, databases, migrate
from bench.measure import bar
from bench.site import say_help

LENGTHS = (10, 1_000, 100_000)
TEAMS = 10
SLOTS, TAKEN = 32, 20
ROUNDS, CLAIMS_A_ROUND = 60, 10

_COPY = """
INSERT INTO {table} ({columns})
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
SELECT {values} FROM n, (SELECT * FROM {table} WHERE {condition}) AS model
"""


def main() -> int:
    say_help(__doc__)
    met = True
    with databases() as kinds:
        for kind, new_database in kinds.items():
            medians = measure(new_database)
            shown = ", ".join(f"{length:,} waiting: {median * 1000:.2f} ms" for length, median in medians.items())
            print(f"{kind}: {shown}", flush=True)
            ratio = medians[LENGTHS[-1]] / medians[LENGTHS[0]]
            met &= bar(f"{kind}: a claim at {LENGTHS[-1]:,} over one at {LENGTHS[0]}", ratio, 1.5, "x")
    return 0 if met else 1


def measure(new_database: NewDatabase) -> dict[int, float]:
    """The median time of a claim in s, by length."""
    times: dict[int, list[float]] = {length: [] for length in LENGTHS}
    with contextlib.ExitStack() as stack:
        places = {}
        for length in LENGTHS:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="timbre-bench-"))
            place = stack.enter_context(Inside(environment(Path(folder), new_database())))
            place(migrate)
            place(fill, length)
            place(claim_times, CLAIMS_A_ROUND)  # warm
            places[length] = place
        for _ in range(ROUNDS):
            for length, place in places.items():
                times[length] += place(claim_times, CLAIMS_A_ROUND)
    return {length: statistics.median(found) for length, found in times.items()}


def environment(folder: Path, url: str) -> dict[str, str]:
    import os

    return os.environ | {"DATA_DIR": str(folder), "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "s2s_site.settings"}


# ---- in a process of its own ----


def fill(length: int) -> None:
    """One real conversion and its step, copied by the database for ten teams in turn; some more are under way."""
    from django.db import connection

    from conversions.models import Conversion, Step
    from conversions.queue.bells import Lane
    from conversions.queue.claim import claim
    from teams.models import Team, User
    from voices.models import Endpoint, Voice

    teams = [Team.objects.create(name=f"Team {number}") for number in range(TEAMS)]
    users = [User.objects.create_user(f"{number}@example.com", "-", name=str(number)) for number in range(TEAMS)]
    endpoint = Endpoint.objects.create(key="bench", name="Bench", base_url="http://127.0.0.1:1", slots=SLOTS)
    voice = Voice.objects.create(endpoint=endpoint, voice_id="nora", name="Nora")
    conversion = Conversion.objects.create(
        team=teams[0], created_by=users[0], title="Recording", source="x", source_name="x.wav", status="converting",
        voice=voice, voice_name="Nora", endpoint=endpoint, source_duration_s=60,
    )  # fmt: skip
    step = Step.objects.create(conversion=conversion, kind="convert", endpoint=endpoint, team=teams[0], user=users[0])
    postgres = connection.vendor == "postgresql"
    rows = length + TAKEN - 1
    id_of_i = "lpad(to_hex(i), 32, '0')::uuid" if postgres else "printf('%%032x', i)"
    team, user = (f"{first.pk} + i %% {TEAMS}" for first in (teams[0], users[0]))
    copy(Conversion, conversion.pk, rows, id=id_of_i, team_id=team, created_by_id=user)
    copy(Step, step.pk, rows, id=None, conversion_id=id_of_i, team_id=team, user_id=user)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    for _ in range(TAKEN):
        assert claim(Lane.CALLS)
    # They stay taken for as long as this runs.
    Step.objects.filter(status="running").update(lease_until="2100-01-01T00:00:00Z")
    assert Step.objects.filter(status="waiting").count() == length


def copy(model: type, pk: object, rows: int, **values: str | None) -> None:
    """Copies one row by the database itself; `values` are SQL for the columns that differ, None leaves one out."""
    from django.db import connection

    table, fields = model._meta.db_table, model._meta.concrete_fields  # type: ignore[attr-defined]
    columns = [field.column for field in fields if values.get(field.column, "") is not None]
    sql = _COPY.format(
        table=table,
        columns=", ".join(f'"{column}"' for column in columns),
        rows=rows,
        values=", ".join(values.get(column) or f'model."{column}"' for column in columns),
        condition=f'"{model._meta.pk.column}" = %s',  # type: ignore[attr-defined]
    )
    key = model._meta.pk.get_db_prep_value(pk, connection)  # type: ignore[attr-defined]
    with connection.cursor() as cursor:
        cursor.execute(sql, [key])


def claim_times(count: int) -> list[float]:
    """How long each of `count` claims took, in s."""
    from conversions.models import Conversion, Step
    from conversions.queue.bells import Lane
    from conversions.queue.claim import claim

    times = []
    for _ in range(count):
        began = time.perf_counter()
        found = claim(Lane.CALLS)
        times.append(time.perf_counter() - began)
        assert found
        given_back = {"status": "waiting", "lease_token": None, "lease_until": None, "attempt": 0}
        Step.objects.filter(pk=found.step_id).update(**given_back)
        Conversion.objects.filter(pk=found.conversion_id).update(status="preparing")
    return times


if __name__ == "__main__":
    sys.exit(main())
