"""What destroys something or costs money in the admin site is asked before; what was confirmed is done, and no more."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from conversions import actions
from conversions.files import inventory
from conversions.models import Call, Conversion, Step
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep.worker import work
from teams import asking
from teams.models import User
from tests.conversions.conftest import Submit, client_of, work_all
from tests.support.asked import ask, ask_of_all, ask_to_delete, choose
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "conversions/conversion"


@pytest.fixture
def failed(submit: Submit, scripted: ScriptedEndpoint) -> Conversion:
    scripted.script(Behaviour(status=400))
    conversion = submit()
    work_all()
    conversion.refresh_from_db()
    return conversion


def ids() -> set[object]:
    return set(Conversion.objects.values_list("pk", flat=True))


# ---- purging ----


@pytest.mark.parametrize("alone", [False, True])
def test_purge_says_what_goes_and_what_stays_and_erases_only_then(
    admin: Client, ready: Conversion, cast: Cast, alone: bool
) -> None:
    asked = ask_to_delete(admin, LIST, ready) if alone else ask(admin, LIST, "purge", ready)
    assert "<h1>Purge 1 recording?</h1>" in asked.words
    assert ready.title in asked.words
    assert "1 recording with all of its files: " in asked.words
    assert "1 of them is ready: its result goes too." in asked.words
    assert "What was used stays in the ledger" in asked.words
    assert 'value="Purge for good"' in asked.words
    assert ids() == {ready.pk}
    assert inventory.sizes(ready.pk)
    assert "1 conversion was purged." in asked.confirm()
    assert ids() == set()
    assert not inventory.sizes(ready.pk)
    assert Call.objects.count() == 1


def test_an_answer_that_nobody_was_asked_for_erases_nothing(admin: Client, ready: Conversion) -> None:
    admin.post(f"/admin/{LIST}/{ready.pk}/delete/", {"post": "yes"})
    choose(admin, LIST, "purge", ready)
    assert ids() == {ready.pk}


def test_what_is_not_finished_is_said_to_be_stopped(admin: Client, submit: Submit, ready: Conversion) -> None:
    Endpoint.objects.update(billed=True)
    waiting, running = submit(), submit()
    work(claim(Lane.CPU))
    work(claim(Lane.CPU))
    assert claim(Lane.CALLS)
    step = Step.objects.get(status=Step.Status.RUNNING)
    Call.objects.create(
        conversion=step.conversion, step=step, endpoint=ready.endpoint, team=ready.team, attempt=1,
        token=step.lease_token, seconds=1,
    )  # fmt: skip
    asked = ask(admin, LIST, "purge", waiting, running, ready)
    assert "2 are not finished: their work is stopped." in asked.words
    assert "1 is being converted just now, which may be billed all the same." in asked.words
    assert 'value="Purge all 3 for good"' in asked.words


def test_all_across_pages_are_those_of_the_filter_and_of_that_moment(
    admin: Client, failed: Conversion, submit: Submit, scripted: ScriptedEndpoint
) -> None:
    scripted.script(Behaviour(status=400))
    submit()
    work_all()
    waiting = submit()
    query = "?status__exact=failed"
    asked = ask_of_all(admin, LIST, "purge", [failed], query)
    assert "Purge 2 recordings?" in asked.words
    scripted.script(Behaviour(status=400))
    work_all()
    waiting.refresh_from_db()
    assert waiting.status == "failed"
    assert "2 conversions were purged." in asked.confirm()
    assert ids() == {waiting.pk}


@pytest.mark.parametrize("query", ["", "?status__exact=failed"])
def test_what_has_changed_since_the_question_is_left_alone_and_said(
    admin: Client, failed: Conversion, submit: Submit, cast: Cast, scripted: ScriptedEndpoint, query: str
) -> None:
    scripted.script(Behaviour(status=400))
    second = submit()
    work_all()
    asked = ask(admin, LIST, "purge", failed, second, query=query)
    actions.retry(failed, cast.alice)
    work_all()
    said = asked.confirm()
    assert "1 has changed since you were asked, or is gone, and was left alone." in said
    assert "1 conversion was purged." in said
    assert list(Conversion.objects.values_list("pk", "status")) == [(failed.pk, "ready")]


def test_what_changes_in_the_last_moment_is_left_alone_too(failed: Conversion, cast: Cast) -> None:
    as_it_was = Conversion.objects.get(pk=failed.pk)
    actions.retry(failed, cast.alice)
    assert not actions.purge(as_it_was, cast.alice)
    assert ids() == {failed.pk}


def test_work_that_has_only_gone_on_is_still_meant(admin: Client, submit: Submit) -> None:
    asked = ask(admin, LIST, "purge", submit())
    work(claim(Lane.CPU))
    assert "1 conversion was purged." in asked.confirm()


def test_a_second_press_does_no_harm(admin: Client, ready: Conversion) -> None:
    asked = ask(admin, LIST, "purge", ready)
    asked.confirm()
    assert "1 has changed since you were asked, or is gone" in asked.confirm()


def test_more_than_one_answer_can_do_are_said_to_be_more(
    admin: Client, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MOST", 2)
    made = [submit() for _ in range(3)]
    asked = ask_of_all(admin, LIST, "purge", made)
    assert "There are more than 2. The first 2 of the list are meant; come back for the others." in asked.words
    asked.confirm()
    assert ids() == {made[0].pk}


@pytest.mark.parametrize("confirmed", ["x", "1=failed", "a=b=c", f"{'0' * 32}", "=", " ".join(["x"] * 1001)])
def test_a_form_that_is_not_ours_is_refused(admin: Client, ready: Conversion, confirmed: str) -> None:
    form = {"action": "purge", "_selected_action": str(ready.pk), "select_across": "1", "confirmed": confirmed}
    assert admin.post(f"/admin/{LIST}/", form).status_code in (302, 400)
    assert admin.post(f"/admin/{LIST}/{ready.pk}/delete/", form).status_code in (302, 400)
    assert ids() == {ready.pk}


def test_a_page_of_somebody_else_can_not_answer(admin: Client, ready: Conversion) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = admin.cookies
    form = ask_to_delete(admin, LIST, ready).form
    assert strict.post(f"/admin/{LIST}/{ready.pk}/delete/", {"confirmed": form["confirmed"]}).status_code == 403
    assert ids() == {ready.pk}


def test_nothing_keeps_the_name_of_what_was_purged(admin: Client, ready: Conversion) -> None:
    ask_to_delete(admin, LIST, ready).confirm()
    assert not LogEntry.objects.exists()


# ---- cancelling and retrying ----


def test_cancel_says_that_it_can_not_go_on(admin: Client, submit: Submit, ready: Conversion) -> None:
    waiting = submit()
    asked = ask(admin, LIST, "cancel", waiting, ready)
    assert "Cancel 1 recording?" in asked.words
    assert "to be converted it has to be sent again" in asked.words
    assert "1 is finished already: nothing happens to it." in asked.words
    waiting.refresh_from_db()
    assert not waiting.finished
    asked.confirm()
    waiting.refresh_from_db()
    assert waiting.status == Conversion.Status.CANCELLED


def test_a_retry_that_costs_credits_says_how_many_first(admin: Client, failed: Conversion, ready: Conversion) -> None:
    Endpoint.objects.update(billed=True, credits_per_minute=1000)
    Conversion.objects.filter(pk=failed.pk).update(error_code="unclear", source_duration_s=90.0)
    asked = ask(admin, LIST, "retry", failed, ready)
    assert "Retry 1 recording, which costs credits?" in asked.words
    assert "At Testers, for 1: about 1,500 credits." in asked.words
    assert "1 of them was called for before and may have been paid: it is paid again." in asked.words
    assert "1 more costs nothing, or hasn’t failed." in asked.words
    failed.refresh_from_db()
    assert failed.status == "failed"
    asked.confirm()
    failed.refresh_from_db()
    assert failed.status == "waiting"


def test_a_retry_of_what_is_converted_already_costs_nothing_and_asks_nothing(admin: Client, ready: Conversion) -> None:
    Endpoint.objects.update(billed=True, credits_per_minute=1000)
    Conversion.objects.update(status="failed", error_code="disk_full")
    assert "1 recording is tried again." in choose(admin, LIST, "retry", ready).content.decode()


# ---- who may ----


@pytest.mark.parametrize("action", ["purge", "delete_selected"])
def test_who_may_only_look_is_offered_nothing_that_destroys(
    admin: Client, cast: Cast, ready: Conversion, action: str
) -> None:
    from django.contrib.auth.models import Permission

    User.objects.filter(pk=cast.bob.pk).update(is_staff=True)
    cast.bob.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    bob = client_of(User.objects.get(pk=cast.bob.pk))
    assert 'value="purge"' not in bob.get(f"/admin/{LIST}/").content.decode()
    form = ask(admin, LIST, "purge", ready).form
    bob.post(f"/admin/{LIST}/", form)
    assert bob.post(f"/admin/{LIST}/{ready.pk}/delete/", form).status_code == 403
    assert ids() == {ready.pk}
