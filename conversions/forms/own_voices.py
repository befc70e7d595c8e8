"""What somebody sends to have a voice made, or to rename one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404
from django.utils.translation import gettext_lazy as _

from conversions.access import sources
from conversions.actions import VoiceOrder
from conversions.forms.studio import Files, Sent, Upload
from conversions.forms.titles import TitleForm
from conversions.models import Conversion
from conversions.words.durations import clock_duration
from teams.models import User
from voices.models import NAME_CHARACTERS, Endpoint

_GONE = _("This recording isn’t there any more. Choose another one.")


class VoiceNameForm(TitleForm):
    """As what is converted is named, but shorter."""

    field_order = ["title"]

    def __init__(self, data: Sent | None = None, files: Files | None = None, **given: Any) -> None:
        super().__init__(data, files, **given)
        self.fields["title"] = forms.CharField(
            label=_("Name"),
            max_length=NAME_CHARACTERS,
            error_messages=dict(TitleForm.base_fields["title"].error_messages),
        )


class NewVoiceForm(VoiceNameForm):
    """`endpoints`: those that make voices, of which one is chosen where there are several."""

    audio = forms.FileField(
        label=_("Recording of the voice"),
        required=False,
        max_length=None,
        error_messages={
            "empty": _("This file is empty. Choose one with sound in it."),
            "invalid": _("No file arrived. Choose the recording again."),
        },
    )
    take = forms.ChoiceField(
        label=_("Or an earlier recording"), required=False, error_messages={"invalid_choice": _GONE}
    )
    endpoint = forms.ModelChoiceField(
        Endpoint.objects.none(),
        label=_("Made by"),
        empty_label=None,
        error_messages=dict.fromkeys(
            ("required", "invalid_choice"), _("This endpoint makes no voices any more. Choose another one.")
        ),
    )
    may_use = forms.BooleanField(
        label=_("This is my own voice, or I may use it"),
        required=False,
        help_text=_("Kept with your name and the time, as long as there is the voice."),
    )
    accepts_slot = forms.BooleanField(required=False)
    once = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(
        self,
        data: Sent | None = None,
        files: Files | None = None,
        *,
        user: User,
        endpoints: list[Endpoint],
        initial: dict[str, object] | None = None,
    ) -> None:
        super().__init__(data, files, initial=initial)
        self.user = user
        choices = [(f"conversion:{one.pk}", _words_of(one)) for one in sources.earlier(user)]
        earlier, endpoint = self.fields["take"], self.fields["endpoint"]
        assert isinstance(earlier, forms.ChoiceField)
        assert isinstance(endpoint, forms.ModelChoiceField)
        earlier.choices = [("", _("None")), *choices]
        endpoint.queryset = Endpoint.objects.filter(pk__in=[one.pk for one in endpoints])
        billed = [one.name for one in endpoints if one.billed]
        words = _("At %s: it is made in the account there, and takes one of its voice slots")
        self.fields["accepts_slot"].label = words % ", ".join(billed)
        if not billed:
            del self.fields["accepts_slot"]

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or self.cleaned_data
        if "audio" in data and "take" in data and not data["audio"] and not data["take"]:
            self.add_error("audio", _("Choose a recording first."))
        return data

    @property
    def sample(self) -> Upload | sources.Stored:
        """Of a valid form: what was uploaded, else what was taken. Raises FileNotFoundError."""
        uploaded: Upload | None = self.cleaned_data.get("audio")
        if uploaded:
            return uploaded
        try:
            return sources.find(self.user, self.cleaned_data["take"])
        except Http404 as error:
            raise FileNotFoundError from error

    @property
    def order(self) -> VoiceOrder:
        """Of a valid form."""
        data = self.cleaned_data
        return VoiceOrder(
            name=data["title"],
            endpoint=data["endpoint"],
            may_use=data["may_use"],
            accepts_slot=data.get("accepts_slot", False),
            once=data["once"],
        )


def _words_of(conversion: Conversion) -> str:
    if not conversion.source_duration_s:
        return conversion.title
    return f"{conversion.title} ({clock_duration(conversion.source_duration_s)})"
