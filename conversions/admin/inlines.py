"""What belongs to a conversion, below it: what happened, its calls, its steps."""

from __future__ import annotations

from typing import TypeVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from conversions.models import Call, Conversion, Event, Region, Step
from conversions.pages.timeline import words_of
from conversions.templatetags.ledger import whole
from conversions.templatetags.recordings import clock

ChildT = TypeVar("ChildT", bound=Model)


class ReadOnlyInline(admin.TabularInline[ChildT, Conversion]):
    extra = 0
    can_delete = False
    show_change_link = False
    shown: tuple[str, ...] = ()
    related: tuple[str, ...] = ()  # rows that are named by each, read with it

    def get_fields(self, request: HttpRequest, obj: Conversion | None = None) -> tuple[str, ...]:
        return self.shown

    def get_readonly_fields(self, request: HttpRequest, obj: Conversion | None = None) -> tuple[str, ...]:
        return self.shown

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChildT]:
        return super().get_queryset(request).select_related(*self.related)

    def has_add_permission(self, request: HttpRequest, obj: Conversion | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Conversion | None = None) -> bool:
        return False


class EventInline(ReadOnlyInline[Event]):
    model = Event
    verbose_name_plural = _("what happened")
    shown = ("at", "words")
    related = ("actor",)

    @admin.display(description=_("what"))
    def words(self, event: Event) -> str:
        return words_of(event) or event.kind


class CallInline(ReadOnlyInline[Call]):
    model = Call
    verbose_name_plural = _("calls of the endpoint")
    shown = (
        "sent_at",
        "endpoint",
        "attempt",
        "outcome",
        "length",
        "credits_rounded",
        "status_code",
        "error",
        "request_id",
    )
    related = ("endpoint",)

    @admin.display(description=_("length"))
    def length(self, call: Call) -> str:
        return clock(call.seconds)

    @admin.display(description=_("credits"))
    def credits_rounded(self, call: Call) -> str:
        return whole(call.credits)


class StepInline(ReadOnlyInline[Step]):
    model = Step
    verbose_name_plural = _("steps of the work")
    shown = ("kind", "status", "attempt", "voice", "endpoint", "not_before", "lease_until")
    related = ("voice", "endpoint")


class RegionInline(ReadOnlyInline[Region]):
    model = Region
    verbose_name_plural = _("who speaks where")
    shown = ("place", "speaker", "voice_name")

    @admin.display(description=_("region"))
    def place(self, region: Region) -> str:
        channel = {None: "", 0: _("left channel"), 1: _("right channel")}.get(region.channel, "")
        place = f"{clock(region.start_s)} – {clock(region.end_s)}"
        return f"{place}, {channel}" if channel else place
