"""An audition: a passage of one recording in several voices, and the way from there to all of it in one of them."""

from __future__ import annotations

import logging
import mimetypes
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conversions import actions
from conversions.access import sources
from conversions.forms.studio import StartField, VoicesField, all_words
from conversions.models import Conversion, Recording
from conversions.pages.heeded import where_it_counts
from conversions.pages.progress import progress_of, with_progress
from conversions.views.answers import say_what_is_missing, see_other
from conversions.views.files import serve
from conversions.views.problems import problem_of
from s2s.audio import SPEECH_SEARCH_S
from teams.gatekeeper import signed_in
from teams.models import User

logger = logging.getLogger(__name__)


class PassageForm(forms.Form):
    """Where the passage begins, and the voices."""

    voice = VoicesField()
    start = StartField()
    once = forms.UUIDField(required=False)

    def __init__(self, data: QueryDict, user: User) -> None:
        super().__init__(data)
        VoicesField.offer(self, user)


@require_http_methods(["GET", "HEAD", "POST"])
def audition(request: HttpRequest, recording_id: UUID) -> HttpResponse:
    """POST: another passage, or other voices."""
    user = signed_in(request)
    recording = sources.recording_or_404(user, recording_id)
    if request.method != "POST":
        return render(request, "conversions/audition.html", _context(recording))
    form = PassageForm(request.POST, user)
    if not form.is_valid():
        return _refused(request, recording, all_words(form), 422)
    data = form.cleaned_data
    try:
        actions.listen(recording, user, data["voice"], data["start"], data["once"])
    except Exception as error:
        problem = problem_of(
            error,
            gone=_("The recording is gone from the server. Please send it again in the Studio."),
            not_stored=_(
                "The passage could not be stored on the server. What you have heard is kept; tell your admin."
            ),
        )
        return _refused(request, recording, str(problem), problem.status)
    return see_other("conversions:audition", recording_id)


def _refused(request: HttpRequest, recording: Recording, words: str, status: int) -> HttpResponse:
    return render(request, "conversions/audition.html", _context(recording) | {"problem": words}, status=status)


@require_safe
def voice(request: HttpRequest, recording_id: UUID, conversion_id: UUID) -> HttpResponse:
    """One voice, for polling: 204 while nothing changed since `seen`."""
    recording = sources.recording_or_404(signed_in(request), recording_id)
    conversion = get_object_or_404(_auditions(recording), pk=conversion_id)
    progress = progress_of(conversion)
    if request.GET.get("seen") == progress.mark:
        return HttpResponse(status=204)
    context = {"recording": recording, "conversion": conversion, "progress": progress}
    return render(request, "conversions/audition_voice.html", context)


def _auditions(recording: Recording) -> QuerySet[Conversion]:
    return with_progress(recording.auditions.select_related("voice__endpoint").order_by("created_at", "pk"))


def _context(recording: Recording) -> dict[str, object]:
    auditions = [(conversion, progress_of(conversion)) for conversion in _auditions(recording)]
    endpoints = dict.fromkeys(conversion.voice.endpoint for conversion, _progress in auditions)  # as the page has them
    return {
        "recording": recording,
        "auditions": auditions,
        "first": auditions[0][0] if auditions else None,
        "unfinished": any(not conversion.finished for conversion, _progress in auditions),
        "only": where_it_counts(recording.parameters, endpoints),
        "passage_s": actions.PASSAGE_S,
        "unheard": _unheard(recording),
        "once": uuid4(),
    }


def _unheard(recording: Recording) -> str:
    """That nobody was found who speaks, where the passage was to begin with that; else nothing."""
    if recording.unheard_s is None:
        return ""
    if recording.unheard_s < SPEECH_SEARCH_S:
        return _(
            "We found no speech in this recording, so the passage begins with its first sound. You can choose another "
            "one below."
        )
    return _(
        "We found no speech in the first %d minutes of this recording, so the passage begins with its first sound. If "
        "somebody speaks later, choose that passage below."
    ) % (SPEECH_SEARCH_S / 60)


@require_POST
def convert(request: HttpRequest, recording_id: UUID) -> HttpResponse:
    """All of the recording, in the voices that won."""
    user = signed_in(request)
    recording = sources.recording_or_404(user, recording_id)
    form = PassageForm(request.POST, user)
    if not form.is_valid():
        return _refused(request, recording, all_words(form), 422)
    voices, once = form.cleaned_data["voice"], form.cleaned_data["once"]
    order = actions.Order(actions.ordered_of(recording), only_me=recording.only_me, once=once)
    try:
        accepted = actions.submit_all(user, recording.team, [sources.of_recording(recording)], voices, order)
    except FileNotFoundError:
        messages.error(request, _("The recording is gone from the server. Please send it again in the Studio."))
        return see_other("conversions:studio")
    except Exception as error:
        problem = problem_of(error)
        return _refused(request, recording, str(problem), problem.status)
    say_what_is_missing(request, accepted)
    if accepted.batch is not None:
        return see_other("conversions:batch", accepted.batch.pk)
    return see_other("conversions:detail", accepted.conversions[0].pk)


@require_safe
def source(request: HttpRequest, recording_id: UUID) -> HttpResponseBase:
    """The whole recording, to find another passage. Nobody has decoded it: its name says what a player is told."""
    recording = sources.recording_or_404(signed_in(request), recording_id)
    guessed = mimetypes.guess_type(recording.name)[0] or ""
    media_type = guessed if guessed.startswith(("audio/", "video/")) else "application/octet-stream"
    return serve(request, recording.file, media_type, None, no_store=recording.zero_retention)
