"""The team: who is in it, who is invited, and how people come and go. Each question before something goes is a page."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conversions import actions
from conversions.forms.departures import DepartureForm
from conversions.ground.connections import give_back
from conversions.pages import team as page
from conversions.views.answers import SeeOther, see_other
from teams import actions as verbs
from teams.forms import InviteForm, RoleForm
from teams.gatekeeper import get_or_404, membership, require, signed_in
from teams.links import token_of
from teams.mail import send_invitation
from teams.models import Invitation, Membership, Role
from teams.roles import MANAGES, May, allows


@require_safe
def team(request: HttpRequest) -> HttpResponse:
    return _page(request)


def _mine(request: HttpRequest) -> Membership:
    found = membership(signed_in(request))
    if found is None:
        raise PermissionDenied
    return found


def _link_of(request: HttpRequest, invitation: Invitation) -> str:
    path = reverse("teams:join", args=[token_of(invitation)])
    return f"{settings.SITE_ORIGIN}{path}" if settings.SITE_ORIGIN else request.build_absolute_uri(path)


def _page(request: HttpRequest, form: InviteForm | None = None, *, status: int = 200) -> HttpResponse:
    mine = _mine(request)
    may_invite = allows(mine.role, May.INVITE)
    context = {
        "mine": mine,
        "people": page.people(mine),
        "may_invite": may_invite,
        "invited": page.invited(mine, lambda row: _link_of(request, row)) if may_invite else [],
        "form": form or InviteForm(MANAGES[Role(mine.role)]),
    }
    return render(request, "teams/team.html", context, status=status)


# ---- who comes ----


@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    mine = _mine(request)
    require(request.user, May.INVITE, mine.team_id)
    form = InviteForm(MANAGES[Role(mine.role)], request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    given = form.cleaned_data
    made = verbs.invite(
        signed_in(request), mine.team, role=Role(given["role"]), email=given["email"], days=given["days"]
    )
    if made.email and settings.EMAIL_URL:
        give_back()  # an e-mail may take seconds
        if send_invitation(made, _link_of(request, made)):
            messages.success(request, _("The invitation is on its way to %s.") % made.email)
        else:
            messages.error(
                request, _("The e-mail to %s could not be sent. Copy the link, and send it yourself.") % made.email
            )
    else:
        messages.success(request, _("The link is below. Copy it, and send it to whom you mean."))
    return SeeOther(headers={"Location": f"{reverse('conversions:team')}#invitation-{made.pk}"})


@require_POST
def revoke(request: HttpRequest, invitation_id: int) -> HttpResponse:
    invitation = get_or_404(request.user, Invitation.objects.select_related("team"), pk=invitation_id)
    if verbs.revoke(signed_in(request), invitation):
        messages.success(request, _("The invitation is revoked: its link lets nobody in any more."))
    else:
        messages.info(request, _("This invitation was used or had run out already."))
    return see_other("conversions:team")


# ---- who is there ----


def _load(request: HttpRequest, membership_id: int) -> Membership:
    return get_or_404(request.user, Membership.objects.select_related("team", "user"), pk=membership_id)


@require_http_methods(["GET", "HEAD", "POST"])
def member(request: HttpRequest, membership_id: int) -> HttpResponse:
    """One of the people, for who may change their role."""
    other = _load(request, membership_id)
    mine = get_object_or_404(Membership, team=other.team_id, user=signed_in(request))
    if not page.may_change(mine, other):
        raise PermissionDenied
    form = RoleForm(MANAGES[Role(mine.role)], other.role, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            if verbs.change_role(signed_in(request), other, Role(form.cleaned_data["role"])):
                messages.success(request, _("Saved."))
            return see_other("conversions:team")
        except verbs.LastOwnerError as error:
            form.add_error("role", str(error))
    context = {
        "other": other,
        "form": form,
        "may_hand_over": allows(mine.role, May.HAND_OVER) and mine.pk != other.pk and other.user.is_active,
        "is_self": mine.pk == other.pk,
    }
    return render(request, "teams/member.html", context, status=422 if form.is_bound else 200)


@require_POST
def hand_over(request: HttpRequest, membership_id: int) -> HttpResponse:
    other = _load(request, membership_id)
    verbs.hand_over(signed_in(request), other)
    words = _("“%(name)s” owns the team now, and you are an admin of it.")
    messages.success(request, words % {"name": other.user})
    return see_other("conversions:team")


# ---- who goes ----


@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, membership_id: int) -> HttpResponse:
    other = _load(request, membership_id)
    mine = get_object_or_404(Membership, team=other.team_id, user=signed_in(request))
    if mine.pk == other.pk:
        return see_other("conversions:leave_team")
    if not (allows(mine.role, May.REMOVE) and page.may_change(mine, other)):
        raise PermissionDenied
    return _ask(request, other, mine)


@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest) -> HttpResponse:
    mine = _mine(request)
    return _ask(request, mine, mine)


def _ask(request: HttpRequest, other: Membership, mine: Membership) -> HttpResponse:
    """What follows, and what becomes of what only they can see; then it is done."""
    actor, problem = signed_in(request), ""
    left = actions.left_by([other.user], other.team)
    form = DepartureForm(other, actor, left.hidden, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            if other.pk == mine.pk:
                actions.leave_team(actor, other.team, form.heir)
                messages.success(request, _("You have left “%s”.") % other.team)
                return see_other("teams:account")
            actions.remove_member(actor, other, form.heir)
            messages.success(request, _("“%s” is not in the team any more.") % other.user)
            return see_other("conversions:team")
        except verbs.LastOwnerError as error:
            problem = str(error)
    context = {
        "other": other,
        "is_self": other.pk == mine.pk,
        "form": form,
        "left": left,
        "kept": page.kept_words(left),
        "erased": page.erased_words(left),
        "problem": problem,
    }
    return render(request, "teams/depart.html", context, status=422 if form.is_bound else 200)
