"""Voices that a person wants to find first."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from teams.gatekeeper import current_team
from teams.models import User
from voices.catalogue import offered_voices
from voices.ids import is_id
from voices.models import Favourite


@require_POST
def favourite(request: HttpRequest) -> HttpResponse:
    """Turns it on or off. A script is answered 204; a browser goes back to the Studio."""
    user, voice_id = request.user, request.POST.get("voice", "")
    voice = offered_voices(current_team(user)).filter(pk=voice_id).first() if is_id(voice_id) else None
    if voice is None or not isinstance(user, User):
        raise Http404
    _kept, made = Favourite.objects.get_or_create(user=user, voice=voice)
    if not made:
        Favourite.objects.filter(user=user, voice=voice).delete()
    return HttpResponse(status=204) if "HX-Request" in request.headers else HttpResponseRedirect("/", status=303)
