"""What every template knows."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from teams.gatekeeper import current_team, may
from teams.roles import May


def site(request: HttpRequest) -> dict[str, object]:
    user = getattr(request, "user", None)  # absent when an error page is shown before the session was read
    return {
        "site_name": settings.SITE_NAME,
        # Asked for only by pages that show it.
        "team": SimpleLazyObject(lambda: current_team(user)) if user is not None else None,
        "may_share_links": SimpleLazyObject(lambda: may(user, May.SHARE)) if user is not None else False,
        "can_send_email": bool(settings.EMAIL_URL),
    }
