"""Delete and undo: what runs is stopped, nobody finds it, for a day it can be brought back, then it is erased."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import F, Q
from django.test.utils import CaptureQueriesContext

from conversions import actions
from conversions.files import durable, inventory
from conversions.models import Call, Conversion, Event, Recording, Step
from conversions.pages import history
from conversions.pages.timeline import timeline_of
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep import housekeeping, retention
from conversions.upkeep.worker import work
from tests.conversions.conftest import Submit, client_of, work_all
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from voices.models import Voice

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timedelta(0)


def hours_pass(hours: float) -> None:
    Conversion.objects.exclude(deleted_at=None).update(deleted_at=F("deleted_at") - timedelta(hours=hours))


def titles(user, **filters) -> list[str]:
    return [row.title for row in history.page_of(user, filters).conversions]


def test_what_was_ready_is_as_before_once_it_is_back(ready: Conversion, cast: Cast) -> None:
    assert actions.delete(ready, cast.alice)
    assert not actions.delete(ready, cast.alice)
    assert titles(cast.bob) == []
    hours_pass(23.9)
    assert retention.erase_deleted() == 0
    assert actions.restore(ready, cast.alice)
    assert not actions.restore(ready, cast.alice)
    assert titles(cast.bob) == [ready.title]
    ready.refresh_from_db()
    assert (ready.status, ready.deleted_at) == ("ready", None)
    assert durable.exists(ready.output)
    assert [line.words for line in timeline_of(ready)][-2:] == ["Alice deleted it", "Alice brought it back"]


def test_after_a_day_nothing_of_it_is_left_but_the_ledger_and_who_did_what(
    ready: Conversion, submit: Submit, cast: Cast
) -> None:
    kept = submit()
    actions.delete(ready, cast.alice)
    hours_pass(24.1)
    assert titles(cast.alice, state="deleted") == []
    assert not actions.restore(ready, cast.alice)
    assert client_of(cast.alice).post(f"/conversions/{ready.pk}/restore/").status_code == 404
    assert retention.erase_deleted() == 1
    assert list(Conversion.objects.all()) == [kept]
    assert list(inventory.stored_conversions()) == [kept.pk]
    assert Call.objects.get().conversion is None
    left = Event.objects.filter(about=ready.pk)
    assert [(event.kind, event.actor) for event in left.exclude(actor=None)] == [
        ("submitted", cast.alice),
        ("deleted", cast.alice),
    ]
    assert left.last().kind == Event.Kind.ERASED
    assert not any(event.data or event.conversion_id for event in left)


def test_what_is_gone_already_is_erased_by_nobody_again(ready: Conversion, cast: Cast) -> None:
    again = Conversion.objects.get(pk=ready.pk)
    assert actions.erase(ready, actor=cast.alice)
    assert not actions.erase(again)
    assert Event.objects.filter(kind=Event.Kind.ERASED).count() == 1


def test_what_leaves_no_trace_meanwhile_leaves_none(ready: Conversion) -> None:
    Conversion.objects.filter(pk=ready.pk).update(enable_logging=False)
    assert actions.erase(ready)
    assert not Event.objects.exists()


def test_of_an_audition_the_audit_log_keeps_nothing(ready: Conversion, cast: Cast) -> None:
    tried = Recording.objects.create(team=cast.team, created_by=cast.alice, name="a", file="a", size=1)
    Conversion.objects.filter(pk=ready.pk).update(audition_of=tried)
    actions.forget(tried)
    assert not Event.objects.exists()


def test_one_that_is_brought_back_while_it_is_erased_stays(ready: Conversion, cast: Cast) -> None:
    actions.delete(ready, cast.alice)
    assert actions.restore(ready, cast.alice)
    actions.erase(ready, if_still=Q(deleted_at__isnull=False))  # the sweep had found it before
    assert titles(cast.alice) == [ready.title]
    assert durable.exists(ready.output)


def test_paid_work_that_has_not_begun_never_begins(submit: Submit, scripted: ScriptedEndpoint, cast: Cast) -> None:
    conversion = submit()
    actions.delete(conversion, cast.alice)
    assert work_all() == 0
    actions.restore(conversion, cast.alice)
    assert work_all() == 0
    conversion.refresh_from_db()
    assert conversion.status == "cancelled"
    assert scripted.requests == []


def test_a_worker_that_is_busy_with_it_writes_nothing(submit: Submit, cast: Cast) -> None:
    conversion = submit()
    work(claim(Lane.CPU))
    found = claim(Lane.CALLS)
    actions.delete(conversion, cast.alice)
    work(found)
    conversion.refresh_from_db()
    assert (conversion.status, conversion.output) == ("cancelled", "")
    assert set(conversion.steps.exclude(status=Step.Status.DONE).values_list("status", flat=True)) == {"cancelled"}


def test_exports_that_wait_or_run_go_with_it_and_can_be_asked_for_again(ready: Conversion, cast: Cast) -> None:
    for output_format in ("mp3_44100_128", "wav_48000", "opus_48000_64"):
        actions.export(ready, cast.alice, output_format)
        if output_format == "mp3_44100_128":
            work_all()
    running = claim(Lane.CPU)
    actions.delete(ready, cast.alice)
    assert [export.output_format for export in ready.exports.all()] == ["mp3_44100_128"]
    work(running)
    assert work_all() == 0
    assert ready.events.last().kind == Event.Kind.DELETED
    assert actions.export(ready, cast.alice, "wav_48000") is None
    actions.restore(ready, cast.alice)
    assert actions.export(ready, cast.alice, "wav_48000") is not None
    assert work_all() == 1
    assert ready.exports.count() == 2


def test_retry_leaves_what_is_deleted_alone(submit: Submit, scripted: ScriptedEndpoint, cast: Cast) -> None:
    scripted.script(Behaviour(status=400))
    conversion = submit()
    work_all()
    actions.delete(conversion, cast.alice)
    assert not actions.retry(conversion, cast.alice)
    assert work_all() == 0
    actions.restore(conversion, cast.alice)
    assert actions.retry(conversion, cast.alice)


def test_housekeeping_keeps_its_files_and_misses_none(ready: Conversion, cast: Cast) -> None:
    actions.delete(ready, cast.alice)
    assert housekeeping.delete_orphans(NOW) == 0
    assert durable.exists(ready.output)
    durable.delete(ready.pk, [durable.name_of(ready.output)])
    assert housekeeping.look_into_folders(NOW).missing == 0
    actions.restore(ready, cast.alice)
    assert housekeeping.look_into_folders(NOW).missing == 1


def test_only_who_may_delete_it_finds_it_among_the_deleted(submit: Submit, cast: Cast) -> None:
    of_alice, of_bob, alone = submit(cast.alice), submit(cast.bob), submit(cast.bob)
    Conversion.objects.filter(pk=of_alice.pk).update(title="Alice’s")
    Conversion.objects.filter(pk=of_bob.pk).update(title="Bob’s")
    Conversion.objects.filter(pk=alone.pk).update(title="Bob’s alone", only_me=True)
    for conversion, user in ((of_alice, cast.alice), (of_bob, cast.bob), (alone, cast.bob)):
        actions.delete(conversion, user)
    assert set(titles(cast.alice, state="deleted")) == {"Alice’s", "Bob’s"}
    assert set(titles(cast.bob, state="deleted")) == {"Bob’s", "Bob’s alone"}
    assert titles(cast.victor, state="deleted") == titles(cast.mallory, state="deleted") == []
    for user in (cast.victor, cast.bob):
        with pytest.raises(PermissionDenied):
            actions.restore(of_alice, user)


def test_the_history_says_what_was_deleted_and_offers_to_undo_it(ready: Conversion, cast: Cast) -> None:
    client = client_of(cast.alice)
    answer = client.post(f"/conversions/{ready.pk}/delete/")
    assert answer.status_code == 303
    page = client.get(answer["Location"]).content.decode()
    assert f"“<bdi>{ready.title}</bdi>” was deleted." in page
    assert f'action="/conversions/{ready.pk}/restore/"' in page
    assert f'action="/conversions/{ready.pk}/restore/"' in client.get("/history/?state=deleted").content.decode()
    assert ready.title not in client_of(cast.victor).get(answer["Location"]).content.decode()
    back = client.post(f"/conversions/{ready.pk}/restore/")
    assert f"“{ready.title}” is back." in client.get(back["Location"]).content.decode()
    assert "was deleted" not in client.get(answer["Location"]).content.decode()


def test_a_list_keeps_its_search_when_something_in_it_is_deleted_or_brought_back(
    submit: Submit, cast: Cast, voice: Voice
) -> None:
    client, one = client_of(cast.alice), submit()
    before = f"{one.created_at.timestamp() + 5:.6f}_{one.pk.hex}"
    search = {"q": one.title, "voice": str(voice.pk), "before": before}

    def sent_by(page: str, form: str) -> str:
        found = re.search(rf'<form method="post" {form}.*?name="history" value="([^"]*)"', page, re.DOTALL)
        assert found
        return unescape(found.group(1))

    page = client.get("/history/", search).content.decode()
    answer = client.post(f"/conversions/{one.pk}/delete/", {"history": sent_by(page, 'id="deleting"')})
    assert parse_qsl(urlsplit(answer["Location"]).query) == [
        *search.items(),
        ("deleted", str(one.pk)),
        ("listed", "on"),
    ]
    page = client.get(answer["Location"]).content.decode()
    assert f'name="q" value="{one.title}"' in page
    undo = sent_by(page, f'action="/conversions/{one.pk}/restore/"')
    answer = client.post(f"/conversions/{one.pk}/restore/", {"history": undo})
    assert parse_qsl(urlsplit(answer["Location"]).query) == [*search.items()]
    assert f"“{one.title}” is back." in client.get(answer["Location"]).content.decode()
    actions.delete(one, cast.alice)
    page = client.get("/history/?state=deleted").content.decode()
    back = sent_by(page, f'action="/conversions/{one.pk}/restore/"')
    assert client.post(f"/conversions/{one.pk}/restore/", {"history": back})["Location"] == "/history/?state=deleted"


@pytest.mark.parametrize("given", ["//evil.example.com/", "q=x&next=/admin/&before=y", "%00", "deleted=x&listed=on"])
def test_a_list_leads_back_to_the_history_alone(given: str, ready: Conversion, cast: Cast) -> None:
    client = client_of(cast.alice)
    for verb in ("delete", "restore"):
        address = urlsplit(client.post(f"/conversions/{ready.pk}/{verb}/", {"history": given})["Location"])
        assert (address.netloc, address.path) == ("", "/history/")
        assert {name for name, _ in parse_qsl(address.query)} <= {"q", "before", "deleted", "listed"}
        assert client.get(address.geturl()).status_code == 200


def test_the_history_offers_it_for_each_row_that_one_may_change(
    submit: Submit, cast: Cast, django_assert_num_queries
) -> None:
    rows = {submit(user).pk: user for user in (cast.alice, cast.bob, cast.bob)}
    for user, theirs in ((cast.alice, set(rows)), (cast.bob, {pk for pk in rows if rows[pk] == cast.bob})):
        page = client_of(user).get("/history/").content.decode()
        assert {pk for pk in rows if f'formaction="/conversions/{pk}/delete/"' in page} == theirs
        assert page.count('id="deleting"') == 1
    assert "/delete/" not in client_of(cast.victor).get("/history/").content.decode()
    actions.delete(Conversion.objects.first(), cast.alice)
    assert "/delete/" not in client_of(cast.alice).get("/history/?state=deleted").content.decode()
    client = client_of(cast.bob)
    client.get("/history/")
    with CaptureQueriesContext(connection) as few:
        client.get("/history/")
    for _ in range(3):
        submit(cast.bob)
    with django_assert_num_queries(len(few)):
        client.get("/history/")


@pytest.mark.parametrize("given", ["x", "00000000-0000-4000-8000-000000000000", "1"])
def test_a_note_about_something_else_is_not_shown(given: str, ready: Conversion, cast: Cast) -> None:
    page = client_of(cast.alice).get(f"/history/?deleted={given}")
    assert page.status_code == 200
    assert "was deleted" not in page.content.decode()


def test_the_admin_still_purges_at_once(ready: Conversion, cast: Cast) -> None:
    actions.delete(ready, cast.alice)
    ready.refresh_from_db()
    actions.purge(ready, cast.alice)
    assert not Conversion.objects.exists()
    assert list(inventory.stored_conversions()) == []
