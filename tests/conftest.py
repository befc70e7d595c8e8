"""For every test: nothing is skipped in CI, nothing is left to chance, and a failing one shows what the product said.

Hypothesis draws the same examples in every run. `--hypothesis-profile=search` draws others each time, and ten times as
many; what it finds becomes an `@example` or a test of its own.

On PostgreSQL only those run that touch the database; the others, and those marked `one_database`, can't tell the two
apart and have run on SQLite.

While all is loaded nothing looks for garbage, and afterwards never again in what was loaded: nearly all of it stays.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator

import pytest
from django.test import TransactionTestCase
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker

from tests.support.emptied import Emptying
from tests.support.endpoint import Endpoint
from tests.support.product import Product

gc.disable()

# A busy machine is no fault: nothing depends on how long an example takes.
settings.register_profile("fixed", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", settings.get_profile("fixed"), derandomize=False, database=None, max_examples=1000)
settings.load_profile("fixed")

_OUTPUT_CHARACTERS = 20_000
_TOUCH_THE_DATABASE = {"db", "transactional_db"}


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """pytest-django's own; and what a test has committed is taken out in less time than Django takes."""
    with pytest.MonkeyPatch.context() as patch:
        with django_db_blocker.unblock():
            patch.setattr(TransactionTestCase, "_fixture_teardown", Emptying())
        yield


@pytest.fixture
def scripted() -> Iterator[Endpoint]:
    with Endpoint() as endpoint:
        yield endpoint


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        return
    wanted = [item for item in items if _depends_on_the_database(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
    items[:] = wanted


def pytest_collection_finish() -> None:
    gc.enable()
    gc.collect()
    gc.freeze()


def _depends_on_the_database(item: pytest.Item) -> bool:
    touches = item.get_closest_marker("django_db") or _TOUCH_THE_DATABASE & set(getattr(item, "fixturenames", ()))
    return bool(touches) and not item.get_closest_marker("one_database")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    if report.failed:
        for product in Product.alive:
            report.sections.append((f"output of {product.data_dir}", product.output()[-_OUTPUT_CHARACTERS:]))
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """What CI doesn't run, nobody runs: there a missing tool is a failure, not a skip."""
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"Nothing may be skipped in CI. {reason}"
