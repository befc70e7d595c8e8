"""Statements written once do what the querysets do that they are written from, whatever they are given."""

from __future__ import annotations

import gc
import sqlite3
import uuid
import weakref
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, Error, connection, transaction
from django.db.models import Count, Exists, OuterRef, Value
from django.db.transaction import TransactionManagementError

from conversions.models import Call, Conversion, Event, Step
from statements import Given, Insert, Select, Sql, Update
from tests.conversions.conftest import Submit

NOW = datetime(2026, 11, 25, 12, 30, 15, 123000, tzinfo=UTC)


def test_a_row_has_what_was_given_and_its_defaults(submit: Submit) -> None:
    conversion = submit()
    add = Insert(Call, "conversion_id", "endpoint_id", "team_id", "token", "attempt", "seconds", "answered_at")
    for attempt, seconds in ((1, 1.5), (2, None)):
        add(
            conversion_id=conversion.pk,
            endpoint_id=conversion.endpoint_id,
            team_id=conversion.team_id,
            token=uuid.uuid4(),
            attempt=attempt,
            seconds=seconds or 0.0,
            answered_at=NOW if seconds else None,
        )
    first, second = Call.objects.filter(conversion=conversion).order_by("pk")
    assert (first.attempt, first.seconds, first.answered_at) == (1, 1.5, NOW)
    assert (second.attempt, second.seconds, second.answered_at) == (2, 0.0, None)
    assert first.outcome == Call.Outcome.SENT
    assert first.sent_at <= second.sent_at


def test_words_that_look_like_sql_or_places_for_values_stay_words(submit: Submit) -> None:
    conversion = submit()
    words = {"name": "100 %s '; DROP TABLE x; -- %(a)s “é” \U0001f399", "list": [1, None]}
    add = Insert(Event, "conversion_id", "about", "team_id", "kind", "data")
    who = {"conversion_id": conversion.pk, "about": conversion.pk, "team_id": conversion.team_id}
    add(**who, kind=Event.Kind.RENAMED, data=words)
    event = Event.objects.get(conversion=conversion, kind="renamed")
    assert event.data == words
    rename = Update(lambda: Conversion.objects.filter(pk=Given("pk")), title=Given("title"))
    assert rename(pk=conversion.pk, title=words["name"]) == 1
    conversion.refresh_from_db()
    assert conversion.title == words["name"]


@pytest.mark.one_database
def test_what_waits_is_found_without_preparing_the_statement_anew(submit: Submit) -> None:
    """By a partial index, on whose condition SQLite looks among the values too."""
    conversion = submit()
    waiting = Select(
        lambda: Step.objects.filter(status=Step.Status.WAITING, endpoint=Given("endpoint")).values_list("pk").order_by()
    )
    connection.ensure_connection()
    prepared: list[int] = []
    connection.connection.set_authorizer(lambda action, *_of: prepared.append(action) or sqlite3.SQLITE_OK)
    try:
        for endpoint in (conversion.endpoint_id, -1, conversion.endpoint_id):
            prepared.append(0)
            waiting.rows(endpoint=endpoint)
    finally:
        connection.connection.set_authorizer(None)
    assert prepared[0] == 0 < prepared[1]
    assert prepared[-2:] == [0, 0]


def test_several_rows_are_added_in_their_order(submit: Submit) -> None:
    conversion = submit()
    who = {"conversion_id": conversion.pk, "about": conversion.pk, "team_id": conversion.team_id}
    add = Insert(Event, "conversion_id", "about", "team_id", "kind", "data")
    for count in (3, 0, 2, 3):
        add.all([{**who, "kind": "renamed", "data": {"n": n}} for n in range(count)])
    added = Event.objects.filter(conversion=conversion, kind="renamed").order_by("pk")
    assert [event.data["n"] for event in added] == [0, 1, 2, 0, 1, 0, 1, 2]
    assert all(event.at and event.actor_id is None for event in added)


def test_an_update_says_how_many_rows_it_has_changed(submit: Submit) -> None:
    first, other = submit(), submit()
    note = Update(
        lambda: Conversion.objects.filter(team=Given("team"), created_at__gt=Given("since")),
        source_peaks=Given("peaks"),
        seed=Given("seed"),
        downloaded_at=Given("since"),
    )
    assert note(team=first.team_id, since=NOW - timedelta(days=36500), peaks=b"\0\xff", seed=None) == 2
    assert note(team=first.team_id, since=NOW + timedelta(days=36500), peaks=b"", seed=1) == 0
    other.refresh_from_db()
    assert (bytes(other.source_peaks), other.seed) == (b"\0\xff", None)


def test_rows_come_as_python_has_them(submit: Submit) -> None:
    conversion = submit()
    columns = ("id", "created_at", "enable_logging", "voice_stored_settings", "seed", "status")
    select = Select(lambda: Conversion.objects.filter(pk=Given("pk")).order_by().values_list(*columns))
    assert select.rows(pk=conversion.pk) == list(Conversion.objects.filter(pk=conversion.pk).values_list(*columns))
    assert select.rows(pk=uuid.uuid4()) == []


