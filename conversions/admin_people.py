"""Deleting people in the admin site: what stays and what goes is said before, in words with counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversions import actions
from teams.admin import UserAdmin
from teams.models import User


class PeopleAdmin(UserAdmin):
    delete_confirmation_template = "admin/teams/user/delete_one.html"
    delete_selected_confirmation_template = "admin/teams/user/delete_several.html"

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Of oneself never: nobody would be left to say what becomes of the work."""
        myself = obj is not None and obj.pk == request.user.pk
        return bool(getattr(request.user, "is_superuser", False)) and not myself

    def get_deleted_objects(
        self, objs: QuerySet[User] | Iterable[User], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Django's own would list every recording, and say that all of them go."""
        people = list(objs)
        if any(person.pk == request.user.pk for person in people):
            return [], {}, {_("yourself")}, []
        words = [entry for person in people for entry in (str(person), _left(actions.left_by(person)))]
        return words, {}, set(), []

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        if not isinstance(request.user, User):
            raise PermissionDenied
        actions.part_with(obj, request.user)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for person in queryset:
            self.delete_model(request, person)


def _left(left: actions.Left) -> list[str]:
    """A list below the person's name."""
    lines = []
    if left.stays:
        stays = ngettext(
            "%d recording stays with the team, without a name; owners and admins of the team can change it.",
            "%d recordings stay with the team, without a name; owners and admins of the team can change them.",
            left.stays,
        )
        lines.append(stays % left.stays)
    if left.unfinished:
        unfinished = ngettext(
            "%d of them is not finished yet; it will be.",
            "%d of them are not finished yet; they will be.",
            left.unfinished,
        )
        lines.append(unfinished % left.unfinished)
    if left.erased:
        erased = ngettext(
            "%d recording that only this person can see is erased now, with its result.",
            "%d recordings that only this person can see are erased now, with their results.",
            left.erased,
        )
        lines.append(erased % left.erased)
    return lines or [_("There are no recordings of this person.")]
