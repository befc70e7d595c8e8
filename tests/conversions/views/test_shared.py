"""Behind a link: what people outside get, and that nobody gets more, or anything once it is revoked."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from conversions import actions
from conversions.access import shared as gate
from conversions.models import Comment, Conversion, Share
from tests.conversions.conftest import Submit, client_of, done
from tests.conversions.sharing import address_of, shared
from tests.support.cast import Cast
from tests.support.sound import wav

pytestmark = pytest.mark.django_db(transaction=True)
DATA = wav(1.0)
AGAIN = actions.ShareOrder(password="open sesame")
BELOW = [
    *("", "picture.png", "original/", "result/", "original/peaks/", "result/peaks/"),
    *("original/loudness/", "result/loudness/", "original/?save=1", "result/?save=1"),
]


@pytest.fixture(autouse=True)
def _nobody_has_tried_yet() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def ready(submit: Submit) -> Conversion:
    return done(submit(data=DATA))


@pytest.fixture
def link(cast: Cast, ready: Conversion) -> Share:
    """To everything that can be had."""
    return shared(ready, cast.alice, may_download=True)


@pytest.fixture
def locked(cast: Cast, ready: Conversion) -> Share:
    return shared(ready, cast.alice, may_download=True, password="open sesame")


def content(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def statuses(share: Share, client: Client | None = None) -> set[int]:
    """Of every address behind it, comments too."""
    client = client or Client()
    answers = [client.get(address_of(share, below)) for below in BELOW]
    answers.append(client.post(address_of(share, "comments/"), {"name": "Clara", "text": "Hm"}))
    for answer in answers:
        assert content(answer) or answer.status_code == 303
    return {answer.status_code for answer in answers}


def test_all_of_it_is_there_for_anybody_with_the_link(cast: Cast, link: Share) -> None:
    for client in (Client(), client_of(cast.mallory), client_of(cast.victor)):
        assert statuses(link, client) == {200, 303}


def test_nobody_gets_a_cookie(link: Share, locked: Share) -> None:
    client = Client(enforce_csrf_checks=True)  # and none is needed
    for share in (link, locked):
        for below in [*BELOW, "nothing/"]:
            assert not client.get(address_of(share, below)).cookies
        client.post(address_of(share), {"password": "open sesame"})
        client.post(address_of(share, "comments/"), {"name": "Clara", "text": "Hm"})
    assert not client.cookies
    assert Comment.objects.count() == 1


def test_nobody_on_the_way_keeps_it_and_no_search_finds_it(link: Share, locked: Share) -> None:
    client = Client()
    answers = [client.get(address_of(share, below)) for share in (link, locked) for below in BELOW]
    answers.append(client.post(address_of(link, "comments/"), {"name": "Clara", "text": "Hm"}))
    for answer in answers:
        assert answer["Cache-Control"] == "no-store"
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["X-Robots-Tag"] == "noindex, nofollow"
        content(answer)


def test_once_it_is_revoked_there_is_nothing_in_the_middle_of_a_sound_too(cast: Cast, link: Share) -> None:
    client = Client()
    first = client.get(address_of(link, "result/"), headers={"Range": "bytes=0-99"})
    assert (first.status_code, content(first)) == (206, DATA[:100])
    actions.revoke(link, cast.alice)
    second = client.get(address_of(link, "result/"), headers={"Range": "bytes=100-199"})
    assert second.status_code == 404
    assert statuses(link) == {404}


def test_once_it_has_run_out_there_is_nothing(link: Share) -> None:
    Share.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert statuses(link) == {404}
    Share.objects.update(expires=timezone.now() + timedelta(minutes=5))
    assert statuses(link) == {200, 303}


def test_while_it_is_deleted_there_is_nothing(cast: Cast, link: Share, ready: Conversion) -> None:
    actions.delete(ready, cast.alice)
    assert statuses(link) == {404}
    actions.restore(ready, cast.alice)
    assert statuses(link) == {200, 303}


def test_of_what_is_not_ready_any_more_there_is_nothing(link: Share, ready: Conversion) -> None:
    Conversion.objects.filter(pk=ready.pk).update(status=Conversion.Status.CANCELLED)
    assert statuses(link) == {404}


def test_a_link_is_right_to_the_letter(cast: Cast, link: Share) -> None:
    whole = gate.link_of(link)
    assert len(whole) == 44
    end = "A" if whole[-1] != "A" else "B"
    other = gate.link_of(Share(pk=uuid.uuid4()))
    wrong = [
        *(
            whole[:-1],
            whole + "A",
            whole[:-1] + end,
            whole[:22],
            str(link.pk),
            "x",
            "-",
            "_" * 44,
            "A" * 44,
            whole.swapcase(),
        ),
        *(whole[:22] + other[22:], other),
    ]
    for letters in wrong:
        answer = Client().get(f"/s/{letters}/")
        assert (answer.status_code, "leads nowhere" in answer.content.decode()) == (404, True), letters
    assert Client().get(f"/s/{whole}/").status_code == 200


def test_a_link_is_nothing_that_stands_in_the_database(link: Share, settings: Any) -> None:
    """Whoever has the rows and not the key makes none."""
    whole = gate.link_of(link)
    settings.SECRET_KEY = "somebody else's"
    assert gate.link_of(link) != whole
    assert Client().get(f"/s/{whole}/").status_code == 404


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_sound_is_had_in_parts_and_its_length_without_it(link: Share, method: str) -> None:
    ask = getattr(Client(), method.lower())
    for below in ("original/", "result/"):
        whole = ask(address_of(link, below))
        assert (whole.status_code, whole["Content-Length"]) == (200, str(len(DATA)))
        assert whole["Accept-Ranges"] == "bytes"
        part = ask(address_of(link, below), headers={"Range": "bytes=100-199"})
        assert (part.status_code, part["Content-Range"]) == (206, f"bytes 100-199/{len(DATA)}")
        beyond = ask(address_of(link, below), headers={"Range": f"bytes={len(DATA)}-"})
        assert beyond.status_code == 416
        for answer in (whole, part):
            content(answer)


def test_looking_with_head_opens_nothing(link: Share) -> None:
    assert Client().head(address_of(link)).status_code == 200
    link.refresh_from_db()
    assert (link.opened, link.last_opened) == (0, None)


def test_it_is_counted_when_people_outside_open_it(cast: Cast, link: Share) -> None:
    for client in (Client(), client_of(cast.bob), client_of(cast.mallory), Client()):
        client.get(address_of(link))
    link.refresh_from_db()
    assert link.opened == 3  # Bob is of the team
    assert link.last_opened is not None


def test_a_file_is_saved_only_where_that_is_allowed(cast: Cast, ready: Conversion, link: Share) -> None:
    answer = Client().get(address_of(link, "result/?save=1"))
    assert "attachment" in answer["Content-Disposition"]
    assert content(answer) == DATA
    assert "Download the result" in Client().get(address_of(link)).content.decode()
    heard = shared(ready, cast.alice)
    for below in ("result/?save=1", "original/?save=1"):
        assert Client().get(address_of(heard, below)).status_code == 404
    assert "Download" not in Client().get(address_of(heard)).content.decode()
    played = Client().get(address_of(heard, "result/"))
    assert ("Content-Disposition" in played, content(played)) == (False, DATA)


@pytest.mark.parametrize(("what", "gone"), [(Share.What.RESULT, "original"), (Share.What.ORIGINAL, "result")])
def test_what_is_not_shared_is_not_there(cast: Cast, ready: Conversion, what: Share.What, gone: str) -> None:
    share = shared(ready, cast.alice, what=what, may_download=True)
    page = Client().get(address_of(share)).content.decode()
    assert page.count("<audio") == 1
    assert f"/{gone}/" not in page
    for below in BELOW:
        wanted = 404 if below.startswith(gone) else 200
        answer = Client().get(address_of(share, below))
        assert answer.status_code == wanted, below
        content(answer)


# ---- the password ----


def grant_for(share: Share) -> str:
    """The address to which the right password leads."""
    answer = Client().post(address_of(share), {"password": "open sesame"})
    assert answer.status_code == 303
    return str(answer["Location"])


def test_before_the_password_nothing_is_told(locked: Share, ready: Conversion) -> None:
    answer = Client().get(address_of(locked))
    assert answer.status_code == 200
    said = answer.content.decode()
    assert "Password" in said
    for word in (ready.title, "Harbour Radio", "harbour", "og:", "Alice", str(ready.pk), "<audio"):
        assert word not in said
    for below in BELOW[1:]:
        assert Client().get(address_of(locked, below)).status_code == 404
    untaken = Client().post(address_of(locked, "comments/"), {"name": "Clara", "text": "Hm"})
    assert (untaken.status_code, "not taken" in untaken.content.decode()) == (403, True)
    assert f'action="{address_of(locked)}"' in untaken.content.decode()
    assert not Comment.objects.exists()
    locked.refresh_from_db()
    assert locked.opened == 0


def test_the_right_password_opens_all_of_it(locked: Share, ready: Conversion) -> None:
    client = Client()
    address = grant_for(locked)
    page = client.get(address).content.decode()
    assert ready.title in page
    assert "og:image" not in page  # no chat is to show it
    behind = [unescape(found) for found in re.findall(r'(?:src|href|action|data-\w+)="(/s/[^"]+)"', page)]
    assert len(behind) >= 9
    for one in behind:
        answer = client.get(one) if "/comments/" not in one else client.post(one, {"name": "Clara", "text": "Hm"})
        assert answer.status_code in (200, 303), one
        if answer.status_code == 303:
            assert "Hm" in client.get(answer["Location"]).content.decode()
        content(answer)
    assert not client.cookies


def test_a_grant_is_for_its_own_link_and_password_and_some_hours(
    cast: Cast, ready: Conversion, locked: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = grant_for(locked).partition("?")[2]
    other = shared(ready, cast.alice, password="open sesame")

    def opens(share: Share, asked: str = query) -> bool:
        answer = Client().get(address_of(share, f"result/?{asked}"))
        content(answer)
        return answer.status_code == 200

    assert opens(locked)
    assert not opens(other)
    assert not opens(locked, query[:-1])
    assert not opens(locked, "key=open")
    with monkeypatch.context() as later:
        later.setattr(gate, "GRANT_S", -1)
        assert not opens(locked)
    Share.objects.filter(pk=other.pk).update(password=locked.password)  # with the same salt, too
    assert not opens(other)
    Share.objects.filter(pk=locked.pk).update(password=actions.share(ready, cast.alice, AGAIN).password)
    assert not opens(locked)


def test_a_wrong_password_says_so(locked: Share) -> None:
    for password in ("open sesam", "", "x" * 5000, "a\0b", "OPEN SESAME", " open sesame"):
        answer = Client().post(address_of(locked), {"password": password})
        said = unescape(answer.content.decode())
        assert (answer.status_code, "the password" in re.sub("(?s).*<form", "", said)) == (422, True), password


def test_passwords_are_not_guessed(locked: Share, link: Share) -> None:
    answers = [Client().post(address_of(locked), {"password": f"guess {number}"}) for number in range(11)]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    assert Client().post(address_of(locked), {"password": "open sesame"}).status_code == 429  # the right one too
    # From other addresses the link itself has so many tries, whoever they belong to.
    tried = [
        Client(REMOTE_ADDR=f"10.0.0.{number}").post(address_of(locked), {"password": "guess"}) for number in range(30)
    ]
    assert 429 in {answer.status_code for answer in tried}
    assert Client().get(address_of(link)).status_code == 200  # what needs none is as it was


def test_who_opens_links_without_end_is_refused(link: Share) -> None:
    client = Client()
    found = [client.get(address_of(link)).status_code for _ in range(121)]
    assert (set(found[:120]), found[120]) == ({200}, 429)
    answer = client.get(address_of(link, "picture.png"))
    assert (answer.status_code, answer["Cache-Control"]) == (429, "no-store")
    assert "Wait a minute" in answer.content.decode()
    assert not client.cookies
    assert Client(REMOTE_ADDR="10.0.0.1").get(address_of(link)).status_code == 200


# ---- comments ----


def comment(share: Share, **fields: object) -> Any:
    return Client().post(address_of(share, "comments/"), {"name": "Clara", "text": "Too soft", **fields})


def test_a_comment_stands_on_the_page_with_its_place(link: Share) -> None:
    answer = comment(link, at="0:00.5", text="Too soft\n\n\n\nhere\u202e")
    said = Comment.objects.get()
    assert answer["Location"] == f"{address_of(link)}#comment-{said.pk}"
    assert (said.name, said.text, said.at_s, said.share) == ("Clara", "Too soft\n\nhere", 0.5, link)
    page = Client().get(address_of(link)).content.decode()
    assert 'data-at="0.50"' in page
    assert "Too soft<br><br>here" in page


def test_what_somebody_types_is_never_more_than_words(link: Share) -> None:
    comment(link, name="<b>Clara</b>", text="<script>alert(1)</script>")
    page = Client().get(address_of(link)).content.decode()
    assert "<b>Clara" not in page
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "Say who you are."),
        ("name", " \u200b ", "Say who you are."),
        ("name", "x" * 81, "at most 80 characters"),
        ("text", "\r\n", "Write something first."),
        ("text", "x" * 2001, "at most 2000 characters"),
        ("at", "soon", "Write a time such as"),
        ("at", "0:03", "It lasts 0:01"),
        ("text", "a\0b", "can’t be kept"),
    ],
)
def test_what_is_no_comment_is_refused_where_it_was_typed(link: Share, field: str, value: str, words: str) -> None:
    answer = comment(link, **{field: value})
    page = unescape(answer.content.decode())
    assert (answer.status_code, words in page) == (422, True), page
    assert not Comment.objects.exists()
    link.refresh_from_db()
    assert link.opened == 0


def test_the_focus_is_at_the_first_that_is_wrong(link: Share) -> None:
    page = comment(link, name="", text="").content.decode()
    assert re.findall(r'name="(\w+)"[^>]*autofocus', page) == ["text"]


def test_a_place_at_the_very_end_is_within(cast: Cast, submit: Submit) -> None:
    """Players round the length."""
    share = shared(done(submit(data=wav(1.4))), cast.alice)
    assert comment(share, at="0:02").status_code == 303
    assert Comment.objects.get().at_s == 1.4


def test_comments_of_one_link_are_not_shown_behind_another(cast: Cast, link: Share, ready: Conversion) -> None:
    comment(link)
    assert "Too soft" not in Client().get(address_of(shared(ready, cast.alice))).content.decode()


def test_nobody_comments_without_end(link: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversions.actions.sharing.MOST_COMMENTS", 2)
    found = [comment(link) for _ in range(11)]
    assert [answer.status_code for answer in found] == [303] * 2 + [422] * 8 + [429]
    assert "as many comments as it can take" in found[2].content.decode()
    assert Comment.objects.count() == 2


def test_a_page_costs_three_queries_whatever_was_said_and_sound_one(
    link: Share, django_assert_num_queries: Any
) -> None:
    Comment.objects.bulk_create(
        Comment(conversion=link.conversion, share=link, name="Clara", text="Too soft", at_s=n / 100) for n in range(99)
    )
    with django_assert_num_queries(3):  # the link with what it opens; that it was opened; what was said
        page = Client().get(address_of(link)).content.decode()
    assert page.count("Too soft") == 99
    with django_assert_num_queries(1):
        content(Client().get(address_of(link, "result/"), headers={"Range": "bytes=0-99"}))


# ---- what a chat shows ----


def test_a_chat_is_told_what_it_is(link: Share, settings: Any) -> None:
    page = Client().get(address_of(link)).content.decode()
    told = dict(re.findall(r'<meta (?:property|name)="([\w:]+)" content="([^"]*)">', page))
    assert told["og:title"] == told["twitter:title"] == link.conversion.title
    assert told["og:description"] == "From Harbour Radio · 0:01"
    assert told["og:image"] == f"http://testserver{address_of(link, 'picture.png')}"
    assert told["twitter:card"] == "summary_large_image"
    settings.SITE_ORIGIN = "https://voices.example"
    page = Client().get(address_of(link)).content.decode()
    assert f'content="https://voices.example{address_of(link)}"' in page