def test_what_was_not_selected_is_fetched_when_it_is_asked_for(submit: Submit) -> None:
    conversion = submit()
    select = Select(lambda: Conversion.objects.filter(pk=Given("pk")).order_by().only("team_id", "voice_name"))
    found = select.first(Conversion, pk=conversion.pk)
    assert found is not None
    assert found.get_deferred_fields() >= {"title", "status"}
    assert (found, found.voice_name, found.title) == (conversion, "Nora", conversion.title)
    assert select.first(Conversion, pk=uuid.uuid4()) is None


def test_what_it_belongs_to_comes_along(submit: Submit, django_assert_num_queries: Any) -> None:
    conversion = submit()
    step = conversion.steps.get()
    others = Step.objects.filter(conversion=OuterRef("pk")).exclude(pk=Given("step_id"))
    select = Select(
        lambda: (
            Conversion.objects.filter(pk=Given("pk"))
            .select_related("endpoint", "voice", "batch")
            .order_by()
            .only("voice_name", "batch__id", "endpoint__name", "voice__voice_id")
            .annotate(others=Exists(others), one=Value(1))
        )
    )
    with django_assert_num_queries(2):
        found: Any = select.first(Conversion, pk=conversion.pk, step_id=step.pk)
        assert (found.endpoint.name, found.voice.voice_id, found.batch) == (conversion.endpoint.name, "nora", None)
        assert (found.others, found.one) == (False, 1)
        assert select.first(Conversion, pk=conversion.pk, step_id=0).others  # type: ignore[union-attr]
    assert found.endpoint.base_url == conversion.endpoint.base_url


def test_counts_by_group(submit: Submit) -> None:
    first = submit()
    submit()
    steps = Step.objects.filter(status=Given("status")).order_by().values_list("team_id").annotate(count=Count("pk"))
    assert Select(lambda: steps).rows(status=Step.Status.WAITING) == [(first.team_id, 2)]


@pytest.mark.django_db(transaction=True)
def test_a_locking_statement_asks_for_its_lock_each_time(submit: Submit) -> None:
    conversion = submit()
    locked = Select(lambda: Conversion.objects.select_for_update().filter(pk=Given("pk")).order_by().values_list("pk"))
    for _ in range(2):
        with transaction.atomic():
            assert locked.rows(pk=conversion.pk) == [(conversion.pk,)]


WAITING = Sql(lambda: "SELECT id FROM conversions_step WHERE status = 'waiting' AND conversion_id IN (%s)", "pk")


def waiting_of(conversion: Conversion) -> list[tuple[int]]:
    pk = conversion.pk if connection.features.has_native_uuid_field else conversion.pk.hex
    return WAITING.rows(pk=pk)


@pytest.mark.django_db(transaction=True)
def test_a_statement_that_fails_spoils_none_after_it(submit: Submit) -> None:
    conversion = submit()
    wrong = Sql(lambda: "SELECT none_of_ours FROM conversions_step WHERE id = %s", "pk")
    before = waiting_of(conversion)
    for _ in range(2):
        with pytest.raises(DatabaseError):
            wrong.rows(pk=1)
        assert waiting_of(conversion) == before == list(conversion.steps.values_list("pk"))
    with transaction.atomic():
        assert waiting_of(conversion) == before
        with pytest.raises(DatabaseError), transaction.atomic():
            wrong.rows(pk=1)
        assert waiting_of(conversion) == before


@pytest.mark.django_db(transaction=True)
def test_a_question_that_broke_off_keeps_nothing_open(submit: Submit) -> None:
    """On SQLite its cursor would read on, and keep the log of all that is written from being emptied."""
    submit()
    cursors = []

    def give_up(cursor: Any) -> None:
        cursors.append(weakref.ref(cursor))
        cursor.fetchone()
        raise LookupError

    with pytest.raises(LookupError):
        Sql(lambda: "SELECT id FROM conversions_event")._run({}, give_up)
    gc.collect()
    assert [cursor() for cursor in cursors] == [None]


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_given_back_or_lost_is_not_used(submit: Submit) -> None:
    conversion = submit()
    before = waiting_of(conversion)
    connection.close()
    assert waiting_of(conversion) == before
    assert connection.connection is not None
    connection.connection.close()  # as the server may do it
    with pytest.raises(Error):
        waiting_of(conversion)
    connection.close()
    assert waiting_of(conversion) == before


def test_nothing_runs_in_a_transaction_that_is_to_be_rolled_back(submit: Submit) -> None:
    conversion = submit()
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(TransactionManagementError):
            waiting_of(conversion)


def test_statements_are_seen_by_who_counts_them(submit: Submit, django_assert_num_queries: Any) -> None:
    conversion = submit()
    with django_assert_num_queries(2) as seen:
        waiting_of(conversion)
        waiting_of(conversion)
    assert conversion.pk.hex in seen.captured_queries[0]["sql"].replace("-", "")
