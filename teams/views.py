"""Pages and answers about oneself."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from teams.choices import set_choice
from teams.forms import AccountForm
from teams.gatekeeper import membership, signed_in


@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Name, choices, and the way to the password."""
    user = signed_in(request)
    form = AccountForm(user, request.POST if request.method == "POST" else None)
    if form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return HttpResponse(status=303, headers={"Location": reverse("teams:account")})
    found = membership(user)
    context = {"form": form, "role": found.get_role_display() if found else ""}
    return render(request, "teams/account.html", context, status=422 if form.is_bound else 200)


@require_POST
def choices(request: HttpRequest) -> HttpResponse:
    """Keeps one choice, `name` = `value` (on or off), for the modules that change it in place."""
    user, value = signed_in(request), request.POST.get("value")
    try:
        if value not in ("on", "off"):
            raise ValueError(value)
        set_choice(user, request.POST.get("name", ""), value == "on")
    except ValueError:
        return HttpResponse(_("There is no such choice."), status=400, content_type="text/plain; charset=utf-8")
    return HttpResponse(status=204)
