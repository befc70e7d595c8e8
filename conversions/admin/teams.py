"""Teams in the admin site, with what deleting one means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.contrib import admin
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from conversions import actions
from conversions.ledger import sums, usage
from conversions.templatetags.recordings import spoken
from teams.admin import TeamAdmin
from teams.asking import Question, counted, names_of, title_of
from teams.models import Team, User

if TYPE_CHECKING:
    from django.contrib.admin.options import _FieldOpts, _FieldsetSpec


class TeamsAdmin(TeamAdmin):
    readonly_fields = [*TeamAdmin.readonly_fields, "used_minutes", "used_storage", "used_credits"]

    def get_fieldsets(self, request: HttpRequest, obj: Team | None = None) -> _FieldsetSpec:
        used: tuple[str, _FieldOpts] = (
            _("Used"),
            {"fields": ["used_minutes", "used_credits", "used_storage", "created_at"]},
        )
        return [*super().get_fieldsets(request, obj), used] if obj else super().get_fieldsets(request, obj)

    @admin.display(description=gettext_lazy("this month"))
    def used_minutes(self, team: Team) -> str:
        used = sums.used_this_month(team)
        words = ngettext("%(count)d call, %(length)s", "%(count)d calls, %(length)s", used.called)
        return words % {"count": used.called, "length": spoken(used.seconds)} if used.called else _("nothing")

    @admin.display(description=gettext_lazy("credits this month"))
    def used_credits(self, team: Team) -> str:
        used = sums.used_this_month(team)
        perhaps = _(", and perhaps about %s more") % sums.credits_words(used.perhaps) if used.perhaps else ""
        return sums.credits_words(used.credits) + perhaps

    @admin.display(description=gettext_lazy("storage"))
    def used_storage(self, team: Team) -> str:
        return filesizeformat(usage.kept_bytes(team))

    def has_delete_permission(self, request: HttpRequest, obj: Team | None = None) -> bool:
        return request.user.is_superuser

    def before_deleting(self, rows: Sequence[Team], user: User) -> Question:
        count, held = len(rows), actions.held_by(rows)
        return Question(
            title=title_of(rows, _("Delete the team %s?"), ngettext_lazy("Delete %d team?", "Delete %d teams?")),
            said={
                _("Meant"): names_of(rows) if count > 1 else [],
                _("What goes"): [*_goes(held), _("This can’t be undone.")],
                _("What stays"): _stays(held),
                _("Instead"): [
                    _(
                        "To keep what was made and let nobody add to it, set its minutes a month to 0. To lock its "
                        "people out, deactivate them."
                    )
                ],
            },
            button=_("Delete with all recordings"),
            keep=ngettext("Keep this team", "Keep them", count),
        )

    def delete_row(self, row: Team, user: User) -> bool:
        actions.disband(row, user)
        return True


def _goes(held: actions.Held) -> list[str]:
    recordings = ngettext(
        "%(count)d recording with its results, also what only its person can see: %(size)s.",
        "%(count)d recordings with their results, also what only their people can see: %(size)s.",
        held.recordings,
    )
    unfinished = ngettext_lazy(
        "%d of them is not finished: its work is stopped. What an endpoint has begun may be billed.",
        "%d of them are not finished: their work is stopped. What an endpoint has begun may be billed.",
    )
    return [
        _("Its name, its limits, and who was in it."),
        *([recordings % {"count": held.recordings, "size": filesizeformat(held.size)}] if held.recordings else []),
        *counted(unfinished, held.unfinished),
        *counted(
            ngettext_lazy(
                "%d voice of its own, also at its endpoint.", "%d voices of its own, also at their endpoints."
            ),
            held.voices,
        ),
        *counted(ngettext_lazy("%d preset.", "%d presets."), held.presets),
    ]


def _stays(held: actions.Held) -> list[str]:
    people = ngettext_lazy("%d person keeps the sign-in.", "%d people keep their sign-ins.")
    teamless = ngettext_lazy(
        "%d of them is in no other team, and can convert nothing until somebody adds them to one.",
        "%d of them are in no other team, and can convert nothing until somebody adds them to one.",
    )
    calls = ngettext_lazy(
        "%d call stays in the ledger, without the team’s name.",
        "%d calls stay in the ledger, without the team’s name.",
    )
    lines = [*counted(people, held.people), *counted(teamless, held.teamless), *counted(calls, held.calls)]
    return lines or [_("Nothing: nobody is in it, and it has used nothing.")]
