"""Who reaches what: every address, each of the cast."""

from __future__ import annotations

import uuid

import pytest
from django.utils import timezone

from conversions.models import Conversion
from tests.conversions.conftest import client_of
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = ["", "status/", "download/", "source/", "peaks/", "peaks/source/"]
VERBS = ["cancel/", "retry/", "rename/", "delete/"]


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
    data = {"title": "Another name"}
    assert client_of(cast.mallory).post(address, data).status_code == 404
    assert client_of(cast.victor).post(address, data).status_code == 403
    assert client_of(cast.bob).post(address, data).status_code == 403  # Alice made it
    assert client_of().post(address).status_code == 302
    assert client_of(cast.alice).get(address).status_code == 405
    assert Conversion.objects.filter(pk=ready.pk).exists()
    assert client_of(cast.alice).post(address, data).status_code == 303


@pytest.mark.parametrize("page", PAGES)
def test_what_is_for_its_creator_alone_is_for_nobody_else(page: str, ready: Conversion, cast: Cast) -> None:
    Conversion.objects.update(only_me=True, created_by=cast.bob)
    address = f"/conversions/{ready.pk}/{page}"
    assert client_of(cast.bob).get(address).status_code == 200
    for user in (cast.alice, cast.victor, cast.mallory):  # not even for who owns the team
        assert client_of(user).get(address).status_code == 404


@pytest.mark.parametrize("page", PAGES)
def test_what_is_deleted_has_no_page(page: str, ready: Conversion, cast: Cast) -> None:
    client_of(cast.alice).post(f"/conversions/{ready.pk}/delete/")
    for user in (cast.alice, cast.bob):
        assert client_of(user).get(f"/conversions/{ready.pk}/{page}").status_code == 404


def test_bringing_back_is_for_who_may_delete(ready: Conversion, cast: Cast) -> None:
    address = f"/conversions/{ready.pk}/restore/"
    assert client_of(cast.alice).post(address).status_code == 404  # it is not deleted
    Conversion.objects.update(deleted_at=timezone.now())
    assert client_of(cast.mallory).post(address).status_code == 404
    assert client_of(cast.victor).post(address).status_code == 403
    assert client_of(cast.bob).post(address).status_code == 403
    assert client_of().post(address).status_code == 302
    assert client_of(cast.alice).get(address).status_code == 405
    assert client_of(cast.alice).post(address).status_code == 303
    assert client_of(cast.victor).get(f"/conversions/{ready.pk}/").status_code == 200


def test_the_history_shows_the_own_team_only(ready: Conversion, cast: Cast) -> None:
    assert ready.title in client_of(cast.victor).get("/history/").content.decode()
    assert ready.title not in client_of(cast.mallory).get("/history/").content.decode()


def test_someone_without_a_team_sees_pages_and_converts_nothing(cast: Cast) -> None:
    cast.bob.memberships.all().delete()
    client = client_of(cast.bob)
    assert client.get("/").status_code == 200
    assert client.get("/history/").status_code == 200
    assert client.post("/").status_code == 403
