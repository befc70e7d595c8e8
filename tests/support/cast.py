"""The cast of the tests: Alice owns the team, Bob is a member, Victor only views, Mallory is from another team."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.hashers import make_password

from teams.models import Membership, Role, Team, User


@dataclass
class Cast:
    team: Team
    alice: User
    bob: User
    victor: User
    other_team: Team
    mallory: User


def make_cast() -> Cast:
    """In one statement for each kind: hundreds of tests begin with it."""
    team, other = Team.objects.bulk_create([Team(name="Harbour Radio"), Team(name="Mallory's team")])
    password = make_password("password")
    alice, bob, victor, mallory = people = User.objects.bulk_create(
        User(email=f"{name.lower()}@example.com", password=password, name=name)
        for name in ("Alice", "Bob", "Victor", "Mallory")
    )
    belongs = (team, Role.OWNER), (team, Role.MEMBER), (team, Role.VIEWER), (other, Role.OWNER)
    Membership.objects.bulk_create(
        Membership(team=of, user=user, role=role) for user, (of, role) in zip(people, belongs, strict=True)
    )
    return Cast(team=team, alice=alice, bob=bob, victor=victor, other_team=other, mallory=mallory)
