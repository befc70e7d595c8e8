"""The history with a million rows: page 1,000 over page 1, and queries a page.

In a database of its own, of the kind that DATABASE_URL names (SQLite where it names none).
Bars: page 1,000 takes <= 1.5 of page 1, a page costs <= 6 queries.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from bench.inside import in_a_database
from bench.measure import bar
from bench.site import say_help

ROWS = 1_000_000
PAGE = 1_000
REPEATS = 30

_FILL = """
INSERT INTO conversions_conversion ({columns})
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
SELECT {values} FROM n
"""


def main() -> int:
    say_help(__doc__)
    return in_a_database(measure)


def measure() -> int:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext, setup_test_environment

    from conversions.pages import history
    from tests.support.cast import make_cast

    setup_test_environment()
    cast = make_cast()
    fill(cast)
    client = Client()
    client.force_login(cast.alice)
    before = ""
    for _ in range(PAGE - 1):
        before = history.page_of(cast.alice, {"before": before}).older
    first, thousandth = "/history/", f"/history/?before={before}"
    assert client.get(thousandth).context["page"].conversions
    one, far = alternate(lambda: client.get(first), lambda: client.get(thousandth))
    with CaptureQueriesContext(connection) as queries:
        client.get(thousandth)
    print(f"{connection.vendor}: page 1 {one * 1000:.1f} ms, page {PAGE} {far * 1000:.1f} ms")
    met = bar("queries a page", len(queries), 6, "")
    met &= bar(f"page {PAGE} of a million rows over page 1", far / one, 1.5, "x")
    return 0 if met else 1


def alternate(*ways: Callable[[], Any]) -> list[float]:
    """The median time of each way, in s, measured in turns."""
    times: list[list[float]] = [[] for _ in ways]
    for _ in range(REPEATS):
        for way, found in zip(ways, times, strict=True):
            began = time.perf_counter()
            way()
            found.append(time.perf_counter() - began)
    return [statistics.median(found) for found in times]


def fill(cast: Any) -> None:
    """One real row, copied a million times by the database with other ids and times."""
    from django.db import connection

    from conversions.models import Conversion
    from voices.models import Endpoint, Voice

    endpoint = Endpoint.objects.create(key="bench", name="Bench", base_url="http://127.0.0.1:1")
    voice = Voice.objects.create(endpoint=endpoint, voice_id="nora", name="Nora")
    Conversion.objects.create(
        team=cast.team, created_by=cast.alice, title="Recording", source="x", source_name="x.wav", status="ready",
        voice=voice, voice_name="Nora", endpoint=endpoint, source_duration_s=60,
    )  # fmt: skip
    names = [field.column for field in Conversion._meta.fields if field.column not in ("id", "created_at")]
    quoted = ", ".join(f'"{name}"' for name in names)
    if connection.vendor == "postgresql":
        new = ["gen_random_uuid()", "now() - i * interval '1 second'"]
    else:
        new = ["lower(hex(randomblob(16)))", "strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || i || ' seconds')"]
    same = [f'(SELECT "{name}" FROM conversions_conversion LIMIT 1)' for name in names]  # noqa: S608 - our own columns
    sql = _FILL.format(columns=f"id, created_at, {quoted}", rows=ROWS, values=", ".join([*new, *same]))
    with connection.cursor() as cursor:
        cursor.execute(sql)
        cursor.execute("ANALYZE")


if __name__ == "__main__":
    sys.exit(main())
