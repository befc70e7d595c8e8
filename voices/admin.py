"""Endpoints and voices in the admin site."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.formats import localize, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrPromise

from teams.asking import Question, counted
from teams.lists import Lists
from teams.models import User
from voices import breaker, catalogue
from voices.limits import BYTES_A_MEGABYTE, SECONDS_A_MINUTE, InUnits
from voices.models import Endpoint, Voice

if TYPE_CHECKING:
    from django.contrib.admin.options import _FieldsetSpec


class EndpointForm(ModelForm[Endpoint]):
    max_seconds = InUnits(in_one=SECONDS_A_MINUTE, label=_("Longest recording in minutes"), help_text=_("Empty: any."))
    max_bytes = InUnits(in_one=BYTES_A_MEGABYTE, label=_("Largest file in MB"), help_text=_("Empty: any."))

    class Meta:
        model = Endpoint
        fields = ("max_seconds", "max_bytes")  # the others are those of the fieldsets
        labels: ClassVar[dict[str, StrPromise]] = {"key": _("short name"), "secret_name": _("variable of the API key")}
        help_texts: ClassVar[dict[str, StrPromise]] = {
            "key": _("For logs and links: small letters, digits and hyphens."),
            "secret_name": _(
                "The name of the environment variable that holds the API key, beginning with ENDPOINT_KEY_. The key "
                "itself is never stored here. Empty where none is needed."
            ),
        }


class EndpointAdmin(Lists[Endpoint]):
    """Every column comes from the endpoint's own row: the list is one query."""

    form = EndpointForm
    list_display = ["name", "state", "slots_in_words", "price", "last_good_at", "synced"]
    list_filter = ["enabled", "paused", "billed"]
    search_fields = ["name", "key", "base_url"]
    readonly_fields = ["state", "key_is_there", "slots_in_words", "last_good_at", "synced"]
    fieldsets = [
        (None, {"fields": ["name", "state", "enabled", "paused"]}),
        (_("Where it is"), {"fields": ["base_url", "secret_name", "key_is_there", "synced", "last_good_at"]}),
        (_("How much it takes"), {"fields": ["slots", "slots_in_words", "max_seconds", "max_bytes"]}),
        (
            _("What it costs and can do"),
            {"fields": ["billed", "credits_per_minute", "removes_noise", "adds_voices", "zero_retention"]},
        ),
        (_("Technical details"), {"classes": ["collapse"], "fields": ["key"]}),
    ]
    # A new one has no state yet, and its short name has to be chosen.
    add_fieldsets: ClassVar[_FieldsetSpec] = [
        (None, {"fields": ["name", "key", "base_url", "secret_name"]}),
        (_("How much it takes"), {"fields": ["slots", "max_seconds", "max_bytes"]}),
        (
            _("What it costs and can do"),
            {"fields": ["billed", "credits_per_minute", "removes_noise", "adds_voices", "zero_retention"]},
        ),
        (_("Is it on"), {"fields": ["enabled", "paused"]}),
    ]
    actions = ["pause", "resume", "switch_off", "switch_on", "sync_now"]

    @admin.display(description=_("state"))
    def state(self, endpoint: Endpoint) -> str:
        """What it does, since when, why, and what comes next."""
        sentences = [] if endpoint.enabled else [gettext("Switched off: its voices are not offered.")]
        if endpoint.pause_code:
            sentences += _trouble(endpoint)
        if endpoint.paused:
            sentences.append(gettext("Paused by an admin."))
        return " ".join(sentences) or gettext("Open.")

    @admin.display(description=_("key in the environment"))
    def key_is_there(self, endpoint: Endpoint) -> str:
        if not endpoint.secret_name:
            return gettext("None is needed.")
        values = {"name": endpoint.secret_name}
        if endpoint.api_key:
            return (
                gettext("%(name)s is set. To change the key, set another value there and start Timbre again.") % values
            )
        return gettext("%(name)s is not set: set it there and start Timbre again.") % values

    @admin.display(description=_("credits a minute"), ordering="credits_per_minute")
    def price(self, endpoint: Endpoint) -> str:
        if not endpoint.billed:
            return gettext("free")
        price = endpoint.price_a_minute
        return number_format(price, 0, force_grouping=True) if price else gettext("not known")

    @admin.display(description=_("voices synced"), ordering="synced_at")
    def synced(self, endpoint: Endpoint) -> str:
        words = _moment(endpoint.synced_at) or gettext("never")
        return (
            gettext("%(moment)s. The last try said: %(words)s")
            % {
                "moment": words,
                "words": endpoint.sync_error,
            }
            if endpoint.sync_error
            else words
        )

    def get_fieldsets(self, request: HttpRequest, obj: Endpoint | None = None) -> _FieldsetSpec:
        return self.fieldsets if obj else self.add_fieldsets

    @admin.display(description=_("slots now"))
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
        count = endpoints.update(paused=True)
        words = ngettext("%d endpoint is paused: recordings wait.", "%d endpoints are paused: recordings wait.", count)
        self.message_user(request, words % count, messages.SUCCESS)

    @admin.action(description=_("Resume"), permissions=["change"])
    def resume(self, request: HttpRequest, endpoints: QuerySet[Endpoint]) -> None:
        for endpoint in endpoints:
            breaker.resume(endpoint.pk)
        count = endpoints.update(paused=False)
        words = ngettext("%d endpoint takes recordings again.", "%d endpoints take recordings again.", count)
        self.message_user(request, words % count, messages.SUCCESS)

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


