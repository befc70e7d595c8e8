"""What people change about themselves."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from teams.choices import CHOICES, set_choice
from teams.models import User

_NO_MAIL = _("Not possible yet: this site sends no e-mail. Your admin can set that up.")


class AccountForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=150,
        required=False,
        help_text=_("Your team sees it beside what you make. Without one it sees your e-mail address."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    mail_when_ready = forms.BooleanField(
        label=_("Send me an e-mail"),
        required=False,
        help_text=_("One for each recording, or one for all that you sent together. Also when something failed."),
    )
    notify_in_browser = forms.BooleanField(
        label=_("Show a notification of the browser"),
        required=False,
        help_text=_("While the page of a recording is open in some tab. The browser asks whether it may."),
    )
    shortcuts = forms.BooleanField(
        label=_("Keyboard shortcuts"),
        required=False,
        help_text=_("Single keys, listed by “?”. Turn them off if they get in your way, as with speech input."),
    )

    def __init__(self, user: User, data: object = None) -> None:
        super().__init__(data, initial={name: getattr(user, name) for name in ("name", *CHOICES)})  # type: ignore[arg-type]
        self._user = user
        if not settings.EMAIL_URL:
            # What was chosen stays chosen for the day when there is e-mail.
            mail = self.fields["mail_when_ready"]
            mail.disabled, mail.help_text = True, _NO_MAIL

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def save(self) -> None:
        self._user.name = self.cleaned_data["name"]
        self._user.save(update_fields=["name"])
        for name in CHOICES:
            set_choice(self._user, name, self.cleaned_data[name])
