"""What was an error of ours once, or would be on one of the two databases: a sentence, or nothing was sent at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from conversions.models import Call, Conversion
from s2s_site.door import Handler, Request
from teams.models import User
from tests.conversions.conftest import client_of, work_all
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db(transaction=True)
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(autouse=True)
def _through_the_door(monkeypatch: pytest.MonkeyPatch) -> None:
    """Django's test client makes requests of Django's own class; the product makes ours."""
    monkeypatch.setattr("django.test.client.WSGIRequest", Request)
    assert Handler.request_class is Request


@pytest.fixture
def root(db: None) -> Client:
    return client_of(User.objects.create_superuser("root@example.com", "password"))


@pytest.mark.parametrize("name", [settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, "messages", r'"\000"'])
@pytest.mark.parametrize("value", [r'"\000"', rf'"{"a" * 31}\000"'])  # as long as a session's key is
@pytest.mark.usefixtures("db")
def test_a_cookie_with_a_nul_is_no_cookie(name: str, value: str) -> None:
    client = Client(enforce_csrf_checks=True)
    cookie = {"HTTP_COOKIE": f"{name}={value}"}
    assert client.get("/accounts/login/", **cookie).status_code == 200
    assert client.get("/", **cookie).status_code == 302
    assert client.post("/accounts/login/", {"login": "a"}, **cookie).status_code == 403


def test_the_cookies_beside_one_with_a_nul_hold(cast: Cast) -> None:
    client = client_of(cast.alice)
    session = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    assert client.get("/", HTTP_COOKIE=rf'x="\000"; {session}').status_code == 200


def test_a_form_with_a_nul_is_refused(cast: Cast) -> None:
    for page in ("/account/choices/", "/voices/favourite/", "/presets/default/", "/presets/"):
        for field in ("name", "value", "key", "voice", "preset_name"):
            answer = client_of(cast.alice).post(page, {"name": "shortcuts", "value": "on", field: "a\0b"})
            assert answer.status_code == 400
            assert "garbled" in answer.content.decode()


@pytest.mark.usefixtures("db")
def test_a_path_with_a_nul_is_refused(root: Client) -> None:
    for path in ("/admin/teams/user/%00/change/", "/admin/%00/", "/accounts/password/reset/key/%00-x/", "/%00"):
        assert root.get(path).status_code == 400


def test_a_refused_form_leaves_no_file(cast: Cast, tmp_path: Path, voice: Any) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="audio"; filename="a.wav"\r\n\r\n' + b"RIFF" * 2**20
    body += b'\r\n--b\r\nContent-Disposition: form-data; name="title"\r\n\r\n\0\r\n--b--\r\n'
    answer = client_of(cast.alice).generic("POST", "/", body, "multipart/form-data; boundary=b")
    assert answer.status_code == 400
    assert not list((tmp_path / "uploads").iterdir())


@pytest.mark.one_database
@pytest.mark.parametrize(
    "code",
    ["hex", "zlib", "rot13", "idna", "punycode", "undefined", "unicode_escape", "utf-16", "\0", "unknown", "UTF-8"],
)
@pytest.mark.parametrize("kind", [FORM, "multipart/form-data; boundary=b", "text/plain"])
def test_a_form_is_utf_8_whatever_its_type_says(cast: Cast, code: str, kind: str) -> None:
    client = client_of(cast.alice)
    for said in (f"charset={code}", f'charset="{code}"', f"charset*=utf-8''{code}"):
        answer = client.generic(
            "POST", "/account/choices/?q=%ff", urlencode({"name": "shortcuts", "value": "on"}), f"{kind}; {said}"
        )
        assert answer.status_code in ((204, 303) if kind == FORM else (204, 303, 400)), answer.status_code


@pytest.mark.one_database
@pytest.mark.usefixtures("db")
def test_a_query_of_many_parts_beside_a_charset_is_answered() -> None:
    answer = Client().generic("GET", "/accounts/login/?" + "a&" * 300, b"", f"{FORM}; charset=utf-8")
    assert answer.status_code in (200, 400)


@pytest.mark.one_database
def test_a_type_in_a_code_that_is_not_known_is_answered(cast: Cast) -> None:
    answer = client_of(cast.alice).generic("POST", "/account/choices/", b"", "text/plain; x*=unknown'en'y")
    assert answer.status_code < 500


@pytest.mark.one_database
@pytest.mark.parametrize("page", ["/", "/presets/", "/account/choices/", "/history/"])
def test_a_files_name_in_a_code_that_is_not_known_is_refused(cast: Cast, page: str) -> None:
    for code in ("unknown", "hex"):
        head = f"--b\r\nContent-Disposition: form-data; name=\"audio\"; filename*={code}''a\r\n\r\n"
        body = f"{head}x\r\n--b--\r\n".encode()
        answer = client_of(cast.alice).generic("POST", page, body, "multipart/form-data; boundary=b")
        assert 400 <= answer.status_code < 500


def test_view_on_site_finds_nothing(root: Client, cast: Cast) -> None:
    for content_type in ContentType.objects.values_list("pk", flat=True):
        for pk in ("1", "x", str(cast.alice.pk)):
            assert root.get(f"/admin/r/{content_type}/{pk}/").status_code == 404


LISTS = [f"/admin/{name}/" for name in ("teams/user", "teams/team", "voices/endpoint", "voices/voice")]
LISTS.append("/admin/conversions/conversion/")


def test_rows_that_cannot_be_any_are_refused(root: Client) -> None:
    for page in LISTS:
        for chosen in ("x", "", "9" * 30, "9" * 5000, "²", "9223372036854775808", "nan"):
            answer = root.post(page, {"action": "delete_selected", "_selected_action": [chosen]})
            assert answer.status_code == 400, (page, chosen)


def test_a_filter_that_no_row_can_answer_leads_to_the_whole_list(root: Client, cast: Cast, voice: Any) -> None:
    names = (
        "pk",
        "id__gt",
        "id__in",
        "name__regex",
        "created_at__date",
        "source_peaks__gt",
        "source_peaks",
        "seed__in",
    )
    values = ("9" * 30, "[", "", "1,x", "\x85", "{")
    led_to = set()
    for page in LISTS:
        for name in names:
            for value in values:
                answer = root.get(page, {name: value})
                assert answer.status_code in (200, 302, 400), (page, name, value)
                if answer.status_code == 302:
                    led_to.add((page, answer["Location"]))
    assert {page for page, _place in led_to} == set(LISTS)
    for page, place in led_to:
        assert root.get(urljoin(page, place)).status_code == 200, place


@pytest.mark.parametrize("field", ["teams", "", "memberships", "password", "x", "id__gt"])
def test_a_field_that_no_form_refers_to_is_refused_or_ignored(root: Client, cast: Cast, field: str) -> None:
    page = f"/admin/teams/user/{cast.alice.pk}/"
    for asked in (page + "delete/", page + "change/", "/admin/teams/user/"):
        for answer in (root.get(asked, {"_to_field": field}), root.post(asked, {"_to_field": field})):
            assert answer.status_code in (200, 302, 400), (asked, field)


@pytest.mark.parametrize("chosen", ["on", "9" * 30, "9" * 5000, "²", "-1", "", "nan"])
def test_a_member_that_cannot_be_any_is_said_to_be_wrong(root: Client, cast: Cast, chosen: str) -> None:
    form = {"name": "Harbour", "memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "0"}
    answer = root.post("/admin/teams/team/add/", {**form, "memberships-0-user": chosen, "memberships-0-role": "owner"})
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()


@pytest.mark.one_database
@pytest.mark.parametrize("length", ["9" * 5000, "9" * 30, "x", "-1", "1_0", "²".encode().decode("latin-1"), ""])
@pytest.mark.parametrize("kind", [FORM, "multipart/form-data; boundary=b", "text/plain"])
def test_a_length_that_is_no_number_is_none(cast: Cast, length: str, kind: str) -> None:
    client = client_of(cast.alice)
    for page in ("/account/choices/", "/", "/history/"):
        assert client.generic("POST", page, b"", kind, CONTENT_LENGTH=length).status_code < 500, page


def test_the_ledger_has_no_page_for_a_single_call(root: Client, cast: Cast, submit: Any) -> None:
    """It would name the recording, which here nobody but Bob may see."""
    conversion = submit(cast.bob)
    work_all()
    Conversion.objects.update(title="Between us", only_me=True)
    call = Call.objects.get(conversion=conversion)
    for page in ("", "change/", "history/", "delete/"):
        answer = root.get(f"/admin/conversions/call/{call.pk}/{page}", follow=True)
        assert answer.status_code == 404
        assert "Between us" not in answer.content.decode()


@pytest.mark.parametrize("words", ["x" * 60_000, "x " * 3000, "%" * 60_000, "é" * 9000, "x\x85" * 20, "'" * 30_000])
def test_a_search_for_more_than_anybody_types_is_answered(root: Client, cast: Cast, voice: Any, words: str) -> None:
    searches = [(page, "q") for page in LISTS]
    for field in ("user", "team"):
        searches.append((f"/admin/autocomplete/?app_label=teams&model_name=membership&field_name={field}", "term"))
    for page, name in searches:
        sign = "&" if "?" in page else "?"
        answer = root.get(f"{page}{sign}{urlencode({name: words})}")
        assert answer.status_code == 200, page
        if name == "q":
            assert (len(words) > 200) == ("at most 200 characters" in answer.content.decode()), page


@pytest.mark.one_database
@pytest.mark.parametrize("led", ["http://[", "//[", "http://a]b/", "https://\u2100", "http://a:b", "//evil.example/"])
def test_nobody_is_led_to_what_is_no_address_of_ours(cast: Cast, led: str) -> None:
    for page in ("login", "logout", "signup", "reauthenticate", "password/change", "password/reset"):
        for client in (Client(), client_of(cast.alice)):
            for answer in (
                client.get(f"/accounts/{page}/", {"next": led}),
                client.post(f"/accounts/{page}/", {"next": led}),
            ):
                assert answer.status_code in (200, 302, 409), page
                assert not answer.headers.get("Location", "/").startswith(("http", "//")), page
    words = {"login": "alice@example.com", "password": "password", "next": led}
    assert Client().post("/accounts/login/", words).headers["Location"] == "/"
