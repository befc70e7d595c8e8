"""What a bell leaves behind in a worker's thread."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.db import connection

from tests.s2s_site.test_footprint import INIT, WORKER
from tests.support.product import CHECKOUT
from tests.support.worker import database_url

# As Celery's pool runs it, twice in one thread. `seen` are the connections that the work had, and what was left of it.
TWO_BELLS = """
import sys
from celery.app.trace import build_tracer
from django.db import connection
from s2s_site.celery import app

seen = []

@app.task
def work():
    connection.ensure_connection()
    connection.errors_occurred = "errors" in sys.argv
    seen.append(connection.connection)

bell = build_tracer(work.name, work, app=app)
for number in "12":
    bell(number, (), {}, request={"id": number, "args": (), "kwargs": {}})
    seen.append(connection.connection)
print(len({id(each) for each in seen}), [each is not None for each in seen])
"""


def two_bells(*arguments: str) -> str:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "s2s_site.settings", "DATABASE_URL": database_url()}
    done = subprocess.run(
        [sys.executable, "-c", WORKER + INIT + TWO_BELLS, *arguments],
        env=environment,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.django_db(transaction=True)
def test_sqlite_is_kept_for_the_next_one_and_a_pools_is_for_others() -> None:
    if connection.vendor == "sqlite":
        assert two_bells() == "1 [True, True, True, True]"
    else:
        assert two_bells().endswith("[True, False, True, False]")


@pytest.mark.django_db(transaction=True)
def test_one_that_had_an_error_is_not_kept() -> None:
    assert two_bells("errors").endswith("[True, False, True, False]")
