"""Pages and answers about oneself."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from teams.choices import set_choice
from teams.models import User


@require_POST
def choices(request: HttpRequest) -> HttpResponse:
    """Keeps one choice, `name` = `value` (on or off), for the modules that change it in place."""
    user, value = request.user, request.POST.get("value")
    if not isinstance(user, User):
        raise PermissionDenied
    try:
        if value not in ("on", "off"):
            raise ValueError(value)
        set_choice(user, request.POST.get("name", ""), value == "on")
    except ValueError:
        return HttpResponse(_("There is no such choice."), status=400, content_type="text/plain; charset=utf-8")
    return HttpResponse(status=204)
