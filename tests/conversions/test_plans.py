"""What is asked every few seconds or for every page is answered by an index, however long a team's history is."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.contrib import admin
from django.db import connection, transaction
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from conversions.access import reach
from conversions.admin import ConversionAdmin
from conversions.ground.clock import db_now
from conversions.models import Batch, Conversion
from conversions.pages import history
from conversions.pages.batches import progress_of
from conversions.pages.compare import comparison_of
from conversions.upkeep import mailing, retention
from tests.support.cast import Cast, make_cast
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db
ROWS = 3_000


@pytest.fixture(scope="module", autouse=True)
def _rows_stay(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Until the last test of this module: nothing here changes them, and they take time to write."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def cast(_rows_stay: None) -> Cast:
    return make_cast()


@pytest.fixture(scope="module")
def first(cast: Cast) -> Conversion:
    """One team's history; at its end 60 takes of one recording, a batch, and a few that are deleted or private."""
    endpoint = Endpoint.objects.create(key="test", name="Testers", base_url="http://127.0.0.1:9", slots=2)
    voice = Voice.objects.create(endpoint=endpoint, voice_id="nora", name="Nora")
    now, batch = db_now(), Batch.objects.create(team=cast.team, created_by=cast.alice)
    made = [
        Conversion(
            team=cast.team, created_by=cast.alice, title="Row", source="x", voice=voice, voice_name="Nora",
            endpoint=endpoint, status="ready", finished_at=now, created_at=now - timedelta(seconds=number),
        )
        for number in range(ROWS)
    ]  # fmt: skip
    first = made[-1]
    for row in made[-60:-1]:
        row.take_of = first.pk
    for row in made[-100:-60]:
        row.batch = batch
    for row in made[-110:-100]:
        row.deleted_at = now
    for row in made[-120:-110]:
        row.enable_logging = False
    for row in made[-130:-120]:
        row.mail_due = True
    Conversion.objects.bulk_create(made, batch_size=500)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE conversions_conversion")
    return first


@pytest.fixture
def _no_whole_table(db: None) -> None:
    """So few rows PostgreSQL would rather read one after the other."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")


def plans_of(asked: Callable[[], object]) -> list[str]:
    """How the database reads conversions for `asked`, query by query."""
    with CaptureQueriesContext(connection) as captured:
        asked()
    explain = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
    plans = []
    with connection.cursor() as cursor:
        for query in captured.captured_queries:
            if query["sql"].startswith("SELECT") and ' FROM "conversions_conversion"' in query["sql"]:
                cursor.execute(explain + query["sql"])
                plans.append("\n".join(str(row[-1]) for row in cursor.fetchall()))
    return plans


def takes(cast: Cast, first: Conversion) -> object:
    return comparison_of(cast.bob, first, [])


def batch(cast: Cast, first: Conversion) -> object:
    return progress_of(cast.bob, Batch.objects.get())


def batch_size(cast: Cast, first: Conversion) -> object:
    return reach.of_batch(cast.bob, Batch.objects.get()).count()


def deleted(cast: Cast, first: Conversion) -> object:
    return history.page_of(cast.alice, {"state": "deleted"})


def erase_deleted(cast: Cast, first: Conversion) -> object:
    return retention.erase_deleted()


def erase_due(cast: Cast, first: Conversion) -> object:
    return retention.erase_due()


def mail(cast: Cast, first: Conversion) -> object:
    return list(mailing.due_now())


def admin_list(cast: Cast, first: Conversion) -> object:
    request = RequestFactory().get("/admin/conversions/conversion/")
    request.user = cast.victor
    rows = ConversionAdmin(Conversion, admin.site).get_queryset(request)
    return list(rows.order_by("-created_at", "-pk")[:50])


def auditions(cast: Cast, first: Conversion) -> object:
    return list(Conversion.objects.filter(audition_of=uuid.uuid4()).order_by())


@pytest.mark.usefixtures("_no_whole_table")
@pytest.mark.parametrize(
    ("asked", "indexes"),
    [
        (takes, [["take_of"]]),
        (batch, [["of_batch"]]),
        (batch_size, [["of_batch"]]),
        (deleted, [["history_deleted", " deleted "]]),
        (erase_deleted, [[" deleted "]]),
        (erase_due, [["zero_retention"]]),
        (mail, [["mail_due"]]),
        (admin_list, [["newest"]]),
        (auditions, [["auditions"]]),
    ],
)
def test_it_is_read_by_its_index(
    asked: Callable[[Cast, Conversion], object], indexes: list[list[str]], cast: Cast, first: Conversion
) -> None:
    plans = plans_of(lambda: asked(cast, first))
    assert len(plans) == len(indexes)
    for plan, names in zip(plans, indexes, strict=True):
        assert any(name in plan for name in names), plan
        if connection.vendor == "sqlite":  # which takes the wrong one more easily
            assert not any(name in plan for name in (" history ", "newest_", "team_id_", "audition_of_id_")), plan


def test_what_is_read_so_is_what_was_asked_for(cast: Cast, first: Conversion) -> None:
    found = reach.takes(cast.bob, first)
    assert len(found) == 59
    assert found == sorted(found, key=lambda take: take.created_at, reverse=True)
    assert reach.takes(cast.mallory, first) == []
    assert len(mailing.due_now()) == 10
    assert len(history.page_of(cast.alice, {"state": "deleted"}).conversions) == 10
