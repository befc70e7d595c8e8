"""What becomes of the recordings that only one person can see, when they go from a team."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from teams.actions import heirs
from teams.models import Membership, User

_ERASE = "erase"


class DepartureForm(forms.Form):
    """`heir`: who takes them on; None: they are erased. `count`: how many there are; of none nothing is asked."""

    hidden = forms.ChoiceField(
        label=_("What only they can see"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what becomes of it."), "invalid_choice": _("Choose what becomes of it.")},
    )

    def __init__(self, membership: Membership, actor: User, count: int, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self._heirs = {str(heir.pk): heir for heir in heirs(membership.team, membership.user)}
        field = self.fields["hidden"]
        assert isinstance(field, forms.ChoiceField)
        field.required = count > 0
        field.choices = [
            *(
                (key, _("Hand it over to %s") % (_("me") if heir == actor else heir))
                for key, heir in self._heirs.items()
            ),
            (_ERASE, _("Erase it, which can’t be undone")),
        ]

    @property
    def heir(self) -> User | None:
        return self._heirs.get(self.cleaned_data["hidden"])
