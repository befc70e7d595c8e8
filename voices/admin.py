"""Endpoints and voices in the admin site."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.formats import localize
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from teams.lists import Lists
from voices import breaker, catalogue
from voices.models import Endpoint, Voice


@admin.register(Endpoint)
class EndpointAdmin(Lists):
    """Every column comes from the endpoint's own row: the list is one query."""

    list_display = ["name", "state", "slots_in_words", "last_good_at", "enabled", "billed", "synced_at", "sync_error"]
    list_filter = ["enabled", "paused", "pause_code"]
    readonly_fields = ["state", "pause_words", "slots_in_words", "last_good_at", "synced_at", "sync_error"]
    actions = ["pause", "resume", "switch_off", "switch_on", "sync_now"]

    @admin.display(description=_("state"))
    def state(self, endpoint: Endpoint) -> str:
        """What it does, since when, why, and what comes next."""
        if endpoint.pause_code == "":
            return gettext("Paused by an admin.") if endpoint.paused else gettext("Open.")
        sentences = [_trouble(endpoint) % {"since": _moment(endpoint.paused_at)}]
        if endpoint.pause_words:
            sentences.append(gettext("It said: %s.") % endpoint.pause_words.rstrip("."))
        if endpoint.trial:
            sentences.append(gettext("It answers questions again; the next recording tries whether it converts."))
        elif endpoint.probe_at:
            sentences.append(gettext("Looked at again at %s.") % _moment(endpoint.probe_at))
        if endpoint.paused:
            sentences.append(gettext("Paused by an admin as well."))
        return " ".join(sentences)

    @admin.display(description=_("slots"))
    def slots_in_words(self, endpoint: Endpoint) -> str:
        if endpoint.slots_now == endpoint.slots:
            return str(endpoint.slots)
        words = gettext("%(now)d of %(slots)d: it took no more at %(moment)s. One more is tried each hour.")
        return words % {"now": endpoint.slots_now, "slots": endpoint.slots, "moment": _moment(endpoint.learnt_at)}

    @admin.action(description=_("Sync voices now"), permissions=["change"])
    def sync_now(self, request: HttpRequest, endpoints: QuerySet[Endpoint]) -> None:
        _sync(self, request, endpoints)

    @admin.action(description=_("Pause: recordings wait"), permissions=["change"])
    def pause(self, request: HttpRequest, endpoints: QuerySet[Endpoint]) -> None:
        endpoints.update(paused=True)

    @admin.action(description=_("Resume"), permissions=["change"])
    def resume(self, request: HttpRequest, endpoints: QuerySet[Endpoint]) -> None:
        for endpoint in endpoints:
            breaker.resume(endpoint.pk)
        endpoints.update(paused=False)

    @admin.action(description=_("Switch off: its voices are no longer offered"), permissions=["change"])
    def switch_off(self, request: HttpRequest, endpoints: QuerySet[Endpoint]) -> None:
        count = endpoints.update(enabled=False, keyless=False)
        words = ngettext("%d endpoint is switched off.", "%d endpoints are switched off.", count)
        self.message_user(request, words % count, messages.SUCCESS)

    @admin.action(description=_("Switch on: its voices are offered"), permissions=["change"])
    def switch_on(self, request: HttpRequest, endpoints: QuerySet[Endpoint]) -> None:
        count = endpoints.update(enabled=True, keyless=False)
        words = ngettext("%d endpoint is switched on.", "%d endpoints are switched on.", count)
        self.message_user(request, words % count, messages.SUCCESS)

    def save_model(self, request: HttpRequest, obj: Endpoint, form: ModelForm[Endpoint], change: bool) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        # The rest of the row is the breaker's, and may have changed while the form was open.
        obj.save(update_fields=form.changed_data)
        this = Endpoint.objects.filter(pk=obj.pk)
        if {"secret_name", "base_url"} & set(form.changed_data):
            breaker.look_now(this)
        if "enabled" in form.changed_data:
            this.update(keyless=False)
        if "slots" in form.changed_data:
            this.update(learnt_slots=None, learnt_at=None)


def _sync(site: admin.ModelAdmin[Any], request: HttpRequest, endpoints: QuerySet[Endpoint]) -> None:
    for endpoint in endpoints:
        if catalogue.sync(endpoint):
            count = endpoint.voices.filter(hidden=False).count()
            words = ngettext("%(name)s: %(count)d voice.", "%(name)s: %(count)d voices.", count)
            site.message_user(request, words % {"name": endpoint.name, "count": count}, messages.SUCCESS)
        else:
            endpoint.refresh_from_db()
            under_way = gettext("its voices are being synced already; look again in a minute.")
            words = under_way if endpoint.syncing_until else endpoint.sync_error
            site.message_user(request, f"{endpoint.name}: {words}", messages.ERROR)


def _trouble(endpoint: Endpoint) -> str:
    if endpoint.pause_code == Endpoint.PauseCode.SILENT:
        return gettext("Not answering since %(since)s.")
    if endpoint.pause_reason == Endpoint.PauseReason.KEY:
        return gettext("It does not accept our key since %(since)s.")
    if endpoint.pause_reason == Endpoint.PauseReason.CREDITS:
        return gettext("Our credits are used up since %(since)s.")
    return gettext("It does not serve our account since %(since)s.")


def _moment(moment: datetime | None) -> str:
    return localize(localtime(moment)) if moment else ""


@admin.register(Voice)
class VoiceAdmin(Lists):
    list_display = ["name", "endpoint", "description", "hidden"]
    list_filter = ["endpoint", "hidden"]
    list_select_related = ["endpoint"]
    search_fields = ["name", "voice_id"]
    # All else is the endpoint's, and the next sync would set it again.
    readonly_fields = ["endpoint", "voice_id", "name", "description", "preview_url", "labels", "settings", "position"]
    actions = ["sync_now"]

    @admin.action(description=_("Sync the endpoints of these voices now"), permissions=["change"])
    def sync_now(self, request: HttpRequest, voices: QuerySet[Voice]) -> None:
        _sync(self, request, Endpoint.objects.filter(pk__in=voices.order_by().values("endpoint")))

    def save_model(self, request: HttpRequest, obj: Voice, form: ModelForm[Voice], change: bool) -> None:
        obj.save(update_fields=form.changed_data)  # a sync may run meanwhile

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # voices come from their endpoint

    def has_delete_permission(self, request: HttpRequest, obj: Voice | None = None) -> bool:
        return False  # hide it: history still names it
