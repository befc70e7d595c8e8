"""Who shares what with people outside, and what is written down of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connections, transaction

from conversions import actions
from conversions.actions import sharing
from conversions.ground.clock import db_now
from conversions.models import Comment, Conversion, Event, Share
from conversions.pages.timeline import timeline_of
from tests.conversions.conftest import Submit, done
from tests.conversions.sharing import shared
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db(transaction=True)


def test_members_share_what_they_see_and_viewers_nothing(cast: Cast, ready: Conversion) -> None:
    assert shared(ready, cast.alice).created_by == cast.alice
    assert shared(ready, cast.bob, for_whom="Client").team == cast.team
    for somebody in (cast.victor, cast.mallory):
        with pytest.raises(PermissionDenied):
            shared(ready, somebody)
    assert Share.objects.count() == 2


def test_what_somebody_keeps_to_themselves_only_they_share(cast: Cast, ready: Conversion) -> None:
    Conversion.objects.filter(pk=ready.pk).update(only_me=True, created_by=cast.bob)
    ready.refresh_from_db()
    with pytest.raises(PermissionDenied):
        shared(ready, cast.alice)
    assert shared(ready, cast.bob).pk


def test_what_is_to_leave_no_trace_is_never_shared(cast: Cast, submit: Submit) -> None:
    conversion = done(submit(enable_logging=False))
    with pytest.raises(PermissionDenied):
        shared(conversion, cast.alice)


def test_what_is_not_ready_or_deleted_is_not_shared(cast: Cast, submit: Submit, ready: Conversion) -> None:
    with pytest.raises(actions.RefusedError, match="no result"):
        shared(submit(), cast.alice)
    actions.delete(ready, cast.alice)
    with pytest.raises(actions.RefusedError, match="no result"):
        shared(ready, cast.alice)


def test_what_no_browser_plays_has_to_be_downloaded(cast: Cast, submit: Submit) -> None:
    conversion = done(submit(output_format="pcm_16000"))
    for what in (Share.What.BOTH, Share.What.RESULT):
        with pytest.raises(actions.RefusedError, match="can’t play"):
            shared(conversion, cast.alice, what=what)
        assert shared(conversion, cast.alice, what=what, may_download=True).pk
    assert shared(conversion, cast.alice, what=Share.What.ORIGINAL).pk


def test_the_password_is_kept_as_a_hash(cast: Cast, ready: Conversion) -> None:
    made = shared(ready, cast.alice, password="a secret word", lasts=timedelta(days=7))
    assert "a secret word" not in made.password
    assert "a secret word" not in repr(actions.ShareOrder(password="a secret word"))
    assert made.expires is not None
    assert timedelta(days=6) < made.expires - db_now() <= timedelta(days=7)


def test_whoever_made_it_or_may_change_the_conversion_revokes_it(cast: Cast, ready: Conversion) -> None:
    """It is Alice's."""
    hers, his = shared(ready, cast.alice), shared(ready, cast.bob)
    for somebody, made in ((cast.bob, hers), (cast.victor, his), (cast.mallory, his)):
        with pytest.raises(PermissionDenied):
            actions.revoke(made, somebody)
    assert actions.revoke(his, cast.bob)
    assert not actions.revoke(his, cast.alice)  # it is already
    assert actions.revoke(hers, cast.alice)


def test_the_timeline_says_what_became_of_it(cast: Cast, ready: Conversion) -> None:
    made = shared(ready, cast.bob, for_whom="ACME")
    said = actions.comment(made, "Clara", "Too soft", 0.5)
    actions.revoke(made, cast.alice)
    assert actions.delete_comment(said, cast.alice)
    assert [line.words for line in timeline_of(ready)][-4:] == [
        "Bob shared it by a link (ACME)",
        "A comment came by a link (ACME)",
        "Alice revoked a link to it (ACME)",
        "Alice deleted a comment",
    ]
    shared(ready, cast.bob)
    assert timeline_of(ready)[-1].words == "Bob shared it by a link"


def test_comments_are_deleted_by_whom_may_change_it(cast: Cast, ready: Conversion) -> None:
    said = actions.comment(shared(ready, cast.bob), "Clara", "Too soft")
    for somebody in (cast.bob, cast.victor, cast.mallory):
        with pytest.raises(PermissionDenied):
            actions.delete_comment(said, somebody)
    assert actions.delete_comment(said, cast.alice)
    assert not actions.delete_comment(said, cast.alice)


def test_links_and_comments_go_with_it_and_the_audit_log_stays_without_words(cast: Cast, ready: Conversion) -> None:
    made = shared(ready, cast.alice, for_whom="ACME")
    actions.comment(made, "Clara", "Too soft")
    actions.erase(ready, actor=cast.alice)
    assert not Share.objects.exists()
    assert not Comment.objects.exists()
    lines = Event.objects.filter(about=ready.pk, kind__in=[Event.Kind.SHARED, Event.Kind.COMMENTED])
    assert [line.data for line in lines] == [{}, {}]


def test_a_link_whose_maker_is_deleted_stays_the_teams(cast: Cast, ready: Conversion) -> None:
    made = shared(ready, cast.bob)
    cast.bob.delete()
    made.refresh_from_db()
    assert made.created_by is None
    assert actions.revoke(made, cast.alice)


def test_of_two_comments_at_once_the_second_waits_and_finds_no_place(
    cast: Cast, ready: Conversion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "MOST_COMMENTS", 1)
    made = shared(ready, cast.alice)

    def comment() -> bool:
        try:
            actions.comment(made, "Clara", "Too soft, too")
        except actions.RefusedError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            actions.comment(made, "Clara", "Too soft")
            second = threads.submit(comment)
            with suppress(TimeoutError):
                second.result(timeout=1)  # it would be there by then, if it didn't wait
        assert not second.result()
    assert Comment.objects.count() == 1
    assert actions.comment(shared(ready, cast.alice), "Clara", "By another link").pk


def test_of_one_conversion_there_are_so_many_links(
    cast: Cast, ready: Conversion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "MOST_SHARES", 2)
    first = shared(ready, cast.alice)
    shared(ready, cast.alice)
    with pytest.raises(actions.RefusedError, match="2 links already"):
        shared(ready, cast.alice)
    actions.revoke(first, cast.alice)
    assert shared(ready, cast.alice).pk
