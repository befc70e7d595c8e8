"""What can be done with one conversion: each a POST that is answered with the page to see next."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from conversions import actions
from conversions.access.reach import conversion_or_404, deleted_or_404
from conversions.forms.titles import TitleForm
from conversions.models import Conversion
from conversions.views.answers import SeeOther, see_other
from conversions.views.detail import show
from conversions.views.history import address_of
from teams.gatekeeper import signed_in


def _load(request: HttpRequest, conversion_id: UUID) -> Conversion:
    objects = Conversion.objects.select_related("created_by", "team").defer("source_peaks", "output_peaks")
    return conversion_or_404(request.user, conversion_id, objects)


@require_POST
def cancel(request: HttpRequest, conversion_id: UUID) -> HttpResponse:
    conversion = _load(request, conversion_id)
    if not actions.cancel(conversion, signed_in(request)):
        messages.info(request, _("It was finished already."))
    return see_other("conversions:detail", conversion_id)


@require_POST
def retry(request: HttpRequest, conversion_id: UUID) -> HttpResponse:
    conversion = _load(request, conversion_id)
    try:
        if not actions.retry(conversion, signed_in(request)):
            messages.info(request, _("There is nothing to retry."))
    except actions.OverQuotaError as error:
        messages.error(request, str(error))
    return see_other("conversions:detail", conversion_id)


@require_POST
def rename(request: HttpRequest, conversion_id: UUID) -> HttpResponse:
    conversion = _load(request, conversion_id)
    form = TitleForm(request.POST)
    if not form.is_valid():
        return show(request, conversion_id, form, status=422)
    actions.rename(conversion, signed_in(request), form.cleaned_data["title"])
    messages.success(request, _("It is called “%(title)s” now.") % {"title": form.cleaned_data["title"]})
    return see_other("conversions:detail", conversion_id)


@require_POST
def delete(request: HttpRequest, conversion_id: UUID) -> HttpResponse:
    """The history says what was deleted and offers to undo it; of a zero retention one nothing is left."""
    conversion = _load(request, conversion_id)
    actions.delete(conversion, signed_in(request))
    if conversion.zero_retention:
        messages.success(request, _("“%(title)s” was deleted.") % {"title": conversion.title})
        return see_other("conversions:history")
    within = request.POST.get("history")  # the list in which it stood keeps its search and its page
    more: dict[str, object] = {"deleted": conversion.pk} | ({"listed": "on"} if within is not None else {})
    return SeeOther(headers={"Location": address_of(within or "", **more)})


@require_POST
def restore(request: HttpRequest, conversion_id: UUID) -> HttpResponse:
    conversion = deleted_or_404(request.user, conversion_id)
    if actions.restore(conversion, signed_in(request)):
        messages.success(request, _("“%(title)s” is back.") % {"title": conversion.title})
    within = request.POST.get("history")
    if within is not None:
        return SeeOther(headers={"Location": address_of(within)})
    return see_other("conversions:detail", conversion_id)
