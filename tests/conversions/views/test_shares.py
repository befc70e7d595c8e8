"""The team's pages about its links, and what strangers get of them: nothing."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversions import actions
from conversions.access.shared import link_of
from conversions.models import Comment, Conversion, Share
from tests.conversions.conftest import Submit, client_of, done
from tests.conversions.sharing import address_of, shared
from tests.support.cast import Cast
from tests.support.sound import wav

pytestmark = pytest.mark.django_db(transaction=True)
ASKED = {"what": "both", "lasts": "7", "for_whom": "ACME", "password": ""}


def page_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_a_member_makes_a_link_that_opens_and_revokes_it(cast: Cast, ready: Conversion) -> None:
    client, pages = client_of(cast.bob), f"/conversions/{ready.pk}/shares/"
    assert f'href="{pages}"' in page_of(client, f"/conversions/{ready.pk}/")
    answer = client.post(pages, {**ASKED, "may_download": "on"})
    made = Share.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"{pages}#share-{made.pk}")
    assert (made.created_by, made.for_whom, made.may_download) == (cast.bob, "ACME", True)
    assert made.expires is not None
    page = page_of(client, pages)
    found = re.search(r'value="http://testserver(/s/[^"]+)"', page)
    assert found is not None
    assert Client().get(found[1]).status_code == 200
    assert "not opened yet" in page
    Client().get(found[1])
    assert "opened 2 times" in page_of(client, pages)
    assert client.post(f"/shares/{made.pk}/revoke/").status_code == 303
    assert Client().get(found[1]).status_code == 404
    assert "ACME" not in page_of(client, "/shares/")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("what", "everything", "Select a valid choice"),
        ("lasts", "366", "Select a valid choice"),
        ("for_whom", "x" * 101, "at most 100 characters"),
        ("password", "short", "Take at least 6 characters"),
    ],
)
def test_what_cannot_be_had_is_said_where_it_was_asked(
    cast: Cast, ready: Conversion, field: str, value: str, words: str
) -> None:
    answer = client_of(cast.bob).post(f"/conversions/{ready.pk}/shares/", {**ASKED, field: value})
    assert (answer.status_code, words in unescape(answer.content.decode())) == (422, True)
    assert not Share.objects.exists()


def test_what_no_browser_plays_is_said_at_the_download(cast: Cast, submit: Submit) -> None:
    conversion = done(submit(output_format="pcm_16000"))
    answer = client_of(cast.bob).post(f"/conversions/{conversion.pk}/shares/", ASKED)
    assert (answer.status_code, "let it be downloaded" in answer.content.decode()) == (422, True)


def test_a_password_is_asked_for_and_never_shown(cast: Cast, ready: Conversion) -> None:
    client, pages = client_of(cast.bob), f"/conversions/{ready.pk}/shares/"
    client.post(pages, {**ASKED, "password": "open sesame"})
    page = page_of(client, pages)
    assert "with a password" in page
    assert "open sesame" not in page
    assert Share.objects.get().password not in page


def test_what_is_not_ready_has_no_form(cast: Cast, submit: Submit) -> None:
    conversion = submit()
    client = client_of(cast.alice)
    assert "/shares/" not in page_of(client, f"/conversions/{conversion.pk}/").replace('href="/shares/"', "")
    assert 'id="new-share"' not in page_of(client, f"/conversions/{conversion.pk}/shares/")
    answer = client.post(f"/conversions/{conversion.pk}/shares/", ASKED)
    assert (answer.status_code, "no result to share" in answer.content.decode()) == (422, True)


def test_viewers_are_shown_no_link(cast: Cast, ready: Conversion) -> None:
    made, client = shared(ready, cast.alice), client_of(cast.victor)
    assert "shares/" not in page_of(client, f"/conversions/{ready.pk}/")
    for address in ("/shares/", f"/conversions/{ready.pk}/shares/"):
        answer = client.get(address)
        assert (answer.status_code, link_of(made) in answer.content.decode()) == (403, False)
    assert client.post(f"/conversions/{ready.pk}/shares/", ASKED).status_code == 403
    assert client.post(f"/shares/{made.pk}/revoke/").status_code == 403
    assert Share.objects.filter(revoked_at=None).count() == 1


def test_of_another_team_there_is_nothing(cast: Cast, ready: Conversion) -> None:
    made, stranger = shared(ready, cast.alice), client_of(cast.mallory)
    said = actions.comment(made, "Clara", "Too soft")
    gone = f"/conversions/{ready.pk}/comments/{said.pk}/delete/"
    pages = f"/conversions/{ready.pk}/shares/"
    asked = [stranger.get(pages), stranger.post(pages, ASKED), stranger.post(f"/shares/{made.pk}/revoke/")]
    assert [answer.status_code for answer in [*asked, stranger.post(gone)]] == [404] * 4
    assert link_of(made) not in page_of(stranger, "/shares/")
    for answer in (Client().get(pages), Client().get("/shares/"), Client().post(gone)):
        assert answer.status_code == 302  # to the sign-in
    assert Share.objects.filter(revoked_at=None).count() == Comment.objects.count() == 1


def test_links_to_what_somebody_keeps_to_themselves_are_shown_to_nobody_else(cast: Cast, ready: Conversion) -> None:
    Conversion.objects.filter(pk=ready.pk).update(only_me=True, created_by=cast.bob)
    ready.refresh_from_db()
    made = shared(ready, cast.bob)
    assert link_of(made) in page_of(client_of(cast.bob), "/shares/")
    alice = client_of(cast.alice)
    assert link_of(made) not in page_of(alice, "/shares/")
    assert alice.post(f"/shares/{made.pk}/revoke/").status_code == 404


def test_of_what_is_deleted_no_link_is_listed(cast: Cast, ready: Conversion) -> None:
    made = shared(ready, cast.alice)
    actions.delete(ready, cast.alice)
    assert link_of(made) not in page_of(client_of(cast.alice), "/shares/")


def test_one_that_has_run_out_is_said_to_and_can_be_removed(cast: Cast, ready: Conversion) -> None:
    made, client = shared(ready, cast.alice, for_whom="ACME"), client_of(cast.alice)
    Share.objects.update(expires=timezone.now() - timedelta(days=1))
    page = page_of(client, "/shares/")
    assert "Run out" in page
    assert link_of(made) not in page
    answer = client.post(f"/shares/{made.pk}/revoke/", {"back": "team"})
    assert answer["Location"] == "/shares/"
    assert "ACME" not in page_of(client, "/shares/")


def test_hundreds_of_links_come_in_pages_and_cost_as_many_queries_as_one(cast: Cast, ready: Conversion) -> None:
    client = client_of(cast.alice)
    shared(ready, cast.alice)
    for address in ("/shares/", f"/conversions/{ready.pk}/shares/"):
        with CaptureQueriesContext(connection) as of_one:
            client.get(address)
        made = [Share(team=cast.team, conversion=ready, created_by=cast.bob) for _ in range(55)]
        Share.objects.bulk_create(made)
        with CaptureQueriesContext(connection) as of_many:
            client.get(address)
        assert len(of_many) == len(of_one) <= 6
    assert page_of(client, "/shares/").count("data-copies") == 50
    assert page_of(client, "/shares/?page=3").count("data-copies") == 11
    assert page_of(client, "/shares/?page=x").count("data-copies") == 50


def test_comments_stand_on_the_page_of_the_conversion_and_are_deleted_there(cast: Cast, ready: Conversion) -> None:
    address = f"/conversions/{ready.pk}/"
    assert "Comments from outside" not in page_of(client_of(cast.bob), address)
    made = shared(ready, cast.bob)
    Client().post(address_of(made, "comments/"), {"name": "Clara", "text": "Too soft", "at": "0:01"})
    said, gone = Comment.objects.get(), f"{address}comments/{Comment.objects.get().pk}/delete/"
    for somebody in (cast.alice, cast.bob, cast.victor):
        page = page_of(client_of(somebody), address)
        assert "Too soft" in page
        assert 'data-at="1.00">0:01<' in page
        assert (gone in page) == (somebody == cast.alice)  # whose it is
    assert client_of(cast.bob).post(gone).status_code == 403
    assert client_of(cast.alice).post(f"{address}comments/{2**63}/delete/").status_code == 404
    assert client_of(cast.alice).post(gone)["Location"] == address
    assert "Too soft" not in page_of(client_of(cast.alice), address)
    assert not Comment.objects.filter(pk=said.pk).exists()


def test_a_comment_is_deleted_on_its_own_page_alone(cast: Cast, submit: Submit, ready: Conversion) -> None:
    said = actions.comment(shared(ready, cast.alice), "Clara", "Too soft")
    other = submit(data=wav(2))
    assert client_of(cast.alice).post(f"/conversions/{other.pk}/comments/{said.pk}/delete/").status_code == 404
    assert Comment.objects.exists()
