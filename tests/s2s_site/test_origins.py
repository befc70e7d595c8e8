"""Forms at an address that the settings don't know: the page names what is missing, never what an attacker wants."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from tests.conversions.views.conftest import recording
from tests.support.cast import Cast, make_cast

pytestmark = pytest.mark.django_db

PAGE = "https://timbre.example.com"
AT_A_PROXY = {"Origin": PAGE, "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def stranger(db: None) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.get("/accounts/login/")
    return client


def post(client: Client, headers: dict[str, str], address: str = "/accounts/login/") -> str:
    """The page that answers a form with the right token."""
    token = client.cookies["csrftoken" if "csrftoken" in client.cookies else next(iter(client.cookies))].value
    given = {"csrfmiddlewaretoken": token, "login": "alice@example.com", "password": "password"}
    response = client.post(address, given, headers=headers)
    assert response.status_code == 403
    return unescape(response.content.decode())


def lines(page: str) -> list[str]:
    return [line for block in re.findall(r"<code>(.*?)</code>", page, re.DOTALL) for line in block.split("\n") if line]


def test_a_proxy_that_nobody_told_us_of(stranger: Client) -> None:
    page = post(stranger, {**AT_A_PROXY, "Host": "127.0.0.1:8000"})
    assert lines(page) == [
        f"BASE_URL={PAGE}",
        "BEHIND_PROXY=true",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: timbre.example.com",
    ]
    assert "reload" not in page


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": PAGE, "Host": "timbre.example.com"},
        {"Origin": PAGE, "Host": "127.0.0.1:8000", "X-Forwarded-Host": "timbre.example.com"},
    ],
)
def test_a_browser_that_says_less_is_believed_where_the_request_says_the_same(
    stranger: Client, headers: dict[str, str]
) -> None:
    assert f"BASE_URL={PAGE}" in lines(post(stranger, headers))


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", ""])
def test_a_strangers_page_gets_no_advice_to_trust_it(stranger: Client, site: str) -> None:
    page = post(stranger, {"Origin": "https://evil.example.net", "Sec-Fetch-Site": site, "Host": "127.0.0.1"})
    assert "evil" not in page
    assert lines(page) == []


@pytest.mark.parametrize(
    "origin", ["https://evil.example.net", "https://<b>", "https://a@127.0.0.1", "https://[", "null"]
)
def test_an_address_that_only_the_form_names_is_never_shown(stranger: Client, origin: str) -> None:
    page = post(stranger, {"Origin": origin, "Host": "127.0.0.1"})
    assert origin.removeprefix("https://") not in page.replace("null", "") or origin == "null"
    assert lines(page) == []


def test_without_any_sign_the_settings_are_named_but_no_values(stranger: Client) -> None:
    page = post(stranger, {"Origin": "http://timbre.lan", "Host": "127.0.0.1:8000"})
    assert "BASE_URL" in page
    assert "BEHIND_PROXY" in page
    assert "timbre.lan" not in page


def test_what_is_set_already_is_not_asked_for_again(stranger: Client, settings: Any) -> None:
    settings.BASE_URL, settings.CSRF_TRUSTED_ORIGINS = "https://other.example.com", ["https://other.example.com"]
    settings.ALLOWED_HOSTS, settings.USE_X_FORWARDED_HOST = ["other.example.com"], True
    headers = {**AT_A_PROXY, "Host": "other.example.com", "X-Forwarded-Proto": "https"}
    page = post(stranger, headers)
    assert lines(page) == [
        f"CSRF_TRUSTED_ORIGINS=https://other.example.com,{PAGE}",
        "ALLOWED_HOSTS=other.example.com,timbre.example.com",
        "X-Forwarded-Host: timbre.example.com",
    ]
    assert '<a href="https://other.example.com">' in page


def test_a_site_of_https_that_is_opened_without_says_where_it_is(settings: Any, db: None) -> None:
    settings.BASE_URL, settings.CSRF_COOKIE_SECURE = PAGE, True
    response = Client(enforce_csrf_checks=True).post("/accounts/login/", headers={"Origin": "http://testserver"})
    assert f'<a href="{PAGE}">' in response.content.decode()


def test_an_old_form_is_still_an_old_form(stranger: Client) -> None:
    response = stranger.post(
        "/accounts/login/", {"csrfmiddlewaretoken": "x" * 32}, headers={"Origin": "http://testserver"}
    )
    assert response.status_code == 403
    assert "This form is too old" in response.content.decode()


def test_an_upload_says_the_same(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.alice)
    client.get("/")
    response = client.post("/", {"audio": recording()}, headers={**AT_A_PROXY, "Host": "127.0.0.1:8000"})
    assert response.status_code == 403
    assert f"BASE_URL={PAGE}" in lines(response.content.decode())
