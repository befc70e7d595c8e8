"""The admin site: every list opens, the actions do what they say, nothing can be edited behind the queue's back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from conversions.models import Conversion, Recording, Step
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep.worker import work
from teams.models import User
from tests.conversions.conftest import Submit, work_all
from tests.support.asked import ask, choose
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def failed(submit: Submit, scripted: ScriptedEndpoint) -> Conversion:
    scripted.script(Behaviour(status=400))
    conversion = submit()
    work_all()
    return conversion


@pytest.mark.parametrize(
    "model", ["teams/user", "teams/team", "voices/endpoint", "voices/voice", "conversions/conversion"]
)
def test_every_list_opens_and_searches(admin: Client, failed: Conversion, model: str) -> None:
    assert admin.get(f"/admin/{model}/").status_code == 200
    assert admin.get(f"/admin/{model}/?q=harbour").status_code == 200


def test_a_conversion_shows_its_steps_calls_and_events(admin: Client, failed: Conversion) -> None:
    page = admin.get(f"/admin/conversions/conversion/{failed.pk}/change/").content.decode()
    for word in ("prepare", "refused", "400", "submitted"):
        assert word in page


def test_a_conversion_opens_while_the_storage_is_away(admin: Client, failed: Conversion, settings) -> None:
    media = Path(settings.STORAGES["default"]["OPTIONS"]["location"])
    media.rename(media.with_name("away"))
    media.touch()  # a file where the folder was: nothing below it can be read
    page = admin.get(f"/admin/conversions/conversion/{failed.pk}/change/")
    assert page.status_code == 200
    assert "The storage doesn’t answer at the moment." in page.content.decode()


@pytest.mark.parametrize("only", [{"only_me": True}, {"audition": True}, {"enable_logging": False}])
def test_what_only_its_creator_sees_is_named_nowhere(
    admin: Client, failed: Conversion, only: dict[str, bool], cast: Cast
) -> None:
    page, listed = f"/admin/conversions/conversion/{failed.pk}/change/", "/admin/conversions/conversion/"
    for address in ("/admin/", listed, page):
        assert failed.title in admin.get(address).content.decode()
    if only.pop("audition", False):
        only["audition_of"] = Recording.objects.create(
            team=cast.team, created_by=cast.alice, name=failed.title, file="x", size=1
        )
    Conversion.objects.update(**only)
    for address in ("/admin/", listed, f"{listed}?q=harbour", f"{listed}?q={failed.pk}"):
        assert failed.title not in admin.get(address).content.decode()
    assert admin.get(page).status_code == 302
    choose(admin, "conversions/conversion", "purge", failed)
    confirmed = {"action": "purge", "_selected_action": str(failed.pk), "confirmed": f"{failed.pk}=failed"}
    admin.post(listed, {**confirmed, "select_across": "1"})
    assert Conversion.objects.exists()


def test_an_admin_sees_what_is_only_theirs(admin: Client, failed: Conversion) -> None:
    Conversion.objects.update(only_me=True, created_by=User.objects.get(email="root@example.com"))
    assert failed.title in admin.get("/admin/conversions/conversion/").content.decode()


def test_states_cannot_be_edited(admin: Client, failed: Conversion) -> None:
    assert admin.post(f"/admin/conversions/conversion/{failed.pk}/change/", {"status": "ready"}).status_code == 403
    assert admin.get("/admin/conversions/conversion/add/").status_code == 403


def test_retry_and_cancel(admin: Client, failed: Conversion, submit: Submit) -> None:
    assert "1 recording is tried again." in choose(admin, "conversions/conversion", "retry", failed).content.decode()
    work_all()
    failed.refresh_from_db()
    assert failed.status == Conversion.Status.READY
    waiting = submit()
    ask(admin, "conversions/conversion", "cancel", waiting).confirm()
    waiting.refresh_from_db()
    assert waiting.status == Conversion.Status.CANCELLED
    assert "not in a state" in choose(admin, "conversions/conversion", "retry", waiting).content.decode()


def test_sync_now_brings_voices_and_says_how_many(admin: Client, endpoint, scripted: ScriptedEndpoint) -> None:
    page = choose(admin, "voices/endpoint", "sync_now", endpoint).content.decode()
    assert f"Testers: {endpoint.voices.filter(hidden=False).count()} voice" in page
    type(endpoint).objects.update(base_url="http://127.0.0.1:1")
    assert "Testers: " in choose(admin, "voices/endpoint", "sync_now", endpoint).content.decode()


def test_people_who_are_not_staff_stay_outside(admin: Client, cast: Cast) -> None:
    client = Client()
    client.force_login(cast.alice)
    refused = client.get("/admin/", follow=True)
    assert refused.status_code == 403
    assert "You may not do this" in refused.content.decode()
    # No other way to try passwords than the one that counts them.
    assert client.post("/admin/login/", {"username": "root@example.com", "password": "password"}).status_code == 403
    assert Client().post("/admin/login/", {"username": "x", "password": "x"}).status_code == 302
    assert "Timbre admin site" in admin.get("/admin/").content.decode()


def test_the_first_page_says_what_runs_what_waits_and_what_failed(
    admin: Client, failed: Conversion, submit: Submit
) -> None:
    submit()
    page = admin.get("/admin/").content.decode()
    assert "The queue now" in page
    assert failed.title in page
    failed.refresh_from_db()
    assert escape(failed.error) in page
    assert "Decoding here" in page


def test_the_first_page_says_why_an_endpoint_takes_nothing(admin: Client, submit: Submit, endpoint: Endpoint) -> None:
    submit()
    work(claim(Lane.CPU))
    moment = timezone.now() - timedelta(minutes=3)
    Endpoint.objects.update(
        pause_code="silent", pause_words="503 overloaded: try later", last_good_at=moment, slots=5, learnt_slots=3
    )
    page = admin.get("/admin/").content.decode()
    assert "Testers is not answering." in page
    assert "503 overloaded: try later" in page
    assert "0 / 3 (5 set)" in page
    assert "3 min ago" in page or "3 min 1 s ago" in page
    assert "Testers takes no recordings" in page  # the alarm


def test_the_first_page_says_how_long_the_oldest_waits_and_what_was_lost(
    admin: Client, submit: Submit, endpoint: Endpoint
) -> None:
    old = submit()
    work(claim(Lane.CPU))
    Step.objects.filter(conversion=old, kind="convert").update(not_before=timezone.now() - timedelta(hours=2))
    assert "2 h" in admin.get("/admin/").content.decode()
    assert claim(Lane.CALLS)
    Step.objects.filter(status="running").update(lease_until=timezone.now() - timedelta(seconds=5))
    assert "1 worker vanished in the middle of its work" in admin.get("/admin/").content.decode()


def test_the_first_page_costs_the_same_few_queries_however_much_waits(
    admin: Client, submit: Submit, django_assert_max_num_queries
) -> None:
    for _ in range(5):
        submit()
    with django_assert_max_num_queries(25):
        admin.get("/admin/")
