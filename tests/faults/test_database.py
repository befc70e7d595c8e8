"""The database goes away under everything: PostgreSQL restarted and crashed, SQLite locked by somebody else."""

from __future__ import annotations

import sqlite3
import time
from typing import Literal

import pytest

from tests.faults.conftest import ON_POSTGRESQL, SQLITE
from tests.faults.promises import assert_ready
from tests.faults.stage import Stage
from tests.support.endpoint import Behaviour
from tests.support.postgres import Cluster
from tests.support.product import wait_for

BUSY_S = 3.0


@ON_POSTGRESQL
@pytest.mark.parametrize("to", ["local", "paid"])
@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_postgresql_is_restarted_with_calls_under_way(
    stage: Stage, cluster: Cluster, how: Literal["fast", "immediate"], to: str
) -> None:
    endpoint = stage.endpoint(to)
    stage.inside.ask("refresh_endpoints", 3)
    endpoint.script(*[Behaviour(hold=True)] * 3)
    addresses = [stage.submit(to=to) for _ in range(6)]
    wait_for(lambda: endpoint.held == 3, "calls are under way")
    assert stage.person.http.get("/history/").status_code == 200
    cluster.restart(how)
    # The connections of before are dead, and nobody's request is the one that finds out.
    assert stage.person.http.get("/history/").status_code == 200
    endpoint.release()
    facts = stage.promises(addresses, to=to)
    assert_ready(facts)
    assert endpoint.calls == 6 or to == "local"
    stage.product.wait_until_up()


@pytest.mark.parametrize("database", [SQLITE], indirect=True, scope="session")
def test_sqlite_is_locked_for_longer_than_a_lease(stage: Stage) -> None:
    stage.inside.ask("refresh_endpoints", 3)
    stage.paid.script(*[Behaviour(hold=True)] * 3)
    addresses = [stage.submit(to="paid") for _ in range(5)]
    wait_for(lambda: stage.paid.held == 3, "calls are under way")
    connection = sqlite3.connect(stage.product.data_dir / "timbre.sqlite3", timeout=20, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        stage.paid.release()
        began = time.monotonic()
        wait_for(lambda: time.monotonic() - began > BUSY_S, "the workers have met the lock")
        # As long as a lease, for those that wait.
        now = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
        connection.execute(f"UPDATE conversions_step SET lease_until = {now} WHERE status = 'running'")  # noqa: S608
        connection.execute("COMMIT")
    finally:
        connection.close()
    facts = stage.promises(addresses, to="paid")
    assert_ready(facts)
    assert stage.paid.calls == 5