def _sync(site: Lists[Endpoint] | Lists[Voice], request: HttpRequest, endpoints: QuerySet[Endpoint]) -> None:
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


def _trouble(endpoint: Endpoint) -> list[str]:
    sentences = [_what_is_wrong(endpoint) % {"since": _moment(endpoint.paused_at)}]
    if endpoint.pause_words:
        sentences.append(gettext("It said: %s.") % endpoint.pause_words.rstrip("."))
    if endpoint.trial:
        sentences.append(gettext("It answers questions again; the next recording tries whether it converts."))
    elif endpoint.probe_at:
        sentences.append(gettext("Looked at again at %s.") % _moment(endpoint.probe_at))
    return sentences


def _what_is_wrong(endpoint: Endpoint) -> str:
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
class VoiceAdmin(Lists[Voice]):
    list_display = ["name", "endpoint", "team", "description", "labels_in_words", "offered"]
    list_filter = ["endpoint", "team", "hidden"]
    list_select_related = ["endpoint", "team"]
    search_fields = ["name", "description", "voice_id"]
    fieldsets = [
        (None, {"fields": ["name", "endpoint", "team", "offered", "hidden", "description", "labels_in_words"]}),
        (_("Technical details"), {"classes": ["collapse"], "fields": ["voice_id", "settings_in_words", "preview_url"]}),
    ]
    # All else is the endpoint's, and the next sync would set it again.
    readonly_fields = [
        "offered",
        "endpoint",
        "team",
        "voice_id",
        "name",
        "description",
        "preview_url",
        "labels_in_words",
        "settings_in_words",
    ]
    actions = ["hide", "sync_now"]

    @admin.display(description=_("offered"), ordering="hidden")
    def offered(self, voice: Voice) -> str:
        if not voice.endpoint.enabled:
            return gettext("no: its endpoint is switched off")
        if voice.vanished:
            return gettext("no: its endpoint has it no more")
        return gettext("no: hidden") if voice.hidden else gettext("yes")

    @admin.display(description=_("labels"))
    def labels_in_words(self, voice: Voice) -> str:
        return _pairs(voice.labels)

    @admin.display(description=_("settings of its own"))
    def settings_in_words(self, voice: Voice) -> str:
        return _pairs(voice.settings)

    @admin.action(description=_("Sync the endpoints of these voices now"), permissions=["change"])
    def sync_now(self, request: HttpRequest, voices: QuerySet[Voice]) -> None:
        _sync(self, request, Endpoint.objects.filter(pk__in=voices.order_by().values("endpoint")))

    def save_model(self, request: HttpRequest, obj: Voice, form: ModelForm[Voice], change: bool) -> None:
        obj.save(update_fields=form.changed_data)  # a sync may run meanwhile

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # voices come from their endpoint

    @admin.action(description=_("Hide: not offered any more"), permissions=["change"])
    def hide(self, request: HttpRequest, voices: QuerySet[Voice]) -> None:
        count = voices.update(hidden=True)
        self.message_user(request, ngettext("%d voice is hidden.", "%d voices are hidden.", count) % count)

    def before_deleting(self, rows: Sequence[Voice], user: User) -> Question:
        """No voice is deleted: its endpoint would bring it back, and history names it."""
        count = len(rows)
        made = sum(voice.conversions.count() for voice in rows) if count == 1 else 0
        named = ngettext_lazy("%d recording was converted with it.", "%d recordings were converted with it.")
        return Question(
            title=gettext("%s can’t be deleted") % rows[0] if count == 1 else gettext("Voices can’t be deleted"),
            said={
                gettext("Why not"): [
                    gettext("The next sync with its endpoint would bring it back."),
                    *counted(named, made),
                ],
                gettext("Instead"): [gettext("Hidden, it is no longer offered, and stays so after a sync.")],
            },
            button=gettext("Hide it") if count == 1 else gettext("Hide them"),
            action="hide",
            destroys=False,
            keep=gettext("Leave it as it is") if count == 1 else gettext("Leave them as they are"),
        )

    def delete_row(self, row: Voice, user: User) -> bool:
        return False


def _pairs(values: object) -> str:
    """ "accent: british, gender: female"; what an endpoint lists, so it may be anything."""
    if not isinstance(values, dict):
        return ""
    return ", ".join(f"{str(name).replace('_', ' ')}: {_plain(value)}" for name, value in values.items())


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return number_format(round(value, 2), 2) if isinstance(value, float) else str(value)
