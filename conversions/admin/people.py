"""Deleting people in the admin site: what stays and what goes is said before, in words with counts."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy

from conversions import actions
from teams.admin import UserAdmin
from teams.asking import Question, counted, names_of, title_of
from teams.models import User


class PeopleAdmin(UserAdmin):
    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return request.user.is_superuser

    def before_deleting(self, rows: Sequence[User], user: User) -> Question:
        count = len(rows)
        if any(person.pk == user.pk for person in rows):
            why = [_("Nobody would be left to say what becomes of your work. Another superuser can delete you.")]
            others = [_("Take yourself out of the selection.")] if count > 1 else []
            said = {_("Why not"): why, _("Instead"): others}
            return Question(_("You can’t delete yourself"), said, keep=_("Back"), destroys=False)
        left = actions.left_by(rows)
        return Question(
            title=title_of(rows, _("Delete %s?"), ngettext_lazy("Delete %d person?", "Delete %d people?")),
            said={
                _("Meant"): names_of(rows) if count > 1 else [],
                _("What goes"): [
                    _("The sign-in, favourites, memberships, own presets, and what this site’s log says of them."),
                    *_erased(left),
                    _("This can’t be undone."),
                ],
                _("What stays"): [
                    *_stays(left),
                    _("What was used stays in the ledger, without a name."),
                ],
                _("Instead"): [
                    _(
                        "To lock somebody out and keep everything as it is, take back “Active”: they are signed out at "
                        "once, and can be let in again."
                    )
                ],
            },
            button=_("Delete for good"),
            keep=ngettext("Keep this person", "Keep them", count),
        )

    def delete_rows(self, request: HttpRequest, rows: Sequence[User]) -> None:
        if request.user in rows:
            raise PermissionDenied
        super().delete_rows(request, rows)

    def delete_row(self, row: User, user: User) -> bool:
        actions.part_with(row, user)
        return True


def _stays(left: actions.Left) -> list[str]:
    lines = [
        *counted(
            ngettext_lazy(
                "%d recording stays with the team, without a name; owners and admins of the team can change it.",
                "%d recordings stay with the team, without a name; owners and admins of the team can change them.",
            ),
            left.stays,
        ),
        *counted(
            ngettext_lazy(
                "%d of them is not finished yet; it will be.", "%d of them are not finished yet; they will be."
            ),
            left.unfinished,
        ),
        *counted(
            ngettext_lazy(
                "%d voice that they made stays with the team, with their name: they said that it may be used.",
                "%d voices that they made stay with the team, with their name: they said that these may be used.",
            ),
            left.voices,
        ),
    ]
    return lines or [_("There are no recordings of theirs that a team could see.")]


def _erased(left: actions.Left) -> list[str]:
    words = ngettext_lazy(
        "%d recording that only they can see is erased now, with its result.",
        "%d recordings that only they can see are erased now, with their results.",
    )
    return counted(words, left.erased)
