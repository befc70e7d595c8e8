"""The cast of the tests: Alice owns the team, Bob is a member, Victor only views, Mallory is from another team."""

from __future__ import annotations

from dataclasses import dataclass

from teams.models import Membership, Role, Team, User


@dataclass
class Cast:
    team: Team
    alice: User
    bob: User
    victor: User
    other_team: Team
    mallory: User


def _person(name: str, team: Team, role: Role) -> User:
    user = User.objects.create_user(f"{name.lower()}@example.com", "password", name=name)
    Membership.objects.create(team=team, user=user, role=role)
    return user


def make_cast() -> Cast:
    team = Team.objects.create(name="Harbour Radio")
    other = Team.objects.create(name="Mallory's team")
    return Cast(
        team=team,
        alice=_person("Alice", team, Role.OWNER),
        bob=_person("Bob", team, Role.MEMBER),
        victor=_person("Victor", team, Role.VIEWER),
        other_team=other,
        mallory=_person("Mallory", other, Role.OWNER),
    )
