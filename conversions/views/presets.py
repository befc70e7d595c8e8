"""Presets: the team's own are saved in the Studio and looked after here."""

from __future__ import annotations

from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from conversions import actions
from conversions.forms import offers
from conversions.forms.studio import OptionsForm, all_words
from conversions.forms.uploads import FilesLeftOutHandler
from conversions.models import Preset
from conversions.views.answers import SeeOther, see_other
from conversions.views.requests import HtmxHttpRequest, at_work
from teams.gatekeeper import get_or_404, signed_in

# The Studio's form comes with its files where no script leaves them out; a preset needs none of them.
MOST_BYTES = 1024**2


class NameForm(forms.Form):
    preset_name = forms.CharField(
        max_length=60,
        error_messages={
            "required": gettext_lazy("Give the preset a name."),
            "max_length": gettext_lazy("At most 60 characters, please."),
        },
    )
    preset_shared = forms.BooleanField(required=False)


@csrf_exempt  # _save is protected, after the size was looked at
@require_http_methods(["GET", "HEAD", "POST"])
def presets(request: HtmxHttpRequest) -> HttpResponse:
    """All of them; POST saves the options of the Studio's form under a name."""
    if request.method != "POST":
        return _page(request)
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    if length > MOST_BYTES:
        words = _("The recording came along, so the preset was not saved. Save it before you choose a recording.")
        return _page(request, problem=words, status=413)
    request.upload_handlers = [FilesLeftOutHandler(request)]
    return _save(request)


@csrf_protect
def _save(request: HtmxHttpRequest) -> HttpResponse:
    name, options = NameForm(request.POST), OptionsForm(request.POST)
    if not (name.is_valid() and options.is_valid()):
        return _answer(request, problem=f"{all_words(name)} {all_words(options)}".strip(), status=422)
    kept = offers.without_privacy(options.options)
    user, team = at_work(request)
    preset = actions.save_preset(
        user, team, name.cleaned_data["preset_name"], kept, shared=name.cleaned_data["preset_shared"]
    )
    if request.htmx:
        return _answer(request, chosen=preset.key)
    return SeeOther(headers={"Location": f"{reverse('conversions:studio')}?{urlencode({'preset': preset.key})}"})


def _answer(request: HtmxHttpRequest, *, problem: str = "", chosen: str = "", status: int = 200) -> HttpResponse:
    """Within the Studio its list alone, so that nothing that was chosen there is lost."""
    if not request.htmx:
        return _page(request, problem=problem, status=status)
    context = {"presets": offers.offered(signed_in(request)), "preset": chosen, "preset_problem": problem}
    return render(request, "conversions/studio_presets.html", context, status=status)


def _page(request: HtmxHttpRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    user = signed_in(request)
    listed = [
        {"offer": offer, "may_change": offer.own is not None and actions.may_change_preset(user, offer.own)}
        for offer in offers.offered(user)
    ]
    context = {"listed": listed, "default": offers.default_key(user), "problem": problem}
    return render(request, "conversions/presets.html", context, status=status)


def _load(request: HtmxHttpRequest, preset_id: int) -> Preset:
    mine: QuerySet[Preset] = offers.own(signed_in(request))
    return get_or_404(request.user, mine, pk=preset_id)


@require_POST
def change(request: HtmxHttpRequest, preset_id: int) -> HttpResponse:
    """Its name, and whether the team has it too."""
    preset, form = _load(request, preset_id), NameForm(request.POST)
    if not form.is_valid():
        return _page(request, problem=all_words(form), status=422)
    name, shared = form.cleaned_data["preset_name"], form.cleaned_data["preset_shared"]
    try:
        actions.change_preset(signed_in(request), preset, name=name, shared=shared)
    except actions.NameTakenError:
        problem = _("There is another preset named “%s”. Choose another name, or delete that one first.") % name
        return _page(request, problem=problem, status=422)
    messages.success(request, _("“%s” was changed.") % name)
    return see_other("conversions:presets")


@require_POST
def delete(request: HtmxHttpRequest, preset_id: int) -> HttpResponse:
    preset = _load(request, preset_id)
    actions.delete_preset(signed_in(request), preset)
    messages.success(request, _("“%s” was deleted.") % preset.name)
    return see_other("conversions:presets")


@require_POST
def default(request: HtmxHttpRequest) -> HttpResponse:
    (user, team), key = at_work(request), request.POST.get("key", "")
    if key and offers.find(user, key) is None:
        messages.error(request, _("This preset isn’t there any more."))
        return see_other("conversions:presets")
    actions.set_default_preset(user, team, key)
    messages.success(
        request, _("Your Studio begins with it from now on.") if key else _("Your Studio begins as it came.")
    )
    return see_other("conversions:presets")
