"""People are deactivated or deleted; what they had sent is converted all the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test import Client
from redis import Redis

from conversions import actions
from conversions.files import inventory
from conversions.ledger import sums
from conversions.models import Call, Conversion, Preset, Recording, Step
from conversions.queue import fairness
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep import retention
from conversions.upkeep.worker import work
from s2s.contract import ConvertParameters
from teams.models import Membership, Role, Session, User
from teams.quotas import month_start
from tests.conversions.conftest import Submit, client_of, upload, work_all
from tests.support.asked import ask, ask_to_delete
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.product import wait_for
from tests.support.worker import Worker
from voices.models import Endpoint, Favourite, Voice

pytestmark = pytest.mark.django_db(transaction=True)


def delete_in_admin(admin: Client, *people: User) -> str:
    """Returns what was asked before."""
    if len(people) == 1:
        asked = ask_to_delete(admin, "teams/user", people[0])
    else:
        asked = ask(admin, "teams/user", "delete_selected", *people)
    asked.confirm()
    assert not User.objects.filter(pk__in=[person.pk for person in people]).exists()
    return asked.words


def deactivate_in_admin(admin: Client, person: User) -> None:
    chosen = {"action": "deactivate", "_selected_action": [person.pk]}
    assert admin.post("/admin/teams/user/", chosen).status_code == 302


def delete_the_row(_admin: Client, person: User) -> None:
    """As a script or another part of the product may."""
    person.delete()


WAYS = [delete_in_admin, deactivate_in_admin, delete_the_row]


@pytest.mark.timeout(180)
def test_what_they_had_sent_is_converted_by_the_workers(
    admin: Client,
    cast: Cast,
    submit: Submit,
    scripted: ScriptedEndpoint,
    redis_url: str,
    tmp_path: Path,
) -> None:
    """One is under way, others wait for a slot or to be read. The workers meet those who go one after the other."""
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
    Endpoint.objects.update(slots=1)
    ready = Conversion.objects.filter(status=Conversion.Status.READY)
    with Worker("cpu", redis_url, tmp_path), Worker("calls", redis_url, tmp_path):
        for number, go in enumerate(WAYS, 1):
            scripted.script(Behaviour(hold=True))
            person = User.objects.create_user(f"{go.__name__}@example.com", "password")
            Membership.objects.create(team=cast.team, user=person, role=Role.MEMBER)
            theirs = person.pk
            for _ in range(3):
                submit(person)
            wait_for(lambda: scripted.held == 1, "one is under way", 30)
            go(admin, person)
            scripted.release()
            submit(cast.alice)  # its bell wakes whoever sleeps
            wait_for(lambda number=number: ready.count() == 4 * number, f"all are ready: {go.__name__}", 60)
            assert scripted.billed == 4 * number
            assert Call.objects.filter(outcome=Call.Outcome.ANSWERED, user=theirs).count() == 3, go.__name__


def test_what_waits_in_the_line_of_who_is_gone_has_its_turn(
    cast: Cast, submit: Submit, endpoint: Endpoint, admin: Client
) -> None:
    theirs, mine = submit(cast.bob), submit(cast.alice)
    for _ in range(2):
        work(claim(Lane.CPU))
    bob = cast.bob.pk
    delete_in_admin(admin, cast.bob)
    assert {head.user_id for head in fairness.heads(endpoint.pk)} == {bob, cast.alice.pk}
    work_all()
    assert set(Conversion.objects.values_list("pk", "status")) == {(theirs.pk, "ready"), (mine.pk, "ready")}


def test_it_is_said_before_what_stays_and_what_goes(
    cast: Cast, submit: Submit, ready: Conversion, admin: Client, voice: Voice
) -> None:
    Conversion.objects.filter(pk=ready.pk).update(created_by=cast.bob)
    submit(cast.bob)
    hidden = [submit(cast.bob), submit(cast.bob, enable_logging=False)]
    Conversion.objects.filter(pk=hidden[0].pk).update(only_me=True)
    Preset.objects.create(team=cast.team, created_by=cast.bob, name="Mine")
    shared = Preset.objects.create(team=cast.team, created_by=cast.bob, name="Ours", shared=True)
    Favourite.objects.create(user=cast.bob, voice=voice)
    said = delete_in_admin(admin, cast.bob)
    assert "2 recordings stay with the team" in said
    assert "1 of them is not finished yet; it will be." in said
    assert "2 recordings that only they can see are erased now" in said
    assert set(Conversion.objects.values_list("created_by", flat=True)) == {None}
    assert Conversion.objects.count() == 2
    assert not any(inventory.sizes(each.pk) for each in hidden)
    assert list(Preset.objects.all()) == [shared]
    page = client_of(cast.alice).get(f"/conversions/{ready.pk}/").content.decode()
    assert "None" not in page


def test_what_they_tried_out_goes_with_its_files(
    cast: Cast, voice: Voice, admin: Client, scripted: ScriptedEndpoint
) -> None:
    file = upload()
    recording = actions.audition(
        cast.bob, cast.team, file, [voice], actions.Order(ConvertParameters(output_format="wav_16000"))
    )
    file.close()
    assert Recording.objects.count() == 1
    delete_in_admin(admin, cast.bob)
    assert (Recording.objects.count(), Conversion.objects.count(), Step.objects.count()) == (0, 0, 0)
    assert not inventory.sizes(recording.pk)


def test_several_can_go_at_once_but_nobody_deletes_themselves(admin: Client, root: User, cast: Cast) -> None:
    delete_in_admin(admin, cast.bob, cast.victor)
    alone = ask_to_delete(admin, "teams/user", root)
    assert "You can’t delete yourself" in alone.words
    assert 'value="Delete for good"' not in alone.words
    assert admin.post(f"/admin/teams/user/{root.pk}/delete/", alone.form).status_code == 403
    refused = ask(admin, "teams/user", "delete_selected", root, cast.alice)
    assert "Take yourself out of the selection." in refused.words
    assert "submit" not in refused.words[refused.words.index("Why not") :].partition("</form>")[0]
    assert admin.post("/admin/teams/user/", {**refused.form, "action": "delete_selected"}).status_code == 403
    with pytest.raises(PermissionDenied):
        actions.part_with(cast.alice, cast.alice)
    assert User.objects.count() == 3


def test_their_team_can_change_what_stays(
    cast: Cast, submit: Submit, admin: Client, scripted: ScriptedEndpoint
) -> None:
    scripted.script(Behaviour(status=400))
    failed = submit(cast.bob)
    work_all()
    delete_in_admin(admin, cast.bob)
    failed.refresh_from_db()
    assert actions.retry(failed, cast.alice)
    work_all()
    failed.refresh_from_db()
    assert failed.status == Conversion.Status.READY
    assert actions.delete(failed, cast.alice)


def test_the_ledger_keeps_their_calls_without_a_name(cast: Cast, ready: Conversion, admin: Client) -> None:
    end = Call.objects.get().sent_at.replace(year=Call.objects.get().sent_at.year + 1)
    delete_in_admin(admin, cast.alice)
    (line,) = sums.month(month_start(), end)
    assert (line.user, line.used.called) == ("(deleted)", 1)
    assert admin.get("/admin/conversions/call/").status_code == 200


def test_what_nobody_can_reach_any_more_is_erased(cast: Cast, submit: Submit) -> None:
    """Where the row of a person was deleted by something else than the admin site."""
    hidden, zero, stays = submit(cast.bob), submit(cast.bob, enable_logging=False), submit(cast.bob)
    Conversion.objects.filter(pk=hidden.pk).update(only_me=True)
    cast.bob.delete()
    assert retention.erase_unreachable() == 2
    assert list(Conversion.objects.all()) == [stays]
    assert not inventory.sizes(hidden.pk) | inventory.sizes(zero.pk)


def test_the_database_refuses_what_would_leave_a_recording_without_its_person(cast: Cast, ready: Conversion) -> None:
    cast.alice.memberships.all().delete()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM teams_user WHERE id = %s", [cast.alice.pk])
    assert Conversion.objects.get(pk=ready.pk).created_by == cast.alice


@pytest.mark.parametrize("by_form", [False, True])
def test_who_is_deactivated_is_signed_out_and_stays_so(admin: Client, cast: Cast, by_form: bool) -> None:
    browser = client_of(cast.bob)
    assert browser.get("/history/").status_code == 200
    if by_form:
        page = admin.get(f"/admin/teams/user/{cast.bob.pk}/change/")
        form = page.context["adminform"].form
        values = {name: form.initial.get(name) or "" for name in form.fields if name != "is_active"}
        inline = {f"memberships-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
        assert admin.post(f"/admin/teams/user/{cast.bob.pk}/change/", values | inline).status_code == 302
    else:
        deactivate_in_admin(admin, cast.bob)
    assert not Session.objects.filter(user=cast.bob).exists()
    User.objects.filter(pk=cast.bob.pk).update(is_active=True)
    assert browser.get("/history/").status_code == 302
    assert isinstance(browser.get("/accounts/login/").wsgi_request.user, AnonymousUser)
    assert cast.bob.memberships.exists()


def test_nobody_deactivates_themselves(admin: Client, root: User) -> None:
    deactivate_in_admin(admin, root)
    assert User.objects.get(pk=root.pk).is_active
