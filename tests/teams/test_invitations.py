"""People come in by a link: made of a row and the site's key, used once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.test import Client, override_settings
from django.utils import timezone

from teams.actions import InvitedError, accept, change_role, invite, open_invitations, revoke
from teams.audit import record
from teams.links import invitation_of, token_of
from teams.models import AuditEntry, Invitation, Membership, Role, User
from tests.support.cast import Cast, make_cast
from tests.support.together import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture(autouse=True)
def _unlimited() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def invitation(cast: Cast) -> Invitation:
    return invite(cast.alice, cast.team, role=Role.MEMBER, email="nina@example.com")


def address(invitation: Invitation) -> str:
    return f"/join/{token_of(invitation)}/"


def browser(user: User | None = None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


NINA = {"name": " Nina\n Nord ", "email": "Nina@Example.com", "password": "three unrelated words"}


def role_of(user: User, cast: Cast) -> str | None:
    return Membership.objects.filter(team=cast.team, user=user).values_list("role", flat=True).first()


def test_somebody_new_makes_an_account_and_is_in_at_once(cast: Cast, invitation: Invitation) -> None:
    nina = browser()
    page = nina.get(address(invitation)).content.decode()
    assert "Join Harbour Radio" in page
    assert "Alice invites you" in page
    assert "as: Member" in page
    assert 'value="nina@example.com"' in page
    answer = nina.post(address(invitation), NINA)
    assert (answer.status_code, answer["Location"]) == (303, "/")
    account = User.objects.get(email="nina@example.com")
    assert (account.name, role_of(account, cast)) == ("Nina Nord", Role.MEMBER)
    assert account.check_password(NINA["password"])
    assert "Welcome to “Harbour Radio”" in nina.get("/history/").content.decode()


def test_somebody_with_an_account_signs_in_and_comes_back(cast: Cast, invitation: Invitation) -> None:
    mallory = browser()
    link = address(invitation)
    way = re.search(r'href="(/accounts/login/\?next=[^"]+)"', mallory.get(link).content.decode())
    assert way
    answer = mallory.post(way[1], {"login": "mallory@example.com", "password": "password", "next": link})
    assert answer["Location"] == link
    assert "You are signed in as Mallory." in mallory.get(link).content.decode()
    assert mallory.post(link).status_code == 303
    assert role_of(cast.mallory, cast) == Role.MEMBER


def test_a_link_works_once(cast: Cast, invitation: Invitation) -> None:
    browser(cast.mallory).post(address(invitation))
    late = browser()
    assert late.get(address(invitation)).status_code == 410
    answer = late.post(address(invitation), NINA)
    assert answer.status_code == 410
    assert "Ask Alice for a new one." in answer.content.decode()
    assert not User.objects.filter(email="nina@example.com").exists()


def test_who_is_in_it_already_uses_nothing_up(cast: Cast, invitation: Invitation) -> None:
    assert "You are in this team already." in browser(cast.bob).get(address(invitation)).content.decode()
    browser(cast.bob).post(address(invitation))
    assert role_of(cast.bob, cast) == Role.MEMBER
    assert open_invitations().filter(pk=invitation.pk).exists()


@pytest.mark.parametrize("change", ["revoked", "late", "maker demoted", "maker switched off", "maker gone"])
def test_what_ends_a_link(cast: Cast, invitation: Invitation, change: str) -> None:
    maker = Membership.objects.filter(user=cast.alice)
    match change:
        case "revoked":
            assert revoke(cast.alice, invitation)
            assert not revoke(cast.alice, invitation)
        case "late":
            Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        case "maker demoted":
            maker.update(role=Role.MEMBER)
        case "maker switched off":
            User.objects.filter(pk=cast.alice.pk).update(is_active=False)
        case "maker gone":
            maker.delete()
    assert browser(cast.mallory).post(address(invitation)).status_code == 410
    assert role_of(cast.mallory, cast) is None


def test_an_admins_link_brings_nobody_who_has_more_to_say(cast: Cast) -> None:
    Membership.objects.filter(user=cast.bob).update(role=Role.ADMIN)
    for role in (Role.OWNER, Role.ADMIN):
        with pytest.raises(PermissionDenied):
            invite(cast.bob, cast.team, role=role)
    by_alice = invite(cast.alice, cast.team, role=Role.OWNER)
    with pytest.raises(PermissionDenied):
        revoke(cast.bob, by_alice)
    # Nor does one that was made as an owner, once its maker is none.
    Membership.objects.create(team=cast.team, user=cast.mallory, role=Role.OWNER)
    change_role(cast.mallory, Membership.objects.get(user=cast.alice), Role.ADMIN)
    with pytest.raises(InvitedError):
        accept(User.objects.create_user("nina@example.com", "x"), by_alice)


def test_no_row_holds_its_link_and_another_key_makes_another(cast: Cast, invitation: Invitation) -> None:
    token = token_of(invitation)
    kept = {str(value) for row in Invitation.objects.values() for value in row.values()}
    secret = token.partition("-")[2]
    assert not [value for value in kept if secret in value]
    assert invitation_of(token) == invitation
    with override_settings(SECRET_KEY="another"):
        assert invitation_of(token) is None
    other = invite(cast.alice, cast.team, role=Role.VIEWER)
    for wrong in (f"{other.pk}-{secret}", f"{invitation.pk}-", f"{invitation.pk}-x", "x-y", "", "٣-x", "9" * 30 + "-x"):
        assert invitation_of(wrong) is None
    Invitation.objects.filter(pk=invitation.pk).update(nonce="another")
    assert invitation_of(token) is None


def test_nobody_keeps_its_page_and_no_other_site_hears_of_it(cast: Cast, invitation: Invitation) -> None:
    for answer in (
        browser().get(address(invitation)),
        browser(cast.bob).get(address(invitation)),
        browser().get("/join/1-x/"),
        browser().post(address(invitation), {}),
    ):
        assert answer["Cache-Control"] == "private, no-store"
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["X-Robots-Tag"] == "noindex, nofollow"


def test_a_wrong_link_says_nothing(cast: Cast) -> None:
    answer = browser().get("/join/1-x/")
    assert answer.status_code == 404
    assert "Harbour" not in answer.content.decode()


def test_an_address_that_has_an_account_is_said_and_uses_nothing_up(cast: Cast, invitation: Invitation) -> None:
    answer = browser().post(address(invitation), {**NINA, "email": "BOB@example.com"})
    assert answer.status_code == 422
    assert "There is an account with this address." in answer.content.decode()
    assert open_invitations().count() == 1


def test_a_password_is_as_good_as_everybodys(cast: Cast, invitation: Invitation) -> None:
    for password, words in (("12345678", "entirely numeric"), ("nina@example.com", "too similar"), ("short", "8")):
        answer = browser().post(address(invitation), {**NINA, "password": password})
        assert answer.status_code == 422
        assert words in answer.content.decode()
    assert not User.objects.filter(email="nina@example.com").exists()


def test_tries_are_as_few_as_with_signing_in(cast: Cast, invitation: Invitation) -> None:
    who = browser()
    answers = [who.get("/join/1-x/").status_code for _ in range(40)]
    assert answers[0] == 404
    assert answers[-1] == 429
    assert who.post(address(invitation), NINA).status_code == 429


@pytest.mark.django_db(transaction=True)
def test_of_two_browsers_with_one_link_one_gets_in(cast: Cast, invitation: Invitation) -> None:
    people = [User.objects.create_user(f"{name}@example.com", "x") for name in ("one", "two")]

    def enter(person: User) -> bool:
        try:
            return accept(person, invitation)
        except InvitedError:
            return False

    assert sorted(at_once(*(lambda person=person: enter(person) for person in people))) == [False, True]
    assert Membership.objects.filter(team=cast.team, user__in=people).count() == 1
    assert AuditEntry.objects.filter(action="join").count() == 1


def test_each_act_leaves_a_line_that_outlives_everybody(cast: Cast, invitation: Invitation) -> None:
    browser(cast.mallory).post(address(invitation))
    team = cast.team.pk
    cast.team.delete()
    for person in (cast.alice, cast.mallory):
        person.delete()
    first, second = AuditEntry.objects.order_by("pk")
    assert (first.action, first.actor_name, first.team_id, first.team_name) == (
        "invite",
        "Alice",
        team,
        "Harbour Radio",
    )
    assert (first.about_kind, first.about_name) == ("invitation", "nina@example.com")
    assert first.details == {"role": "member", "days": 7}
    assert (second.action, second.actor_name, second.details["invited_by"]) == ("join", "Mallory", "Alice")


@pytest.mark.django_db(transaction=True)
def test_a_line_is_written_with_its_act_or_not_at_all(cast: Cast) -> None:
    with pytest.raises(RuntimeError):
        record(cast.alice, cast.team, "nothing")
    with transaction.atomic():
        record(cast.alice, cast.team, "nothing")
        transaction.set_rollback(True)
    assert not AuditEntry.objects.exists()
