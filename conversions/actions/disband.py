"""A team is deleted for good, with all that it has made. Its people stay, and what it used stays in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from conversions.actions.delete import erase, forget
from conversions.actions.enrol import remove_voices_of
from conversions.actions.part import delete_row
from conversions.ledger.usage import STORED
from conversions.models import Call, Conversion, Enrolment, Export, Preset, Recording
from teams.models import Membership, Team, User


@dataclass(frozen=True, slots=True)
class Held:
    """What teams have: recordings, how many of those aren't finished, the bytes of all files, voices of their own,
    presets, people, how many of those are in no other team, and calls in the ledger."""

    recordings: int
    unfinished: int
    size: int
    voices: int
    presets: int
    people: int
    teamless: int
    calls: int


def held_by(teams: Sequence[Team]) -> Held:
    """Eight queries. What only one person can see is counted too, and what is tried out is one recording."""
    made = Conversion.objects.filter(team__in=teams).order_by()
    counts = made.aggregate(
        recordings=Count("pk", filter=Q(audition_of=None)),
        unfinished=Count("pk", filter=Q(audition_of=None, status__in=Conversion.UNFINISHED)),
        size=Sum(STORED, default=0),
    )
    tried = Recording.objects.filter(team__in=teams).aggregate(count=Count("pk"), size=Sum("size", default=0))
    voices = Enrolment.objects.filter(team__in=teams)
    given = voices.aggregate(count=Count("pk"), size=Sum("sample_bytes", default=0))
    exported = Export.objects.filter(conversion__team__in=teams).aggregate(size=Sum("size", default=0))["size"]
    people = User.objects.filter(memberships__team__in=teams).distinct()
    return Held(
        recordings=counts["recordings"] + tried["count"],
        unfinished=counts["unfinished"],
        size=counts["size"] + tried["size"] + exported + given["size"],
        voices=given["count"],
        presets=Preset.objects.filter(team__in=teams).count(),
        people=people.count(),
        teamless=_without(people, teams).count(),
        calls=Call.objects.filter(team__in=teams).count(),
    )


def _without(people: QuerySet[User], teams: Sequence[Team]) -> QuerySet[User]:
    others = Membership.objects.filter(user=OuterRef("pk")).exclude(team__in=teams)
    return people.filter(~Exists(others))


def disband(team: Team, by: User) -> None:
    """What is under way for it is stopped. Interrupted, it can be done again. Raises PermissionDenied."""
    if not by.is_superuser:
        raise PermissionDenied
    Membership.objects.filter(team=team).delete()  # from now on nobody can send anything
    for recording in Recording.objects.filter(team=team):
        forget(recording)
    remove_voices_of(team)
    for conversion in Conversion.objects.filter(team=team).order_by().only("pk"):
        erase(conversion)
    delete_row(team)
