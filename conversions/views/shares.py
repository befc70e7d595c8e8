"""Sharing with people outside: links are made, shown, and revoked; comments that came by them deleted."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conversions import actions
from conversions.access.reach import conversion_or_404
from conversions.forms.shares import ShareForm
from conversions.models import Conversion, Share
from conversions.pages.shares import shares_of, team_shares
from conversions.views.answers import SeeOther, see_other
from conversions.views.problems import problem_of
from conversions.views.requests import origin_of
from teams.gatekeeper import current_team, get_or_404, require, signed_in
from teams.roles import May


@require_http_methods(["GET", "HEAD", "POST"])
def of_conversion(request: HttpRequest, conversion_id: UUID) -> HttpResponse:
    """Its links, and the form for another one."""
    conversion, user = _load(request, conversion_id), signed_in(request)
    require(user, May.SHARE, conversion.team_id)
    if request.method != "POST":
        return _page(request, conversion, ShareForm())
    form = ShareForm(request.POST)
    if not form.is_valid():
        return _page(request, conversion, form, status=422)
    try:
        made = actions.share(conversion, user, form.order)
    except actions.RefusedError as error:
        for about, words in error.problems:
            form.add_error(about if about in form.fields else None, words)
        return _page(request, conversion, form, status=problem_of(error).status)
    messages.success(request, _("The link is made. Copy it and send it."))
    address = reverse("conversions:shares", args=[conversion_id])
    return SeeOther(headers={"Location": f"{address}#share-{made.pk}"})


def _load(request: HttpRequest, conversion_id: UUID) -> Conversion:
    objects = Conversion.objects.select_related("team").defer("source_peaks", "output_peaks", "source_places")
    return conversion_or_404(request.user, conversion_id, objects)


def _page(request: HttpRequest, conversion: Conversion, form: ShareForm, *, status: int = 200) -> HttpResponse:
    user = signed_in(request)
    context = {
        "conversion": conversion,
        "form": form,
        "listed": shares_of(user, conversion, origin_of(request)),
        "can_be_shared": conversion.status == Conversion.Status.READY and actions.may_be_shared(conversion, user),
    }
    return render(request, "conversions/shares.html", context, status=status)


@require_safe
def of_team(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    team = current_team(user)
    require(user, May.SHARE, team.pk if team else None)
    listed = team_shares(user, origin_of(request), request.GET.get("page", ""))
    return render(request, "conversions/team_shares.html", {"listed": listed})


@require_POST
def revoke(request: HttpRequest, share_id: UUID) -> HttpResponse:
    share = get_or_404(request.user, Share.objects.select_related("conversion"), pk=share_id)
    # None to what only somebody else may see.
    conversion_or_404(request.user, share.conversion_id, Conversion.objects.only("team"))
    if actions.revoke(share, signed_in(request)):
        messages.success(request, _("Nobody gets in by that link any more."))
    if request.POST.get("back") == "team":
        return see_other("conversions:team_shares")
    return see_other("conversions:shares", share.conversion_id)


@require_POST
def delete_comment(request: HttpRequest, conversion_id: UUID, comment_id: int) -> HttpResponse:
    conversion = _load(request, conversion_id)
    said = get_object_or_404(conversion.comments, pk=comment_id)
    if actions.delete_comment(said, signed_in(request)):
        messages.success(request, _("The comment was deleted."))
    return see_other("conversions:detail", conversion_id)
