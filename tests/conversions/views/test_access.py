"""Who reaches what: every address, each of the cast."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from conversions.models import Conversion
from tests.conversions.conftest import Submit, work_all
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = ["", "status/", "download/", "source/"]
VERBS = ["cancel/", "retry/", "delete/"]


@pytest.fixture
def ready(submit: Submit) -> Conversion:
    conversion = submit()
    work_all()
    conversion.refresh_from_db()
    return conversion


def client_of(user=None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_open_to_the_team_and_to_no_one_else(page: str, ready: Conversion, cast: Cast) -> None:
    address = f"/conversions/{ready.pk}/{page}"
    for user in (cast.alice, cast.bob, cast.victor):
        assert client_of(user).get(address).status_code == 200
    assert client_of(cast.mallory).get(address).status_code == 404
    assert client_of(cast.alice).get(f"/conversions/{uuid.uuid4()}/{page}").status_code == 404
    stranger = client_of().get(address)
    assert stranger.status_code == 302
    assert stranger["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_is_for_who_made_it_and_for_admins(verb: str, ready: Conversion, cast: Cast) -> None:
    address = f"/conversions/{ready.pk}/{verb}"
    assert client_of(cast.mallory).post(address).status_code == 404
    assert client_of(cast.victor).post(address).status_code == 403
    assert client_of(cast.bob).post(address).status_code == 403  # Alice made it
    assert client_of().post(address).status_code == 302
    assert client_of(cast.alice).get(address).status_code == 405
    assert Conversion.objects.filter(pk=ready.pk).exists()
    assert client_of(cast.alice).post(address).status_code == 303


def test_the_history_shows_the_own_team_only(ready: Conversion, cast: Cast) -> None:
    assert ready.title in client_of(cast.victor).get("/history/").content.decode()
    assert ready.title not in client_of(cast.mallory).get("/history/").content.decode()


def test_someone_without_a_team_sees_pages_and_converts_nothing(cast: Cast) -> None:
    cast.bob.memberships.all().delete()
    client = client_of(cast.bob)
    assert client.get("/").status_code == 200
    assert client.get("/history/").status_code == 200
    assert client.post("/").status_code == 403
