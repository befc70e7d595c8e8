"""Endpoints in the admin site, with what deleting one means."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy

from conversions import actions
from teams.asking import Question, names_of, title_of
from teams.models import User
from voices.admin import EndpointAdmin
from voices.models import Endpoint


class EndpointsAdmin(EndpointAdmin):
    def has_delete_permission(self, request: HttpRequest, obj: Endpoint | None = None) -> bool:
        return request.user.is_superuser

    def before_deleting(self, rows: Sequence[Endpoint], user: User) -> Question:
        known = {row.pk: actions.known_of([row]) for row in rows}
        free = [row for row in rows if not known[row.pk].is_named]
        kept = [row for row in rows if known[row.pk].is_named]
        if not free:
            return _can_not(kept)
        goes = actions.known_of(free)
        return Question(
            title=title_of(free, _("Delete %s?"), ngettext_lazy("Delete %d endpoint?", "Delete %d endpoints?")),
            said={
                _("Meant"): names_of(free) if len(free) > 1 else [],
                _("What goes"): [*_voices(goes), _("This can’t be undone.")],
                _("What stays"): [
                    _("No recording was ever sent to it.")
                    if len(free) == 1
                    else _("No recording was ever sent to them."),
                    _("Its key stays in the environment."),
                    *_waiting(goes),
                    *_named(kept),
                ],
                _("What comes back"): _made_again(free),
                _("Instead"): [_switched_off()],
            },
            button=_("Delete for good"),
            keep=_("Keep it") if len(rows) == 1 else _("Keep them"),
        )

    def delete_rows(self, request: HttpRequest, rows: Sequence[Endpoint]) -> None:
        super().delete_rows(request, rows)
        for kept in Endpoint.objects.filter(pk__in=[row.pk for row in rows]):
            words = _("%s was kept: recordings or the ledger name it. Switch it off instead.") % kept
            self.message_user(request, words, messages.WARNING)

    def delete_row(self, row: Endpoint, user: User) -> bool:
        return actions.unplug(row, user)


def _can_not(rows: Sequence[Endpoint]) -> Question:
    title = _("%s can’t be deleted") % rows[0] if len(rows) == 1 else _("These endpoints can’t be deleted")
    if not any(row.enabled for row in rows):
        said = {
            _("Why not"): _named(rows),
            _("How it is"): [_("It is switched off already: its voices are not offered.")],
        }
        return Question(title, said, keep=_("Back"), destroys=False)
    return Question(
        title=title,
        said={_("Why not"): _named(rows), _("Instead"): [_switched_off()]},
        button=_("Switch it off") if len(rows) == 1 else _("Switch them off"),
        action="switch_off",
        destroys=False,
        keep=_("Leave it as it is") if len(rows) == 1 else _("Leave them as they are"),
    )


def _named(rows: Sequence[Endpoint]) -> list[str]:
    lines = []
    for row in rows:
        known = actions.known_of([row])
        recordings = ngettext("%d recording", "%d recordings", known.conversions) % known.conversions
        calls = ngettext("%d call", "%d calls", known.calls) % known.calls
        values = {"endpoint": row, "recordings": recordings, "calls": calls}
        lines.append(_("%(endpoint)s stays: %(recordings)s and %(calls)s of the ledger name it.") % values)
        if known.own_voices:
            words = ngettext("%d voice of a team is there.", "%d voices of teams are there.", known.own_voices)
            lines.append(words % known.own_voices)
    return lines


def _waiting(known: actions.Known) -> list[str]:
    if not known.unordered:
        return []
    words = ngettext(
        "%d recording that nobody has converted yet: its parts get voices of another endpoint.",
        "%d recordings that nobody has converted yet: their parts get voices of another endpoint.",
        known.unordered,
    )
    return [words % known.unordered]


def _voices(known: actions.Known) -> list[str]:
    lines = [_("Its address and settings here.")]
    if known.voices:
        lines.append(ngettext("%d voice.", "%d voices.", known.voices) % known.voices)
    if known.favourites:
        words = ngettext("A person’s favourite among them.", "%d favourites of people among them.", known.favourites)
        lines.append(words % known.favourites if known.favourites > 1 else words)
    return lines


def _made_again(rows: Sequence[Endpoint]) -> list[str]:
    lines = []
    for row in rows:
        if row.key == Endpoint.LOCAL:
            lines.append(_("%s is made anew, with its first settings, when Timbre starts again.") % row)
        elif row.key == Endpoint.ELEVENLABS:
            words = _("%s is made anew, with its first settings, when Timbre starts again with ELEVENLABS_API_KEY set.")
            lines.append(words % row)
    return lines


def _switched_off() -> str:
    return _("Switched off, an endpoint’s voices are no longer offered; what was sent before is still converted.")
