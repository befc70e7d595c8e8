"""What a person chooses for themselves: kept at once, and only what is a choice."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.support.cast import make_cast

pytestmark = pytest.mark.django_db
ADDRESS = "/account/choices/"


@pytest.mark.parametrize("name", ["mail_when_ready", "notify_in_browser", "shortcuts"])
def test_a_choice_is_kept_for_who_made_it_and_nobody_else(client: Client, name: str) -> None:
    cast = make_cast()
    client.force_login(cast.bob)
    before = getattr(cast.alice, name)
    for value in ("on", "off", "on"):
        assert client.post(ADDRESS, {"name": name, "value": value}).status_code == 204
        cast.bob.refresh_from_db()
        assert getattr(cast.bob, name) == (value == "on")
    cast.alice.refresh_from_db()
    assert getattr(cast.alice, name) == before


@pytest.mark.parametrize(
    "data", [{}, {"name": "shortcuts"}, {"name": "shortcuts", "value": "1"}, {"name": "is_staff", "value": "on"}]
)
def test_what_is_no_choice_changes_nothing(client: Client, data: dict[str, str]) -> None:
    bob = make_cast().bob
    client.force_login(bob)
    answer = client.post(ADDRESS, data)
    assert answer.status_code == 400
    assert "no such choice" in answer.content.decode()
    bob.refresh_from_db()
    assert not bob.is_staff
    assert bob.shortcuts


def test_strangers_choose_nothing(client: Client) -> None:
    assert client.post(ADDRESS, {"name": "shortcuts", "value": "on"}).status_code == 302
    assert client.get(ADDRESS).status_code == 302
