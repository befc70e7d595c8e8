"""Every verb in every role, with one's own, a colleague's and another team's things: docs/roles.md is what holds.

A verb that stands in neither of the two tables below fails. What comes after the permission (a limit, a state) isn't
asked here: whoever is let through may well be told so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction

from conversions import actions
from conversions.models import Comment, Conversion, Enrolment, Preset, Recording, Share
from s2s.contract import ConvertParameters
from teams import actions as of_teams
from teams.models import Invitation, Membership, Role, Team, User
from teams.roles import May, allows
from tests.conversions.conftest import Submit, upload
from tests.support.cast import Cast
from voices.models import Voice

pytestmark = pytest.mark.django_db

OWN, COLLEAGUES, FOREIGN = "own", "a colleague's", "another team's"
CHANGE, MADE = "change", "change, or made it once, in whatever role"
NOBODY, ANYBODY = "nobody in a role", "anybody"


@dataclass(frozen=True)
class Things:
    """What is there of one of the three: made by oneself or others, in one's team or another."""

    team: Team
    conversion: Conversion
    recording: Recording
    enrolment: Enrolment
    preset: Preset
    share: Share
    comment: Comment
    invitation: Invitation
    membership: Membership  # of a colleague who views
    voice: Voice


Verb = Callable[[User, Things], object]
ORDER = actions.Order(ConvertParameters(output_format="wav_16000"))


def sending(verb: Callable[[User, Things, Any], object]) -> Verb:
    def send(actor: User, its: Things) -> object:
        file = upload()
        try:
            return verb(actor, its, file)
        finally:
            file.close()

    return send


def voice_order(its: Things) -> actions.VoiceOrder:
    return actions.VoiceOrder("Mine", its.voice.endpoint, may_use=True, accepts_slot=True, once=uuid4())


VERBS: dict[str, tuple[May | str, Verb]] = {
    "require_welcome": (May.CONVERT, lambda by, its: actions.require_welcome(by, its.team, 1)),
    "submit": (May.CONVERT, sending(lambda by, its, file: actions.submit(by, its.team, file, its.voice, ORDER))),
    "submit_all": (
        May.CONVERT,
        sending(lambda by, its, file: actions.submit_all(by, its.team, [file], [its.voice], ORDER)),
    ),
    "audition": (
        May.CONVERT,
        sending(lambda by, its, file: actions.audition(by, its.team, file, [its.voice], ORDER)),
    ),
    "listen": (May.CONVERT, lambda by, its: actions.listen(its.recording, by, [its.voice], None)),
    "keep": (May.CONVERT, sending(lambda by, its, file: actions.keep(by, its.team, file, ORDER))),
    "enrol": (May.CONVERT, sending(lambda by, its, file: actions.enrol(by, its.team, file, voice_order(its)))),
    "diarize": (May.CONVERT, lambda by, its: actions.diarize(its.conversion, by)),
    "save_preset": (May.CONVERT, lambda by, its: actions.save_preset(by, its.team, "Another", {}, shared=False)),
    "set_default_preset": (May.VIEW, lambda by, its: actions.set_default_preset(by, its.team, its.preset.key)),
    "export": (May.EXPORT, lambda by, its: actions.export(its.conversion, by, "mp3_44100_128")),
    "order": (CHANGE, lambda by, its: actions.order(its.conversion, by, its.voice, ORDER)),
    "cancel": (CHANGE, lambda by, its: actions.cancel(its.conversion, by)),
    "retry": (CHANGE, lambda by, its: actions.retry(its.conversion, by)),
    "redo": (CHANGE, lambda by, its: actions.redo(its.conversion, by, 1)),
    "cancel_redo": (CHANGE, lambda by, its: actions.cancel_redo(its.conversion, by, 1)),
    "rename": (CHANGE, lambda by, its: actions.rename(its.conversion, by, "Another title")),
    "delete": (CHANGE, lambda by, its: actions.delete(its.conversion, by)),
    "restore": (CHANGE, lambda by, its: actions.restore(its.conversion, by)),
    "purge": (CHANGE, lambda by, its: actions.purge(its.conversion, by)),
    "rename_voice": (CHANGE, lambda by, its: actions.rename_voice(its.enrolment, by, "Another name")),
    "retry_voice": (CHANGE, lambda by, its: actions.retry_voice(its.enrolment, by)),
    "delete_voice": (CHANGE, lambda by, its: actions.delete_voice(its.enrolment, by)),
    "change_preset": (CHANGE, lambda by, its: actions.change_preset(by, its.preset, name="X", shared=True)),
    "delete_preset": (CHANGE, lambda by, its: actions.delete_preset(by, its.preset)),
    "share": (May.SHARE, lambda by, its: actions.share(its.conversion, by, actions.ShareOrder())),
    "revoke": (MADE, lambda by, its: actions.revoke(its.share, by)),
    "delete_comment": (CHANGE, lambda by, its: actions.delete_comment(its.comment, by)),
    "remove_member": (May.REMOVE, lambda by, its: actions.remove_member(by, its.membership, None)),
    "leave_team": (May.VIEW, lambda by, its: actions.leave_team(by, its.team, None)),
    "part_with": (NOBODY, lambda by, its: actions.part_with(its.membership.user, by)),
    "disband": (NOBODY, lambda by, its: actions.disband(its.team, by)),
    "unplug": (NOBODY, lambda by, its: actions.unplug(its.voice.endpoint, by)),
    "teams.invite": (May.INVITE, lambda by, its: of_teams.invite(by, its.team, role=Role.VIEWER)),
    "teams.revoke": (May.INVITE, lambda by, its: of_teams.revoke(by, its.invitation)),
    "teams.change_role": (May.CHANGE_ROLES, lambda by, its: of_teams.change_role(by, its.membership, Role.MEMBER)),
    "teams.expel": (May.REMOVE, lambda by, its: of_teams.expel(by, its.membership)),
    "teams.leave": (May.VIEW, lambda by, its: of_teams.leave(by, its.team)),
    "teams.hand_over": (May.HAND_OVER, lambda by, its: of_teams.hand_over(by, its.membership)),
    "teams.accept": (ANYBODY, lambda by, its: of_teams.accept(by, its.invitation)),
}
# They answer, or do by the product's own right what no person asks for.
NO_VERBS = {
    *("comment", "erase", "fitting", "forget", "forget_export", "held_by", "known_of", "left_by", "may_be_shared"),
    *("may_change_preset", "may_revoke", "not_installed_words", "note_opened", "ordered_of", "regions_of"),
    *("teams.heirs", "teams.open_invitations", "teams.welcome"),
}


