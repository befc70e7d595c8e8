"""Conversions in the admin site: what runs, waits and failed, and why."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.formats import number_format
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, ngettext_lazy
from django_stubs_ext import StrPromise

from conversions import actions
from conversions.admin import search
from conversions.admin.inlines import CallInline, EventInline, RegionInline, StepInline
from conversions.admin.questions import before_cancelling, before_purging, before_retrying
from conversions.files import inventory
from conversions.ledger.sums import cost_words, used_by
from conversions.models import Conversion
from conversions.templatetags.options import chosen_words
from conversions.templatetags.recordings import clock
from conversions.words.formats import format_words
from teams.asking import Question, asked_first, counted
from teams.gatekeeper import signed_in
from teams.lists import Lists
from teams.models import User

COUNTED_AT_MOST = 10_000
_UNKNOWN = "–"
logger = logging.getLogger(__name__)


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than anyone pages: counting a million rows costs more than showing them."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        assert isinstance(rows, QuerySet)
        return rows[: COUNTED_AT_MOST + 1].count()


class ConversionAdmin(Lists[Conversion]):
    list_display = ["title", "state", "created_at", "length", "source_size", "voice_name", "created_by", "team"]
    list_filter = ["status", "team"]
    list_select_related = ["team", "created_by", "endpoint"]
    search_fields = ["title", "source_name", "=id"]  # shows the box; `search` is what searches
    search_help_text = search.HELP
    # By anything else a million rows would have to be sorted or counted.
    sortable_by = ["created_at"]
    show_facets = admin.ShowFacets.NEVER
    ordering = ["-created_at", "-pk"]
    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    inlines = [RegionInline, EventInline, CallInline, StepInline]
    actions = ["retry", "cancel", "purge"]
    fieldsets = [
        (
            None,
            {"fields": ["state", "created_by", "team", "seen_by", "created_at", "finished_at", "deleted_at"]},
        ),
        (_("Recording"), {"fields": ["source_name", "length", "source_size", "source_kind"]}),
        (_("Voice and options"), {"fields": ["voice_name", "endpoint", "format", "options", "cost"]}),
        (_("Result"), {"fields": ["output_length", "output_size", "downloaded_at"]}),
        (
            _("Technical details"),
            {
                "classes": ["collapse"],
                "fields": [
                    ("preparing_at", "converting_at", "assembling_at"),
                    "error_code",
                    "loudness",
                    "files_on_disk",
                    "id",
                    "first_take",
                    "batch",
                ],
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversion]:
        # What only its creator sees, an admin doesn't see either: zero retention, "only I can see it", auditions.
        rows = super().get_queryset(request).filter(enable_logging=True, audition_of=None)
        rows = rows.filter(Q(only_me=False) | Q(created_by=request.user.pk))
        return rows.defer("source_peaks", "output_peaks")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Conversion], search_term: str
    ) -> tuple[QuerySet[Conversion], bool]:
        return search.found(queryset, search_term), False

    # ---- in words ----

    @admin.display(description=_("state"))
    def state(self, conversion: Conversion) -> str:
        """And of what failed, why."""
        words = conversion.state_words
        if conversion.deleted_at:
            words = _now("%s, deleted") % words
        return (
            format_html('{}<br><span class="quiet">{}</span>', words, conversion.error) if conversion.error else words
        )

    @admin.display(description=_("length"))
    def length(self, conversion: Conversion) -> str:
        return clock(conversion.source_duration_s)

    @admin.display(description=_("size"))
    def source_size(self, conversion: Conversion) -> str:
        return filesizeformat(conversion.source_bytes)

    @admin.display(description=_("kind"))
    def source_kind(self, conversion: Conversion) -> str:
        rate, channels = conversion.source_rate_hz, conversion.source_channels
        words = [
            conversion.source_container,
            conversion.source_codec,
            f"{rate} Hz" if rate else "",
            ngettext("%d channel", "%d channels", channels) % channels if channels else "",
        ]
        return ", ".join(filter(None, words)) or _UNKNOWN

    @admin.display(description=_("seen by"))
    def seen_by(self, conversion: Conversion) -> str:
        return _now("Only you") if conversion.only_me else _now("Everyone in the team")

    @admin.display(description=_("format"))
    def format(self, conversion: Conversion) -> str:
        return format_words(conversion.output_format)

    @admin.display(description=_("options"))
    def options(self, conversion: Conversion) -> str:
        return "; ".join(f"{label}: {words}" for label, words in chosen_words(conversion)) or _UNKNOWN

    @admin.display(description=_("cost"))
    def cost(self, conversion: Conversion) -> str:
        return cost_words(conversion, used_by(conversion.calls.all())) or _now("nothing")

    @admin.display(description=_("length"))
    def output_length(self, conversion: Conversion) -> str:
        return clock(conversion.output_duration_s)

    @admin.display(description=_("size"))
    def output_size(self, conversion: Conversion) -> str:
        return filesizeformat(conversion.output_bytes) if conversion.output_bytes else _UNKNOWN

    @admin.display(description=_("loudness"))
    def loudness(self, conversion: Conversion) -> str:
        """Of the recording and of the result, once somebody has compared them."""
        known = [lufs for lufs in (conversion.source_lufs, conversion.output_lufs) if lufs is not None]
        return " → ".join(f"{number_format(round(lufs, 1), 1)} LUFS" for lufs in known) or _UNKNOWN

    @admin.display(description=_("files"))
    def files_on_disk(self, conversion: Conversion) -> str:
        try:
            sizes = inventory.sizes(conversion.pk)
        except OSError:
            logger.exception("the files of a conversion can't be listed")
            return _now("The storage doesn’t answer at the moment.")
        return ", ".join(f"{name} ({filesizeformat(size)})" for name, size in sizes.items())

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Conversion | None = None) -> bool:
        return False  # states change by actions alone

    # ---- what can be done: see teams/asking.py ----

    def mark(self, row: Conversion) -> str:
        """What was confirmed of a finished one is not meant of what came of it since."""
        return "deleted" if row.deleted_at else row.status if row.finished else "unfinished"

    @admin.action(description=_("Retry what failed"), permissions=["view"])
    @asked_first(before_retrying)
    def retry(self, request: HttpRequest, conversions: Sequence[Conversion]) -> None:
        words = ngettext_lazy("%d recording is tried again.", "%d recordings are tried again.")
        self._each(request, conversions, actions.retry, words)

    @admin.action(description=_("Cancel"), permissions=["view"])
    @asked_first(before_cancelling)
    def cancel(self, request: HttpRequest, conversions: Sequence[Conversion]) -> None:
        words = ngettext_lazy("%d recording was cancelled.", "%d recordings were cancelled.")
        self._each(request, conversions, actions.cancel, words)

    @admin.action(description=_("Purge: delete with all files, at once"), permissions=["delete"])
    @asked_first(before_purging)
    def purge(self, request: HttpRequest, conversions: Sequence[Conversion]) -> None:
        self.delete_rows(request, conversions)

    def _each(
        self,
        request: HttpRequest,
        conversions: Sequence[Conversion],
        verb: Callable[[Conversion, User], bool],
        words: StrPromise,
    ) -> None:
        user, done = signed_in(request), 0
        for conversion in conversions:
            try:
                done += verb(conversion, user)
            except actions.OverQuotaError as error:
                self.message_user(request, f"{conversion}: {error}", messages.ERROR)
        left = len(conversions) - done
        sentences = counted(words, done)
        sentences += counted(ngettext_lazy("%d was not in a state for it.", "%d were not in a state for it."), left)
        if sentences:
            self.message_user(request, " ".join(sentences), messages.SUCCESS if done else messages.WARNING)

    def before_deleting(self, rows: Sequence[Conversion], user: User) -> Question:
        return before_purging(rows, user)

    def delete_row(self, row: Conversion, user: User) -> bool:
        return actions.purge(row, user)

    def delete_rows(self, request: HttpRequest, rows: Sequence[Conversion]) -> None:
        """No line of the admin site's own log: it would keep the name of what somebody wanted gone."""
        user = signed_in(request)
        count = sum(self.delete_row(conversion, user) for conversion in rows)
        words = ngettext("%d conversion was purged.", "%d conversions were purged.", count)
        self.message_user(request, words % count, messages.SUCCESS if count else messages.WARNING)

    def get_actions(self, request: HttpRequest) -> dict[str, tuple[Callable[..., str], str, str] | None]:
        """Purge is what deleting is here."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}
