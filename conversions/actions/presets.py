"""Presets of a team: who saved one changes it, and admins and owners those that are shared."""

from __future__ import annotations

from collections.abc import Mapping

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from conversions.models import DefaultPreset, Preset
from teams.gatekeeper import may, require
from teams.models import Team, User
from teams.roles import May


class NameTakenError(Exception):
    """Another preset of the same person has this name."""


def save_preset(actor: User, team: Team, name: str, options: Mapping[str, object], *, shared: bool) -> Preset:
    """One's own preset of the same name is replaced. Raises PermissionDenied for those who may not convert."""
    require(actor, May.CONVERT, team.pk)
    preset, _made = Preset.objects.update_or_create(
        team=team, created_by=actor, name=name, defaults={"options": options, "shared": shared}
    )
    return preset


def may_change_preset(user: User, preset: Preset) -> bool:
    if preset.created_by_id == user.pk:
        return may(user, May.CONVERT, preset.team_id)
    return preset.shared and may(user, May.CHANGE_ANY, preset.team_id)


def change_preset(user: User, preset: Preset, *, name: str, shared: bool) -> None:
    """Raises PermissionDenied, and NameTakenError."""
    _require_change(user, preset)
    try:
        with transaction.atomic():
            Preset.objects.filter(pk=preset.pk).update(name=name, shared=shared)
    except IntegrityError as error:
        raise NameTakenError from error


def delete_preset(user: User, preset: Preset) -> None:
    _require_change(user, preset)
    with transaction.atomic():
        DefaultPreset.objects.filter(team=preset.team_id, key=preset.key).delete()
        preset.delete()


def _require_change(user: User, preset: Preset) -> None:
    if not may_change_preset(user, preset):
        raise PermissionDenied


def set_default_preset(actor: User, team: Team, key: str) -> None:
    """What the actor's Studio begins with; an empty key: with nothing chosen."""
    require(actor, May.VIEW, team.pk)
    if not key:
        DefaultPreset.objects.filter(user=actor, team=team).delete()
    else:
        DefaultPreset.objects.update_or_create(user=actor, team=team, defaults={"key": key})
