"""The pages of the team: who is in it, who is invited, who goes and what becomes of what they made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversions import actions
from conversions.models import Call, Conversion, Preset
from conversions.upkeep import retention
from teams.actions import invite
from teams.models import AuditEntry, Invitation, Membership, Role, User
from tests.conversions.conftest import Submit, client_of
from tests.support.cast import Cast
from tests.support.smtp import Mailbox, running_smtp

pytestmark = pytest.mark.django_db
TEAM = "/team/"


@pytest.fixture
def alice(cast: Cast) -> Client:
    return client_of(cast.alice)


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    with running_smtp() as mailbox:
        settings.EMAIL_URL = mailbox.url
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", mailbox.port
        yield mailbox


def page(client: Client, address: str = TEAM) -> str:
    return " ".join(client.get(address).content.decode().split())


def of(user: User) -> Membership:
    return Membership.objects.get(user=user)


def test_everybody_sees_who_is_in_it_and_what_each_converted(cast: Cast, ready: Conversion) -> None:
    Call.objects.update(seconds=150.0, user=cast.bob.pk)
    for who in (cast.alice, cast.bob, cast.victor):
        shown = page(client_of(who))
        for words in ("Harbour Radio", "Alice", "bob@example.com", "Victor", "Owner", "Viewer", "2 min", "Last seen"):
            assert words in shown, words
        assert "Mallory" not in shown
        assert ("Invite somebody" in shown) is (who == cast.alice)
        assert shown.count("/team/members/") == (3 if who == cast.alice else 0)


def test_its_questions_are_as_many_with_ten_people(cast: Cast, alice: Client) -> None:
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            alice.get(TEAM)
        return len(asked)

    few = count()
    for number in range(10):
        person = User.objects.create_user(f"p{number}@example.com", "x")
        Membership.objects.create(team=cast.team, user=person, role=Role.MEMBER)
        invite(cast.alice, cast.team, role=Role.MEMBER)
    assert count() == few


def test_a_link_is_made_shown_and_revoked(cast: Cast, alice: Client) -> None:
    answer = alice.post("/team/invitations/", {"role": "viewer", "days": "1", "email": ""})
    made = Invitation.objects.get()
    assert answer["Location"] == f"/team/#invitation-{made.pk}"
    link = re.search(r'value="http://testserver(/join/[^"]+)"', page(alice))
    assert link
    assert "Join Harbour Radio" in page(Client(), link[1])
    assert "/join/" not in page(client_of(cast.bob))
    alice.post(f"/team/invitations/{made.pk}/revoke/")
    assert "/join/" not in page(alice)
    assert Client().get(link[1]).status_code == 410
    assert [*AuditEntry.objects.order_by("pk").values_list("action", flat=True)] == ["invite", "revoke"]


def test_an_admin_does_not_see_the_link_of_an_owner(cast: Cast) -> None:
    invite(cast.alice, cast.team, role=Role.OWNER)
    Membership.objects.filter(user=cast.bob).update(role=Role.ADMIN)
    assert "/join/" not in page(client_of(cast.bob))
    answer = client_of(cast.bob).post("/team/invitations/", {"role": "owner", "days": "7"})
    assert answer.status_code == 422
    assert Invitation.objects.count() == 1


def test_the_link_is_sent_where_there_is_e_mail(alice: Client, mailbox: Mailbox, settings: Any) -> None:
    settings.SITE_ORIGIN = "https://timbre.example.com"
    alice.post("/team/invitations/", {"role": "member", "days": "7", "email": "Nina@example.com"})
    assert mailbox.subjects == ["Alice invites you to “Harbour Radio”"]
    message = mailbox.messages[0]
    assert message["To"] == "nina@example.com"
    sent = re.search(r"https://timbre\.example\.com(/join/\S+)", str(message.get_content()))
    assert sent
    assert Client().get(sent[1]).status_code == 200
    assert "on its way to nina@example.com" in page(alice)


@pytest.mark.parametrize("how", ["refuses", "away"])
def test_a_mail_server_that_takes_nothing_is_said_and_the_link_is_there(
    alice: Client, mailbox: Mailbox, settings: Any, how: str
) -> None:
    if how == "refuses":
        mailbox.refuse = "550 no such person"
    else:
        settings.EMAIL_PORT = 1
    alice.post("/team/invitations/", {"role": "member", "days": "7", "email": "nina@example.com"})
    shown = page(alice)
    assert "could not be sent" in shown
    assert "/join/" in shown


def test_a_role_is_changed_and_ownership_handed_over(cast: Cast, alice: Client) -> None:
    bob = f"/team/members/{of(cast.bob).pk}/"
    assert "Hand over ownership" in page(alice, bob)
    assert alice.post(bob, {"role": "viewer"}).status_code == 303
    assert of(cast.bob).role == Role.VIEWER
    assert alice.post(bob, {"role": "king"}).status_code == 422
    alone = alice.post(f"/team/members/{of(cast.alice).pk}/", {"role": "member"})
    assert alone.status_code == 422
    assert "A team needs an owner." in alone.content.decode()
    alice.post(f"{bob}hand-over/")
    assert (of(cast.bob).role, of(cast.alice).role) == (Role.OWNER, Role.ADMIN)


def test_who_may_not_is_refused_and_another_team_is_not_there(cast: Cast) -> None:
    member, theirs = of(cast.bob).pk, of(cast.mallory).pk
    for address in (f"/team/members/{member}/", f"/team/members/{member}/remove/"):
        assert client_of(cast.victor).get(address).status_code == 403
        assert client_of(cast.mallory).get(address).status_code == 404
    for address in (
        f"/team/members/{theirs}/",
        f"/team/members/{theirs}/hand-over/",
        f"/team/members/{theirs}/remove/",
    ):
        assert client_of(cast.alice).post(address, {"role": "viewer"}).status_code == 404
    assert client_of(cast.bob).post("/team/invitations/", {"role": "viewer", "days": "7"}).status_code == 403


# ---- who goes ----


@pytest.fixture
def left(cast: Cast, submit: Submit) -> dict[str, Conversion]:
    """Bob's: for all, for himself, and of which nothing is to be kept."""
    made = {"shared": submit(cast.bob), "hidden": submit(cast.bob), "traceless": submit(cast.bob, enable_logging=False)}
    Conversion.objects.filter(pk=made["hidden"].pk).update(only_me=True)
    Preset.objects.create(team=cast.team, created_by=cast.bob, name="Mine")
    Preset.objects.create(team=cast.team, created_by=cast.bob, name="Ours", shared=True)
    Preset.objects.create(team=cast.other_team, created_by=cast.bob, name="Elsewhere")
    return made