def is_allowed(rule: May | str, role: Role, whose: str) -> bool:
    if rule == ANYBODY:
        return True
    if whose == FOREIGN or rule == NOBODY:
        return False
    if rule in (CHANGE, MADE):
        return allows(role, May.CHANGE_ANY) or (whose == OWN and (rule == MADE or allows(role, May.CHANGE_OWN)))
    assert isinstance(rule, May)
    return allows(role, rule)


@pytest.fixture
def actor(cast: Cast) -> User:
    """Is given each role in turn."""
    person = User.objects.create_user("nina@example.com", "password", name="Nina")
    Membership.objects.create(team=cast.team, user=person, role=Role.OWNER)
    return person


@pytest.fixture
def things(cast: Cast, actor: User, submit: Submit, voice: Voice) -> dict[str, Things]:
    vera = User.objects.create_user("vera@example.com", "password", name="Vera")
    theirs = Membership.objects.create(team=cast.other_team, user=vera, role=Role.VIEWER)
    ours = Membership.objects.get(user=cast.victor)

    def made_by(person: User, team: Team, owner: User, membership: Membership) -> Things:
        conversion = submit(owner)
        Conversion.objects.filter(pk=conversion.pk).update(created_by=person)
        conversion.refresh_from_db()
        recording = sending(lambda by, its, file: actions.audition(by, team, file, [voice], ORDER))(owner, None)  # type: ignore[arg-type]
        assert isinstance(recording, Recording)
        Recording.objects.filter(pk=recording.pk).update(created_by=person)
        recording.refresh_from_db()
        share = Share.objects.create(team=team, conversion=conversion, created_by=person)
        return Things(
            team,
            conversion,
            recording,
            Enrolment.objects.create(team=team, created_by=person, name="Voice", endpoint=voice.endpoint),
            Preset.objects.create(team=team, created_by=person, name="Radio", shared=True),
            share,
            Comment.objects.create(conversion=conversion, share=share, name="Ann", text="Good."),
            of_teams.invite(owner, team, role=Role.VIEWER),
            membership,
            voice,
        )

    return {
        OWN: made_by(actor, cast.team, cast.alice, ours),
        COLLEAGUES: made_by(cast.bob, cast.team, cast.alice, ours),
        FOREIGN: made_by(cast.mallory, cast.other_team, cast.mallory, theirs),
    }


@contextlib.contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def is_refused(verb: Verb, actor: User, its: Things) -> bool:
    """Nothing of it is left."""
    with undone():
        try:
            with transaction.atomic():
                verb(actor, its)
        except PermissionDenied:
            return True
        except (actions.RefusedError, of_teams.LastOwnerError, of_teams.InvitedError):
            return False
    return False


@pytest.mark.one_database
@pytest.mark.parametrize("role", list(Role))
def test_each_verb_is_for_whom_the_table_says(role: Role, actor: User, things: dict[str, Things]) -> None:
    Membership.objects.filter(user=actor).update(role=role)
    wrong = []
    for name, (rule, verb) in VERBS.items():
        for whose, its in things.items():
            asks = User.objects.get(pk=actor.pk)  # a person of another request, who remembers nothing
            if is_refused(verb, asks, its) is is_allowed(rule, role, whose):
                wrong.append(f"{name}, {whose}, as {role}")
    assert wrong == []


def test_no_verb_is_left_out() -> None:
    found = {
        prefix + name
        for prefix, room in (("", actions), ("teams.", of_teams))
        for name in room.__all__
        if name[0].islower() and callable(getattr(room, name))
    }
    assert found == VERBS.keys() | NO_VERBS
    assert not VERBS.keys() & NO_VERBS
