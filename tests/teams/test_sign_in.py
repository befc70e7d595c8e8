"""Signing in: by e-mail, from inside only, and not by guessing."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from teams.models import User
from tests.support.cast import Cast, make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    cache.clear()
    return make_cast()


def sign_in(client: Client, email: str, password: str):
    return client.post("/accounts/login/", {"login": email, "password": password})


def test_by_e_mail_however_it_is_written(cast: Cast) -> None:
    client = Client()
    response = sign_in(client, "Alice@Example.com", "password")
    assert (response.status_code, response["Location"]) == (302, "/")
    assert client.get("/accounts/email/").status_code == 404  # the address is the admin's to give
    assert client.get("/history/")["Cache-Control"] == "private, no-store"


def test_a_wrong_password_and_an_unknown_person_get_the_same_words(cast: Cast) -> None:
    wrong = sign_in(Client(), "alice@example.com", "guess").content.decode()
    unknown = sign_in(Client(), "nobody@example.com", "guess").content.decode()
    assert "The email address and/or password you specified are not correct." in wrong
    assert "The email address and/or password you specified are not correct." in unknown


def test_guessing_is_slowed_down(cast: Cast) -> None:
    client = Client()
    answers = [sign_in(client, "alice@example.com", f"guess {n}") for n in range(12)]
    assert "Too many failed" in answers[-1].content.decode() or answers[-1].status_code == 429
    assert sign_in(client, "alice@example.com", "password").status_code != 302


def test_nobody_signs_up_from_outside(cast: Cast) -> None:
    before = User.objects.count()
    given = {"email": "x@example.com", "password1": "a long one 1", "password2": "a long one 1"}
    Client().post("/accounts/signup/", given)
    assert User.objects.count() == before


def test_e_mail_addresses_are_unique_whatever_their_case(cast: Cast) -> None:
    from django.db import IntegrityError

    with pytest.raises(IntegrityError):
        User.objects.create_user("ALICE@example.com", "password")


def test_a_deactivated_person_is_out_at_once_and_a_new_password_ends_other_sessions(cast: Cast) -> None:
    client = Client()
    sign_in(client, "bob@example.com", "password")
    assert client.get("/history/").status_code == 200
    User.objects.filter(pk=cast.bob.pk).update(is_active=False)
    assert client.get("/history/").status_code == 302

    sign_in(client, "alice@example.com", "password")
    assert client.get("/history/").status_code == 200
    alice = User.objects.get(pk=cast.alice.pk)
    alice.set_password("another one")
    alice.save()
    assert client.get("/history/").status_code == 302


def test_a_session_ends_when_its_time_is_over(cast: Cast) -> None:
    client = Client()
    sign_in(client, "alice@example.com", "password")
    for seconds, status in ((60, 200), (-1, 302)):
        cast.alice.sessions.update(expire_date=timezone.now() + timedelta(seconds=seconds))
        assert client.get("/history/").status_code == status


def test_someone_is_signed_out_everywhere_by_deleting_their_sessions(cast: Cast) -> None:
    browsers = [Client(), Client()]
    for client in browsers:
        sign_in(client, "alice@example.com", "password")
    assert cast.alice.sessions.count() == 2
    cast.alice.sessions.all().delete()
    assert [client.get("/history/").status_code for client in browsers] == [302, 302]


def test_one_browsers_user_is_never_anothers(cast: Cast) -> None:
    alice, bob = Client(), Client()
    sign_in(alice, "alice@example.com", "password")
    sign_in(bob, "bob@example.com", "password")
    for _ in range(2):
        assert alice.get("/").context["user"] == cast.alice
        assert bob.get("/").context["user"] == cast.bob
        assert Client().get("/accounts/login/").context["user"].is_anonymous


@pytest.mark.parametrize(
    ("address", "sent_from", "leads_to"),
    [
        ("/", "http://testserver/", "/"),
        ("/", "http://testserver/?take=sample", "/?take=sample"),
        (f"/conversions/{uuid4()}/rename/", "http://testserver/history/?q=a", "/history/?q=a"),
        (f"/conversions/{uuid4()}/delete/", "http://evil.example.net/", "/"),
        (f"/conversions/{uuid4()}/cancel/", "javascript:alert(1)", "/"),
        ("/presets/", "", "/"),
    ],
)
def test_who_was_signed_out_while_sending_is_told_that_nothing_was_taken(
    cast: Cast, address: str, sent_from: str, leads_to: str
) -> None:
    client = Client()
    answer = client.post(address, {"audio": SimpleUploadedFile("a.wav", b"x")}, headers={"Referer": sent_from})
    assert answer.status_code == 302
    page = client.get(answer["Location"]).content.decode()
    assert "what you sent was not taken" in page
    fields = {
        name: unescape(re.findall(rf'name="{name}"[^>]* value="([^"]*)"', page)[0]) for name in ("next", "untaken")
    }
    given = {"login": "alice@example.com", **fields}
    again = client.post("/accounts/login/", {**given, "password": "guess"}).content.decode()
    assert "what you sent was not taken" in again  # a wrong password doesn't make it forgotten
    answer = client.post("/accounts/login/", {**given, "password": "password"})
    assert (answer.status_code, answer["Location"]) == (302, leads_to)
    page = client.get(answer["Location"]).content.decode()
    assert "what you sent was not taken" in page
    assert "Please send it again." in page
    assert "was not taken" not in client.get("/history/").content.decode()


def test_who_only_wanted_to_see_a_page_is_told_nothing(cast: Cast) -> None:
    client = Client()
    answer = client.get("/history/")
    assert answer["Location"] == "/accounts/login/?next=/history/"
    client.post("/accounts/login/", {"login": "alice@example.com", "password": "password"})
    assert "was not taken" not in client.get("/history/").content.decode()
