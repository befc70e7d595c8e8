"""What people call a conversion."""

from __future__ import annotations

import unicodedata

from django import forms
from django.utils.translation import gettext_lazy as _

MOST_CHARACTERS = 200


def one_line(text: str) -> str:
    """No line breaks, no marks that nobody sees: Cc control, Cf format (as right-to-left override), Cs halves."""
    seen = (
        " " if character.isspace() else character
        for character in unicodedata.normalize("NFC", text)
        if character.isspace() or unicodedata.category(character) not in ("Cc", "Cf", "Cs")
    )
    return " ".join("".join(seen).split())


class TitleForm(forms.Form):
    """A new name: one line, not empty, not too long."""

    title = forms.CharField(
        label=_("Name"),
        max_length=MOST_CHARACTERS,
        error_messages={
            "required": _("It needs a name."),
            "max_length": _("This name has %(show_value)d characters, and at most %(limit_value)d fit."),
            "null_characters_not_allowed": _("This name has characters in it that can’t be kept."),
        },
    )

    def clean_title(self) -> str:
        title = one_line(self.cleaned_data["title"])
        if not title:
            raise forms.ValidationError(self.fields["title"].error_messages["required"], code="required")
        return title
