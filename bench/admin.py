"""The admin's list of conversions and its search, and the ledger's month: a million rows over ten thousand.

In a database of its own, of the kind that DATABASE_URL names (SQLite where it names none).
Bar for each page: with a million rows it takes <= 2 of what it takes with ten thousand, or <= 300 ms.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any

from bench.inside import in_a_database
from bench.measure import bar
from bench.site import say_help

SMALL, LARGE = 10_000, 1_000_000
REPEATS = 7
BAR_MS = 300.0

_LIST = "/admin/conversions/conversion/"
PAGES = {
    "the list": _LIST,
    "the list of what failed": f"{_LIST}?status__exact=failed",
    "page 100": f"{_LIST}?p=100",
    "a name that most have": f"{_LIST}?q=recording",
    "a name that one of the newest has": f"{_LIST}?q=harbour+news",
    "a name that none has": f"{_LIST}?q=nothing+like+this",
    "an e-mail address that made most": f"{_LIST}?q=alice@example.com",
    "an e-mail address that made few": f"{_LIST}?q=bob@example.com",
    "part of an e-mail address": f"{_LIST}?q=example.com",
    "the first page": "/admin/",
    "the ledger of a month": "/admin/conversions/call/?month={month}",
}


def main() -> int:
    say_help(__doc__)
    return in_a_database(measure, LOG_LEVEL="ERROR")


def measure() -> int:
    from django.db import connection
    from django.test import Client
    from django.test.utils import setup_test_environment

    from teams.models import User
    from tests.support.cast import make_cast

    setup_test_environment()
    cast = make_cast()
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com", "password"))
    fill(cast, SMALL)
    small = {name: time_of(client, address) for name, address in PAGES.items()}
    fill(cast, LARGE - SMALL)
    met = True
    for name, address in PAGES.items():
        large = time_of(client, address)
        print(f"{connection.vendor}: {name}: {small[name]:.0f} ms with {SMALL:,} rows, {large:.0f} ms with {LARGE:,}")
        met &= bar(name, large, max(BAR_MS, 2 * small[name]), "ms")
    return 0 if met else 1


def time_of(client: Any, address: str) -> float:
    """In ms, the median."""
    from conversions.admin.ledger import Month

    times, address = [], address.format(month=Month.parse("").before)
    for _ in range(REPEATS + 1):
        began = time.perf_counter()
        response = client.get(address)
        times.append(time.perf_counter() - began)
        assert response.status_code == 200, (address, response.status_code)
    return statistics.median(times[1:]) * 1000


def fill(cast: Any, count: int) -> None:
    """`count` more, older than what there is: most made by Alice, 2,000 of a million by Bob; each with a call."""
    from django.db import connection

    from conversions.models import Call, Conversion
    from voices.models import Endpoint, Voice

    endpoint, _ = Endpoint.objects.get_or_create(
        key="bench", defaults={"name": "Bench", "base_url": "http://127.0.0.1:1"}
    )
    voice, _ = Voice.objects.get_or_create(endpoint=endpoint, voice_id="nora", defaults={"name": "Nora"})
    if not Conversion.objects.exists():
        first = Conversion.objects.create(
            team=cast.team, created_by=cast.alice, title="Harbour news", source="x", source_name="x.wav",
            status="ready", voice=voice, voice_name="Nora", endpoint=endpoint, source_duration_s=60,
        )  # fmt: skip
        Call.objects.create(
            endpoint=endpoint, team=cast.team, user=cast.alice, attempt=1, token=first.pk, seconds=60,
            outcome="answered", credits=1000,
        )  # fmt: skip
    before = Conversion.objects.count() - 1
    new = {
        "title": "'Recording ' || i",
        "created_by_id": f"CASE WHEN i % 500 = 0 THEN {cast.bob.pk} ELSE {cast.alice.pk} END",
        "status": "CASE WHEN i % 100 = 0 THEN 'failed' ELSE 'ready' END",
    }
    _copy("conversions_conversion", Conversion, count, before, {"id": _UUID, "created_at": _EARLIER, **new})
    # A year of calls: a million of them are some 80,000 in a month.
    _copy("conversions_call", Call, count, before, {"id": None, "token": _UUID, "sent_at": _EARLIER})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


_UUID = {"postgresql": "gen_random_uuid()", "sqlite": "lower(hex(randomblob(16)))"}
_EARLIER = {
    "postgresql": "now() - i * interval '30 seconds'",
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || (i * 30) || ' seconds')",
}


def _copy(table: str, model: Any, count: int, before: int, new: dict[str, Any]) -> None:
    """One real row, copied by the database with other values; without a value: as the database numbers it."""
    from django.db import connection

    values = {}
    for field in model._meta.fields:
        name = field.column
        given = new.get(name, f'(SELECT "{name}" FROM {table} LIMIT 1)')  # noqa: S608 - our own columns
        if given is not None:
            values[f'"{name}"'] = given[connection.vendor] if isinstance(given, dict) else given
    sql = f"""
        INSERT INTO {table} ({", ".join(values)})
        WITH RECURSIVE n(i) AS (SELECT {before + 1} UNION ALL SELECT i + 1 FROM n WHERE i < {before + count})
        SELECT {", ".join(values.values())} FROM n
    """  # noqa: S608 - our own columns and numbers
    with connection.cursor() as cursor:
        cursor.execute(sql)


if __name__ == "__main__":
    sys.exit(main())
