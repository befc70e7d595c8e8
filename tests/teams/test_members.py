"""Who is in a team, and as what: a team always has an owner who can sign in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from teams.actions import LastOwnerError, change_role, expel, hand_over, heirs, leave
from teams.models import AuditEntry, Membership, Role, User
from tests.support.cast import Cast, make_cast
from tests.support.together import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def of(user: User) -> Membership:
    return Membership.objects.get(user=user)


def roles(cast: Cast) -> dict[str, str]:
    return dict(Membership.objects.filter(team=cast.team).values_list("user__name", "role"))


def test_the_last_owner_neither_goes_nor_is_demoted(cast: Cast) -> None:
    change_role(cast.alice, of(cast.bob), Role.OWNER)
    User.objects.filter(pk=cast.bob.pk).update(is_active=False)  # who can't sign in doesn't count
    verbs: list[Callable[[], object]] = [
        lambda: leave(cast.alice, cast.team),
        lambda: change_role(cast.alice, of(cast.alice), Role.ADMIN),
    ]
    for verb in verbs:
        with pytest.raises(LastOwnerError):
            verb()
    User.objects.filter(pk=cast.bob.pk).update(is_active=True)
    User.objects.filter(pk=cast.alice.pk).update(is_active=False)
    with pytest.raises(LastOwnerError):
        leave(cast.bob, cast.team)
    expel(cast.bob, of(cast.alice))
    assert roles(cast) == {"Bob": "owner", "Victor": "viewer"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["leave", "demote each other", "remove each other"])
def test_of_two_last_owners_at_once_one_stays(cast: Cast, how: str) -> None:
    Membership.objects.filter(user=cast.bob).update(role=Role.OWNER)
    alice, bob = of(cast.alice), of(cast.bob)
    verbs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "leave": (lambda: leave(cast.alice, cast.team), lambda: leave(cast.bob, cast.team)),
        "demote each other": (
            lambda: change_role(cast.alice, bob, Role.VIEWER),
            lambda: change_role(cast.bob, alice, Role.VIEWER),
        ),
        "remove each other": (lambda: expel(cast.alice, bob), lambda: expel(cast.bob, alice)),
    }

    def attempt(verb: Callable[[], object]) -> bool:
        try:
            verb()
        except (LastOwnerError, PermissionDenied):
            return False
        return True

    first, second = verbs[how]
    assert sorted(at_once(lambda: attempt(first), lambda: attempt(second))) == [False, True]
    assert Membership.objects.filter(team=cast.team, role=Role.OWNER).count() == 1


def test_admins_have_a_say_about_members_and_viewers_alone(cast: Cast) -> None:
    change_role(cast.alice, of(cast.bob), Role.ADMIN)
    change_role(cast.bob, of(cast.victor), Role.MEMBER)
    refused: list[Callable[[], object]] = [
        lambda: change_role(cast.bob, of(cast.victor), Role.ADMIN),
        lambda: change_role(cast.bob, of(cast.bob), Role.OWNER),
        lambda: change_role(cast.bob, of(cast.alice), Role.MEMBER),
        lambda: expel(cast.bob, of(cast.alice)),
        lambda: expel(cast.bob, of(cast.mallory)),
        lambda: hand_over(cast.bob, of(cast.victor)),
    ]
    for verb in refused:
        with pytest.raises(PermissionDenied):
            verb()
    expel(cast.bob, of(cast.victor))
    assert roles(cast) == {"Alice": "owner", "Bob": "admin"}


def test_ownership_is_handed_over_to_who_can_sign_in(cast: Cast) -> None:
    User.objects.filter(pk=cast.victor.pk).update(is_active=False)
    with pytest.raises(PermissionDenied):
        hand_over(cast.alice, of(cast.victor))
    with pytest.raises(PermissionDenied):
        hand_over(cast.alice, of(cast.alice))
    hand_over(cast.alice, of(cast.bob))
    assert roles(cast) == {"Alice": "admin", "Bob": "owner", "Victor": "viewer"}


def test_a_role_that_was_taken_meanwhile_counts_no_more(cast: Cast) -> None:
    """Whatever the request has read before."""
    from teams.gatekeeper import membership

    assert membership(cast.alice)
    Membership.objects.filter(user=cast.alice).update(role=Role.VIEWER)
    with pytest.raises(PermissionDenied):
        expel(cast.alice, of(cast.bob))


def test_heirs_are_owners_and_admins_who_can_sign_in(cast: Cast) -> None:
    assert [*heirs(cast.team, cast.bob)] == [cast.alice]
    Membership.objects.filter(user=cast.victor).update(role=Role.ADMIN)
    assert [*heirs(cast.team, cast.bob)] == [cast.alice, cast.victor]
    User.objects.filter(pk=cast.victor.pk).update(is_active=False)
    assert [*heirs(cast.team, cast.alice)] == []


def test_each_act_leaves_a_line(cast: Cast) -> None:
    change_role(cast.alice, of(cast.victor), Role.MEMBER)
    change_role(cast.alice, of(cast.victor), Role.MEMBER)  # it was
    expel(cast.alice, of(cast.victor))
    hand_over(cast.alice, of(cast.bob))
    leave(cast.alice, cast.team)
    lines = AuditEntry.objects.order_by("pk").values_list("action", "about_name", "details")
    assert [*lines] == [
        ("change role", "Victor", {"before": "viewer", "role": "member"}),
        ("remove", "Victor", {"role": "member"}),
        ("hand over", "Bob", {"before": "member"}),
        ("leave", "Alice", {"role": "admin"}),
    ]


def test_that_somebody_was_here_is_kept_once_an_hour(cast: Cast) -> None:
    bob = Client()
    bob.force_login(cast.bob)
    cast.bob.refresh_from_db()
    assert cast.bob.last_seen is not None
    long_ago, lately = cast.bob.seen_s - 3700, cast.bob.seen_s - 3000
    for before, is_written in ((long_ago, True), (lately, False)):
        User.objects.filter(pk=cast.bob.pk).update(seen_s=before)
        bob.get("/account/")
        cast.bob.refresh_from_db()
        assert (cast.bob.seen_s > before) is is_written
    assert User.objects.get(pk=cast.victor.pk).last_seen is None