def test_what_follows_is_said_before(cast: Cast, alice: Client, left: dict[str, Conversion]) -> None:
    asked = page(alice, f"/team/members/{of(cast.bob).pk}/remove/")
    for words in (
        "Remove Bob?",
        "1 recording stays with the team",
        "1 of them is not finished yet; it will be.",
        "1 recording of which nothing is to be kept, or that was only tried, is erased.",
        "1 recording that only they can see",
        "Hand it over to me",
    ):
        assert words in asked, words
    assert alice.post(f"/team/members/{of(cast.bob).pk}/remove/").status_code == 422  # nothing was chosen
    assert of(cast.bob)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("by", ["an owner", "himself"])
@pytest.mark.parametrize("how", ["handed over", "erased"])
def test_who_goes_leaves_what_was_the_teams(
    cast: Cast, alice: Client, left: dict[str, Conversion], how: str, by: str
) -> None:
    client, address = alice, f"/team/members/{of(cast.bob).pk}/remove/"
    if by == "himself":
        client, address = client_of(cast.bob), "/team/leave/"
    choice = str(cast.alice.pk) if how == "handed over" else "erase"
    assert client.post(address, {"hidden": choice}).status_code == 303
    assert not Membership.objects.filter(user=cast.bob).exists()
    kept = {row.pk: row.created_by for row in Conversion.objects.select_related("created_by")}
    handed = {left["hidden"].pk: cast.alice} if how == "handed over" else {}
    assert kept == {left["shared"].pk: cast.bob} | handed
    assert {*Preset.objects.values_list("name", flat=True)} == {"Ours", "Elsewhere"}
    assert (alice.get(f"/conversions/{left['hidden'].pk}/").status_code == 200) is (how == "handed over")
    assert client_of(cast.bob).get(f"/conversions/{left['shared'].pk}/").status_code == 404
    lines = AuditEntry.objects.order_by("pk").values_list("action", "about_name")
    gone = ("remove" if by == "an owner" else "leave", "Bob")
    assert [*lines] == [gone, *([("hand over recordings", "Alice")] if handed else [])]


@pytest.mark.django_db(transaction=True)
def test_who_falls_over_in_between_leaves_it_to_the_sweep(
    cast: Cast, left: dict[str, Conversion], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("conversions.actions.part._erase", lambda *_rows: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            actions.remove_member(cast.alice, of(cast.bob), None)
    assert not Membership.objects.filter(user=cast.bob).exists()
    assert Conversion.objects.count() == 3
    assert retention.erase_deleted() == 2
    assert [row.pk for row in Conversion.objects.all()] == [left["shared"].pk]


def test_only_who_runs_the_team_takes_it_on(cast: Cast, left: dict[str, Conversion]) -> None:
    for nobody in (cast.victor, cast.mallory, cast.bob):
        with pytest.raises(ValueError):
            actions.remove_member(cast.alice, of(cast.bob), nobody)
    assert of(cast.bob)


def test_the_last_owner_is_told_why_not(cast: Cast, alice: Client) -> None:
    answer = alice.post("/team/leave/")
    assert answer.status_code == 422
    assert "Make somebody else an owner first." in answer.content.decode()
