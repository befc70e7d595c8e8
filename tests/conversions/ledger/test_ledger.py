"""What was paid, what may have been paid, what it is going to cost: for people, and for admins by month."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from conversions.admin.ledger import Month
from conversions.ledger import sums
from conversions.models import Call, Conversion, Step
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep.worker import work
from teams.models import Team, User
from tests.conversions.conftest import Submit, client_of, work_all
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.sound import wav
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)
NOVEMBER = datetime(2026, 11, 5, tzinfo=UTC)


@pytest.fixture
def billed(endpoint: Endpoint) -> Endpoint:
    Endpoint.objects.update(billed=True, credits_per_minute=1000, name="ElevenLabs")
    endpoint.refresh_from_db()
    return endpoint


@pytest.fixture
def client(cast: Cast) -> Client:
    return client_of(cast.alice)


@pytest.fixture
def admin(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com", "password"))
    return client


def call(endpoint: Endpoint, team: Team, user: User | None, outcome: str, credits: float, **fields: Any) -> Call:
    return Call.objects.create(
        endpoint=endpoint,
        team=team,
        user=user,
        attempt=1,
        token=uuid4(),
        seconds=credits * 60 / 1000,
        outcome=outcome,
        credits=credits,
        **fields,
    )


def page(client: Client, conversion: Conversion) -> str:
    return client.get(f"/conversions/{conversion.pk}/").content.decode()


# ---- on a conversion's page ----


@pytest.mark.parametrize(("named", "cost"), [(None, "50 credits"), (1217, "1,217 credits")])
def test_the_page_says_the_price_before_and_the_cost_after(
    client: Client, submit: Submit, billed: Endpoint, scripted: ScriptedEndpoint, named: int | None, cost: str
) -> None:
    scripted.script(Behaviour(character_cost=named))
    conversion = submit(data=wav(3.0))
    assert "<dd>1,000 credits a minute</dd>" in page(client, conversion)  # its length isn't known yet
    work(claim(Lane.CPU))
    assert "<dd>about 50 credits</dd>" in page(client, conversion)
    work_all()
    assert f"<dd>{cost}</dd>" in page(client, conversion)


def test_where_nothing_is_billed_no_cost_is_named(client: Client, submit: Submit, endpoint: Endpoint) -> None:
    conversion = submit()
    work_all()
    assert "Cost" not in page(client, conversion)
    conversion.refresh_from_db()
    assert sums.cancelled_words(conversion, sums.Used()) == ""
    Conversion.objects.update(status="failed", error_code="unclear", error="It was lost.")
    assert "Retry</button>" in page(client, conversion)


def test_refused_and_never_sent_calls_cost_nothing(client: Client, submit: Submit, billed: Endpoint) -> None:
    conversion = submit(data=wav(3.0))
    work_all()
    for outcome in (Call.Outcome.REFUSED, Call.Outcome.NOT_SENT):
        Call.objects.update(outcome=outcome)
        assert "<dd>nothing</dd>" in page(client, conversion)


def test_a_lost_answer_is_named_apart(client: Client, submit: Submit, billed: Endpoint, cast: Cast) -> None:
    conversion = submit(data=wav(3.0))
    work_all()
    lost = call(billed, cast.team, cast.alice, Call.Outcome.UNCLEAR, 50, conversion=conversion)
    assert "<dd>17 credits, and perhaps about 50 credits more</dd>" in page(client, conversion)
    Call.objects.exclude(pk=lost.pk).delete()
    assert "<dd>perhaps about 50 credits</dd>" in page(client, conversion)


@pytest.mark.parametrize("code", ["unclear", "answer_not_audio", "result_missing"])
def test_retry_names_the_price_only_where_it_may_be_paid_twice(
    client: Client, submit: Submit, billed: Endpoint, code: str
) -> None:
    conversion = submit(data=wav(3.0))
    work(claim(Lane.CPU))
    Step.objects.filter(kind="convert").update(status="unclear")
    Conversion.objects.update(status="failed", error_code=code, error="The answer was lost.")
    assert "Retry (about 50 credits again)</button>" in page(client, conversion)
    Conversion.objects.update(error_code="busy")
    assert "Retry</button>" in page(client, conversion)


def test_cancelled_says_whether_it_was_billed(client: Client, submit: Submit, billed: Endpoint, cast: Cast) -> None:
    conversion = submit(data=wav(3.0))
    work(claim(Lane.CPU))
    client.post(f"/conversions/{conversion.pk}/cancel/")
    assert "Nothing was billed." in page(client, conversion)
    under_way = call(billed, cast.team, cast.alice, Call.Outcome.SENT, 50, conversion=conversion)
    sentence = "cancelled while ElevenLabs was working; this may have been billed: about 50 credits."
    assert sentence in page(client, conversion)
    Call.objects.filter(pk=under_way.pk).update(outcome=Call.Outcome.UNCLEAR)  # its worker heard of it
    assert sentence in page(client, conversion)
    Call.objects.filter(pk=under_way.pk).update(outcome=Call.Outcome.NOT_SENT, credits=0)
    assert "Nothing was billed." in page(client, conversion)


def test_without_a_price_no_sum_is_made_up(
    client: Client, submit: Submit, billed: Endpoint, scripted: ScriptedEndpoint
) -> None:
    scripted.script(Behaviour(character_cost=None))
    Endpoint.objects.update(credits_per_minute=0)
    conversion = submit(data=wav(3.0))
    assert "Cost" not in page(client, conversion)
    work_all()
    assert "Cost" not in page(client, conversion)  # it was billed, and nobody knows how much
    Conversion.objects.update(status="cancelled")
    assert "ElevenLabs had been called before; this may have been billed." in page(client, conversion)


# ---- the team's month ----


def test_the_studio_says_what_the_team_used_this_month(
    client: Client, billed: Endpoint, voice: Any, cast: Cast, django_assert_max_num_queries
) -> None:
    assert "this month" not in client.get("/").content.decode()
    call(billed, cast.team, cast.bob, Call.Outcome.ANSWERED, 12_300)
    call(billed, cast.team, cast.alice, Call.Outcome.REFUSED, 5000)
    call(billed, cast.other_team, cast.mallory, Call.Outcome.ANSWERED, 70_000)
    call(billed, cast.team, cast.bob, Call.Outcome.ANSWERED, 900, sent_at=timezone.now() - timedelta(days=32))
    assert "Harbour Radio has used 12,300 credits this month." in client.get("/").content.decode()
    call(billed, cast.team, None, Call.Outcome.UNCLEAR, 250)
    with django_assert_max_num_queries(11):
        found = client.get("/").content.decode()
    assert "Harbour Radio has used 12,300 credits this month, and perhaps about 250 credits more." in found
    Endpoint.objects.update(billed=False)
    assert "this month" not in client.get("/").content.decode()


# ---- the admin's table ----


def test_the_month_is_summed_by_team_person_and_endpoint(
    cast: Cast, billed: Endpoint, django_assert_max_num_queries
) -> None:
    other = Endpoint.objects.create(key="other", name="Other", base_url="http://127.0.0.1:1")
    for endpoint, team, user, outcome, credits in (
        (billed, cast.team, cast.alice, "answered", 1000),
        (billed, cast.team, cast.alice, "answered", 500),
        (billed, cast.team, cast.alice, "unclear", 60),
        (billed, cast.team, cast.alice, "sent", 40),
        (billed, cast.team, cast.alice, "refused", 9999),
        (billed, cast.team, cast.bob, "answered", 2000),
        (other, cast.team, cast.bob, "answered", 1),
        (billed, cast.other_team, cast.mallory, "answered", 300),
        (billed, cast.other_team, None, "answered", 200),
    ):
        call(endpoint, team, user, outcome, credits, sent_at=NOVEMBER)
    call(billed, cast.team, cast.alice, "answered", 7, sent_at=datetime(2026, 10, 31, 23, 59, tzinfo=UTC))
    call(billed, cast.team, cast.alice, "answered", 7, sent_at=datetime(2026, 12, 1, tzinfo=UTC))
    month = Month.parse("2026-11")
    with django_assert_max_num_queries(4):
        lines = sums.month(month.start, month.end)
    assert [(line.team, line.user, line.endpoint, line.used.credits, line.used.perhaps) for line in lines] == [
        ("Harbour Radio", "bob@example.com", "ElevenLabs", 2000, 0),
        ("Harbour Radio", "alice@example.com", "ElevenLabs", 1500, 100),
        ("Mallory's team", "mallory@example.com", "ElevenLabs", 300, 0),
        ("Mallory's team", "(deleted)", "ElevenLabs", 200, 0),
        ("Harbour Radio", "bob@example.com", "Other", 1, 0),
    ]
    together = sums.total(lines)
    assert (together.credits, together.perhaps, together.called) == (4001, 100, 8)


def test_months_follow_one_another(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    timezone.activate("Europe/Berlin")
    try:
        december = Month.parse("2026-12")
        assert (december.before, str(december)) == ("2026-11", "2026-12")
        assert (december.start.isoformat(), december.end.isoformat()) == (
            "2026-12-01T00:00:00+01:00",
            "2027-01-01T00:00:00+01:00",
        )
        now = str(Month.parse(""))
        for nonsense in ("2026-13", "9999-12", "0001-01", "x", "2026-1"):
            assert str(Month.parse(nonsense)) == now
        assert Month.parse("").after == ""
        assert Month.parse("2020-12").after == "2021-01"
    finally:
        timezone.deactivate()


def test_the_ledgers_page_and_its_csv(admin: Client, cast: Cast, billed: Endpoint) -> None:
    Team.objects.filter(pk=cast.team.pk).update(name="=HYPERLINK(0)")
    call(billed, cast.team, cast.alice, "answered", 1234.5, sent_at=NOVEMBER)
    address = "/admin/conversions/call/?month=2026-11"
    found = admin.get(address).content.decode()
    assert "1,235" in found
    assert "alice@example.com" in found
    assert "Nothing was used" in admin.get("/admin/conversions/call/?month=2020-01").content.decode()
    response = admin.get(f"{address}&format=csv")
    assert response["Content-Disposition"] == 'attachment; filename="ledger-2026-11.csv"'
    head, line = csv.reader(io.StringIO(response.content.decode()))
    assert head[:2] == ["month", "team"]
    assert line == [
        "2026-11", "'=HYPERLINK(0)", "alice@example.com", "ElevenLabs", "1", "1.23", "1234.50", "0.00",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_name_becomes_a_formula_in_a_spreadsheet(admin: Client, cast: Cast, billed: Endpoint, name: str) -> None:
    Team.objects.filter(pk=cast.team.pk).update(name=name)
    call(billed, cast.team, cast.alice, "answered", 1, sent_at=NOVEMBER)
    response = admin.get("/admin/conversions/call/?month=2026-11&format=csv")
    _head, line = csv.reader(io.StringIO(response.content.decode(), newline=""))
    assert line[1] == f"'{name}"


def test_the_ledger_is_for_those_who_may_see_calls_and_cannot_be_changed(admin: Client, cast: Cast) -> None:
    User.objects.filter(pk=cast.alice.pk).update(is_staff=True)
    staff = Client()
    staff.force_login(User.objects.get(pk=cast.alice.pk))
    assert staff.get("/admin/conversions/call/").status_code == 403
    assert admin.get("/admin/conversions/call/").status_code == 200
    assert admin.get("/admin/conversions/call/add/").status_code == 404
