"""The ledger in the admin site: what each person of each team used at each endpoint in a month, also as CSV."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.translation import gettext as _

from conversions.ledger import sums
from conversions.models import Call
from teams.quotas import month_start

# A spreadsheet takes a cell that begins like this for a formula, and people choose their own names
# (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Month:
    """Of the site's time zone; `end` is the first moment after it."""

    start: datetime
    end: datetime

    @classmethod
    def parse(cls, text: str) -> Month:
        """ "2026-11"; this month for anything else."""
        found = re.fullmatch(r"(20\d\d)-(0[1-9]|1[0-2])", text)
        start = _first_of(int(found[1]), int(found[2])) if found else month_start()
        return cls(start, _beside(start, 1))

    def __str__(self) -> str:
        return f"{timezone.localtime(self.start):%Y-%m}"

    @property
    def before(self) -> str:
        return f"{_beside(self.start, -1):%Y-%m}"

    @property
    def after(self) -> str:
        """Empty for this month: nothing was used in the future."""
        return f"{self.end:%Y-%m}" if self.end <= timezone.now() else ""


def _beside(start: datetime, months: int) -> datetime:
    count = start.year * 12 + start.month - 1 + months
    return _first_of(count // 12, count % 12 + 1)


def _first_of(year: int, month: int) -> datetime:
    return datetime(year, month, 1, tzinfo=timezone.get_current_timezone())


class LedgerAdmin(admin.ModelAdmin[Call]):
    """One page, and no way to change anything: the ledger is written by the workers alone. A page for a single call
    would name its recording, which may be one that only its creator sees."""

    def get_urls(self) -> list[URLPattern]:
        return [
            url for url in super().get_urls() if url.name == f"{self.opts.app_label}_{self.opts.model_name}_changelist"
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Call | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Call | None = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Mapping[str, object] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        month = Month.parse(request.GET.get("month", ""))
        lines = sums.month(month.start, month.end)
        if request.GET.get("format") == "csv":
            return _csv(month, lines)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Ledger"),
            "month": month,
            "lines": lines,
            "total": sums.total(lines),
        }
        return TemplateResponse(request, "admin/conversions/call/ledger.html", context)


def _csv(month: Month, lines: Iterable[sums.Spending]) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="ledger-{month}.csv"'
    writer = csv.writer(response)
    writer.writerow(["month", "team", "person", "endpoint", "calls", "minutes", "credits", "credits_perhaps"])
    for line in lines:
        used = line.used
        figures = [used.called, f"{used.seconds / 60:.2f}", f"{used.credits:.2f}", f"{used.perhaps:.2f}"]
        writer.writerow([str(month), *map(_cell, (line.team, line.user, line.endpoint)), *figures])
    return response


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
