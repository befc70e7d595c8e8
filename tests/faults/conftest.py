"""The real product between two scripted endpoints, whose own count says what was converted how often.

There is one product for each database, which all tests share: whatever one of them kills must be up again for the
next. It lives on a small disk that can be filled up.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.stage import SLOTS, Stage, running_stage
from tests.support.postgres import Cluster, running_postgres

# For tests of which the database can't know: `pytestmark = ON_POSTGRESQL`.
ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True, scope="session")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with running_postgres() as cluster:
        yield cluster


# bin/groups.py runs those beside the others.
SQLITE = pytest.param("sqlite", marks=pytest.mark.sqlite)


@pytest.fixture(scope="session", params=["postgresql", SQLITE])
def database(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def small_disk(tmp_path_factory: pytest.TempPathFactory, database: str) -> Iterator[Path]:
    """A disk of 150 MB in memory."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    folder = tmp_path_factory.mktemp("faults") / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=150m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fresh_database(database: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """What a product's environment says of a database of its own."""
    if database == "sqlite":
        return {}
    cluster: Cluster = request.getfixturevalue("cluster")
    return {"DATABASE_URL": cluster.new_database()}


@pytest.fixture(scope="session")
def shared_stage(database: str, small_disk: Path, request: pytest.FixtureRequest) -> Iterator[Stage]:
    environment = fresh_database(database, request)
    with running_stage(small_disk / "data", environment, output_path=small_disk.with_name("output.txt")) as stage:
        yield stage


@pytest.fixture
def stage(shared_stage: Stage) -> Iterator[Stage]:
    for endpoint in (shared_stage.local, shared_stage.paid):
        endpoint.ledger.clear()
    shared_stage.inside.ask("refresh_endpoints", SLOTS)
    shared_stage.product.wait_until_up()
    yield shared_stage
    # A test that failed must not keep the next one waiting.
    for endpoint in (shared_stage.local, shared_stage.paid):
        endpoint.ledger.clear()
