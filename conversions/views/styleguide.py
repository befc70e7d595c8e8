"""Every component on one page, for who works on them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from conversions.pages.styleguide import components
from conversions.templatetags.icons import NAMES
from teams.gatekeeper import signed_in


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """Only with DEBUG (conversions/urls.py)."""
    return render(request, "styleguide/page.html", {**components(signed_in(request)), "icons": NAMES})
