"""Taking what a form sends with a file: what its headers tell is checked before its body touches the disk."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _

from conversions import actions
from conversions.forms.uploads import RecordingUploadHandler
from conversions.ground.connections import give_back
from conversions.views.problems import problem_of
from teams.gatekeeper import current_team, signed_in

logger = logging.getLogger(__name__)

Refuse = Callable[[str, int], HttpResponse]  # the page with a problem, and its status


def receive(request: HttpRequest, refuse: Refuse) -> HttpResponse | None:
    """None: all of its body is here. The view has to be `csrf_exempt`, and to protect itself once it has been read."""
    return _refusal(request, refuse) or _read(request, refuse)


def _refusal(request: HttpRequest, refuse: Refuse) -> HttpResponse | None:
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    user = signed_in(request)
    try:
        actions.require_welcome(user, current_team(user), length)
    except PermissionDenied:
        return refuse(_("You can listen here, but not convert. Ask your team's admin."), 403)
    except Exception as error:
        found = problem_of(error)
        return refuse(str(found), found.status)
    return None


def _read(request: HttpRequest, refuse: Refuse) -> HttpResponse | None:
    """All of the body, before csrf_protect reads it and nobody says what went wrong. None: it is here."""
    handler = RecordingUploadHandler(request)
    request.upload_handlers = [handler]
    give_back()  # a slow upload must not hold one of the pool's for minutes
    try:
        request.POST  # noqa: B018
        return None
    except SuspiciousOperation as error:  # more fields, files or bytes than any form of ours has
        logger.info("a form was refused: %s", error)
        problem, status = _("This form has more in it than it should. Reload the page and try again."), 400
    except (MultiPartParserError, UnreadablePostError):  # the latter: whoever sent it has left
        problem, status = _("The upload arrived broken. Please send it again."), 400
    except OSError:
        logger.exception("an upload could not be stored")
        problem = _("The upload could not be stored on the server. Nothing was converted; please tell your admin.")
        status = 507
    handler.upload_interrupted()
    return refuse(problem, status)
