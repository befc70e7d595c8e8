"""People in the admin site: added, looked after, and told what would keep them from working."""

from __future__ import annotations

import html

import pytest
from django.test import Client

from teams.models import Membership, Team, User

pytestmark = pytest.mark.django_db
ADD = "/admin/teams/user/add/"
WHO = {"email": "new@example.com", "name": "Nele", "password1": "harbour lights", "password2": "harbour lights"}
NO_TEAMS = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com", "password"))
    return client


def words_of(client: Client, address: str, form: dict[str, str] | None = None) -> str:
    answer = client.get(address) if form is None else client.post(address, form, follow=True)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def test_who_is_added_to_a_team_can_sign_in_and_work(admin: Client) -> None:
    team = Team.objects.create(name="Harbour Radio")
    one = {"memberships-TOTAL_FORMS": "1", "memberships-0-team": str(team.pk), "memberships-0-role": "member"}
    assert "is in no team" not in words_of(admin, ADD, WHO | NO_TEAMS | one)
    assert Membership.objects.get(user__email="new@example.com").team == team
    assert Client().login(email="new@example.com", password="harbour lights")


def test_who_is_in_no_team_is_said_to_be_in_none(admin: Client) -> None:
    assert "Nele is in no team, and can convert nothing until you add one under Memberships." in words_of(
        admin, ADD, WHO | NO_TEAMS
    )


def test_the_password_pages_name_no_other_way_to_sign_in(admin: Client) -> None:
    person = User.objects.create_user("new@example.com", "password")
    for address in (ADD, f"/admin/teams/user/{person.pk}/password/"):
        page = words_of(admin, address)
        assert "LDAP" not in page
        assert "edit more user options" not in page
    assert "they can’t sign in until a new password is set" in page


def test_without_a_password_nobody_is_added(admin: Client) -> None:
    words_of(admin, ADD, {**WHO, **NO_TEAMS, "password1": "", "password2": ""})
    assert not User.objects.filter(email="new@example.com").exists()
