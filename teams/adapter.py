"""How people come in: by a link (`joining`), or an admin adds them; nobody signs up from outside."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from teams.middleware import UNTAKEN
from teams.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Of where `next` leads; allauth takes it apart before it looks whether it is an address at all."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        if request.POST.get(UNTAKEN):
            words = _(
                "You had been signed out, so what you sent was not taken. Nothing was converted or changed by it."
            )
            messages.error(request, f"{words} {_('Please send it again.')}")
