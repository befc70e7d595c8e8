"""What somebody sends to share a conversion, and what people outside send through a link."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conversions.actions import ShareOrder
from conversions.forms.parts import MomentField
from conversions.forms.titles import one_line
from conversions.models import Share
from conversions.models.share import FOR_WHOM_CHARACTERS, NAME_CHARACTERS, TEXT_CHARACTERS
from conversions.words.durations import clock_duration

LEAST_PASSWORD, MOST_PASSWORD = 6, 128
_UNKEEPABLE = {"null_characters_not_allowed": gettext_lazy("There are characters in it that can’t be kept.")}


class ShareForm(forms.Form):
    for_whom = forms.CharField(
        label=gettext_lazy("For whom"),
        required=False,
        max_length=FOR_WHOM_CHARACTERS,
        help_text=gettext_lazy("For your team alone, to tell the links apart."),
        error_messages=_UNKEEPABLE,
    )
    what = forms.ChoiceField(
        label=gettext_lazy("What they hear"),
        choices=[
            (Share.What.BOTH, gettext_lazy("Original and result, to compare")),
            (Share.What.RESULT, gettext_lazy("The result alone")),
            (Share.What.ORIGINAL, gettext_lazy("The original alone")),
        ],
    )
    lasts = forms.ChoiceField(
        label=gettext_lazy("It works for"),
        choices=[
            ("1", gettext_lazy("a day")),
            ("7", gettext_lazy("a week")),
            ("30", gettext_lazy("30 days")),
            ("never", gettext_lazy("until it is revoked")),
        ],
        initial="30",
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        required=False,
        min_length=LEAST_PASSWORD,
        max_length=MOST_PASSWORD,
        strip=False,
        help_text=gettext_lazy("Leave it empty and the link is enough. It isn’t shown again."),
        error_messages=_UNKEEPABLE | {"min_length": gettext_lazy("Take at least %(limit_value)d characters.")},
    )
    may_download = forms.BooleanField(label=gettext_lazy("They may download it"), required=False)

    def clean_for_whom(self) -> str:
        return one_line(self.cleaned_data["for_whom"])

    @property
    def order(self) -> ShareOrder:
        """Of a valid form."""
        data = self.cleaned_data
        return ShareOrder(
            what=Share.What(data["what"]),
            may_download=data["may_download"],
            lasts=None if data["lasts"] == "never" else timedelta(days=int(data["lasts"])),
            for_whom=data["for_whom"],
            password=data["password"],
        )


class CommentForm(forms.Form):
    """`length_s`: of what they listen to; none where it isn't known."""

    field_order = ["text", "at", "name"]  # as they stand on the page: the focus goes to the first that is wrong

    at = MomentField(
        label=gettext_lazy("At"),
        required=False,
        max_length=20,
        help_text=gettext_lazy("Such as 0:42. Empty: all of it."),
        error_messages=_UNKEEPABLE,
    )
    name = forms.CharField(
        label=gettext_lazy("Your name"),
        max_length=NAME_CHARACTERS,
        error_messages=_UNKEEPABLE | {"required": gettext_lazy("Say who you are.")},
    )
    text = forms.CharField(
        label=gettext_lazy("Comment"),
        max_length=TEXT_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages=_UNKEEPABLE | {"required": gettext_lazy("Write something first.")},
    )

    def __init__(self, *given: Any, length_s: float | None, **more: Any) -> None:
        super().__init__(*given, **more)
        self._length_s = length_s

    def clean_at(self) -> float | None:
        at_s: float | None = self.cleaned_data["at"]
        if at_s is None or self._length_s is None:
            return at_s
        if at_s > math.ceil(self._length_s):  # as players round
            words = _("It lasts %(length)s: take a time within it.") % {"length": clock_duration(self._length_s)}
            raise forms.ValidationError(words)
        return min(at_s, self._length_s)

    def clean_name(self) -> str:
        return self._something("name", one_line(self.cleaned_data["name"]))

    def clean_text(self) -> str:
        """Its lines, of which at most one after the other is empty."""
        lines = [one_line(line) for line in self.cleaned_data["text"].splitlines()]
        kept = [line for number, line in enumerate(lines) if line or (number and lines[number - 1])]
        return self._something("text", "\n".join(kept).strip())

    def _something(self, name: str, cleaned: str) -> str:
        if not cleaned:
            raise forms.ValidationError(self.fields[name].error_messages["required"], code="required")
        return cleaned


class PasswordForm(forms.Form):
    password = forms.CharField(
        label=gettext_lazy("Password"),
        max_length=MOST_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": gettext_lazy("Type the password that came with the link."),
            "max_length": gettext_lazy("This isn’t the password."),
            "null_characters_not_allowed": gettext_lazy("This isn’t the password."),
        },
    )

    def refuse(self) -> None:
        self.add_error("password", _("This isn’t the password."))
