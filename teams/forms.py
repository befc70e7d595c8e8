"""What people change about themselves, and how they come into a team."""

from __future__ import annotations

from collections.abc import Collection

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.functional import lazystr
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from django_stubs_ext import StrPromise

from teams.actions import EXPIRES_DAYS
from teams.choices import CHOICES, set_choice
from teams.models import Role, User

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


def _days(count: int) -> StrPromise:
    words: StrPromise = lazystr(ngettext_lazy("%d day", "%d days", count) % count)
    return words


class InviteForm(forms.Form):
    """`roles`: those that its person may give."""

    role = forms.ChoiceField(label=_("As"), initial=Role.MEMBER)
    days = forms.TypedChoiceField(
        label=_("The link works for"),
        coerce=int,
        choices=[(days, _days(days)) for days in EXPIRES_DAYS],
        initial=EXPIRES_DAYS[1],
    )
    email = forms.EmailField(
        label=_("E-mail, if you like"),
        required=False,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, roles: Collection[str], data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        _offer(self.fields["role"], roles)
        self.fields["email"].help_text = (
            _("We send the link there too. Whoever has it can use it.")
            if settings.EMAIL_URL
            else _("A note for you whom it is for: this site sends no e-mail. Whoever has the link can use it.")
        )

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, roles: Collection[str], role: str, data: object = None) -> None:
        super().__init__(data, initial={"role": role})  # type: ignore[arg-type]
        _offer(self.fields["role"], roles)


def _offer(field: forms.Field, roles: Collection[str]) -> None:
    assert isinstance(field, forms.ChoiceField)
    field.choices = [(role.value, role.label) for role in Role if role in roles]


class JoinForm(forms.Form):
    """Somebody new. `email` is where the invitation was sent, if it was."""

    name = forms.CharField(
        label=_("Name"),
        max_length=150,
        help_text=_("Your team sees it beside what you make."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        help_text=_("You sign in with it."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=1000,
        strip=False,
        help_text=_("At least eight characters. A few unrelated words are easy to keep and hard to guess."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, email: str, data: object = None) -> None:
        super().__init__(data, initial={"email": email})  # type: ignore[arg-type]

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def clean(self) -> dict[str, object]:
        given = super().clean() or self.cleaned_data
        password = given.get("password")
        if password:
            person = User(name=given.get("name", ""), email=given.get("email", ""))
            try:
                validate_password(password, person)
            except ValidationError as error:
                self.add_error("password", error)
        return given
