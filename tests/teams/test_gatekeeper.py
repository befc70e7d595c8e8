"""The gatekeeper: roles, teams, and that other teams' objects don't exist."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404

from teams.gatekeeper import current_team, get_or_404, may, may_change, reachable, require, require_change
from teams.models import Membership, Role, User
from teams.roles import May
from tests.support.cast import Cast, make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def test_roles_allow_what_their_names_say(cast: Cast) -> None:
    assert [may(user, May.VIEW) for user in (cast.alice, cast.bob, cast.victor)] == [True, True, True]
    assert [may(user, May.CONVERT) for user in (cast.alice, cast.bob, cast.victor)] == [True, True, False]
    assert [may(user, May.CHANGE_ANY) for user in (cast.alice, cast.bob, cast.victor)] == [True, False, False]
    assert [may(user, May.SHARE) for user in (cast.alice, cast.bob, cast.victor)] == [True, True, False]


def test_a_role_counts_in_its_own_team_only(cast: Cast) -> None:
    assert not may(cast.mallory, May.VIEW, cast.team.pk)
    with pytest.raises(PermissionDenied):
        require(cast.mallory, May.CONVERT, cast.team.pk)


def test_members_change_their_own_and_admins_change_all(cast: Cast) -> None:
    team = cast.team.pk
    assert may_change(cast.bob, team_id=team, created_by_id=cast.bob.pk)
    assert not may_change(cast.bob, team_id=team, created_by_id=cast.alice.pk)
    assert may_change(cast.alice, team_id=team, created_by_id=cast.bob.pk)
    assert not may_change(cast.mallory, team_id=team, created_by_id=cast.mallory.pk)
    assert not may_change(cast.victor, team_id=team, created_by_id=cast.victor.pk)


def test_a_superuser_may_change_from_the_admin_site(cast: Cast) -> None:
    admin = User.objects.create_superuser("root@example.com", "password")
    require_change(admin, team_id=cast.team.pk, created_by_id=cast.bob.pk)
    with pytest.raises(PermissionDenied):
        require_change(cast.victor, team_id=cast.team.pk, created_by_id=None)


def test_strangers_reach_nothing(cast: Cast) -> None:
    stranger = AnonymousUser()
    assert current_team(stranger) is None
    assert not may(stranger, May.VIEW)
    assert not reachable(stranger, Membership.objects.all()).exists()
    with pytest.raises(Http404):
        get_or_404(stranger, Membership.objects.all(), pk=1)


def test_what_belongs_to_others_cannot_be_told_from_what_does_not_exist(cast: Cast) -> None:
    own = Membership.objects.get(user=cast.alice)
    assert get_or_404(cast.bob, Membership.objects.all(), pk=own.pk) == own
    for lookup in ({"pk": Membership.objects.get(user=cast.mallory).pk}, {"pk": 10**9}, {"pk": "x"}):
        with pytest.raises(Http404):
            get_or_404(cast.alice, Membership.objects.all(), **lookup)


def test_a_team_is_asked_for_once_a_request(cast: Cast, django_assert_num_queries) -> None:
    alice = User.objects.get(pk=cast.alice.pk)
    with django_assert_num_queries(1):
        current_team(alice)
        may(alice, May.CONVERT)
        list(reachable(alice, Membership.objects.none()))


def test_a_second_team_does_not_change_where_one_works(cast: Cast) -> None:
    Membership.objects.create(team=cast.other_team, user=cast.bob, role=Role.OWNER)
    assert current_team(User.objects.get(pk=cast.bob.pk)) == cast.team
