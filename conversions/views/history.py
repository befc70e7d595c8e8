"""History: what the team has made."""

from __future__ import annotations

from typing import cast
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from conversions.access.reach import deleted
from conversions.forms.studio import HistoryForm
from conversions.pages.history import Filters, page_of, voices_heard
from conversions.views.requests import HtmxHttpRequest
from teams.gatekeeper import may_change


class _Asked(Filters, total=False):
    """What an address of the history says."""

    deleted: UUID  # just now, from here perhaps
    listed: bool


@require_safe
@vary_on_headers("HX-Request")  # one address, two answers: Back must not show the rows alone
def history(request: HtmxHttpRequest) -> HttpResponse:
    form, filters = _read(request.GET)
    just_deleted, deleted_here = filters.pop("deleted", None), filters.pop("listed", False)
    page = page_of(request.user, filters)
    kept = {name: value for name, value in filters.items() if name != "before"}
    context = {
        "form": form,
        "page": page,
        "may_delete": {
            row.pk
            for row in page.conversions
            if row.deleted_at is None and may_change(request.user, team_id=row.team_id, created_by_id=row.created_by_id)
        },
        "filters": kept,
        "filtered": bool(kept),
        "first_page": "before" not in filters,
        "just_deleted": deleted(request.user).filter(pk=just_deleted).first() if just_deleted else None,
        "voices": voices_heard(request.user).order_by("name"),
        "deleted_here": deleted_here,
        "here": urlencode(filters),
        "query": urlencode(kept),
        "older_query": urlencode({**kept, "before": page.older}) if page.older else "",
    }
    rows_only = request.htmx and not request.htmx.boosted
    return render(request, "conversions/history_rows.html" if rows_only else "conversions/history.html", context)


def _read(query: QueryDict) -> tuple[HistoryForm, _Asked]:
    form = HistoryForm(query)
    form.is_valid()  # what isn't valid is left out of cleaned_data, so it doesn't filter
    return form, cast(_Asked, {name: value for name, value in form.cleaned_data.items() if value})


def address_of(query: str, **more: object) -> str:
    """The page of the history that `query` is of, as a form of it sent it: its filters and no more."""
    _form, filters = _read(QueryDict(query))
    kept = {name: value for name, value in filters.items() if name not in ("deleted", "listed")} | more
    return f"{reverse('conversions:history')}?{urlencode(kept)}" if kept else reverse("conversions:history")
