"""One's own account: the name, and the choices of a person."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.support.cast import Cast, make_cast
from tests.support.words import words_in

pytestmark = pytest.mark.django_db
ADDRESS = "/account/"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def bob(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.bob)
    return client


def test_name_and_choices_are_kept_for_who_made_them(bob: Client, cast: Cast, settings: Any) -> None:
    settings.EMAIL_URL = "smtp://localhost"
    page = bob.get(ADDRESS).content.decode()
    assert 'value="Bob"' in page
    assert "bob@example.com" in page
    assert "Harbour Radio, Member" in page
    answer = bob.post(ADDRESS, {"name": "  Bob\n Harbour ", "mail_when_ready": "on", "notify_in_browser": "on"})
    assert (answer.status_code, answer["Location"]) == (303, ADDRESS)
    assert "Saved." in bob.get(ADDRESS).content.decode()
    cast.bob.refresh_from_db()
    cast.alice.refresh_from_db()
    assert cast.bob.name == "Bob Harbour"
    assert (cast.bob.mail_when_ready, cast.bob.notify_in_browser, cast.bob.shortcuts) == (True, True, False)
    assert (cast.alice.mail_when_ready, cast.alice.notify_in_browser, cast.alice.shortcuts) == (False, False, True)


def test_without_e_mail_the_choice_is_greyed_out_with_a_reason_and_kept(bob: Client, cast: Cast, settings: Any) -> None:
    settings.EMAIL_URL = ""
    assert "this site sends no e-mail" in bob.get(ADDRESS).content.decode()
    bob.post(ADDRESS, {"name": "Bob", "mail_when_ready": "on"})
    cast.bob.refresh_from_db()
    assert not cast.bob.mail_when_ready

    type(cast.bob).objects.filter(pk=cast.bob.pk).update(mail_when_ready=True)
    bob.post(ADDRESS, {"name": "Bob"})
    cast.bob.refresh_from_db()
    assert cast.bob.mail_when_ready


def test_a_name_that_is_too_long_is_said_beside_it_and_nothing_is_kept(bob: Client, cast: Cast) -> None:
    answer = bob.post(ADDRESS, {"name": "b" * 151, "notify_in_browser": "on"})
    assert answer.status_code == 422
    assert "at most 150 characters" in answer.content.decode()
    cast.bob.refresh_from_db()
    assert (cast.bob.name, cast.bob.notify_in_browser) == ("Bob", False)


def test_it_has_the_way_to_the_password_and_the_menu_leads_here(bob: Client) -> None:
    assert 'href="/accounts/password/change/"' in bob.get(ADDRESS).content.decode()
    assert 'href="/account/"' in bob.get("/history/").content.decode()


def test_strangers_have_none() -> None:
    assert Client().get(ADDRESS).status_code == 302


def test_the_site_is_called_by_its_own_name(bob: Client, settings: Any) -> None:
    settings.SITE_NAME = "Harbour Voices"
    page = bob.get(ADDRESS).content.decode()
    assert "doesn’t let Harbour Voices show notifications" in words_in(page)["notification"]["denied"]
    assert "Timbre" not in page
