"""Limits: what is refused before anything of it is kept, whether a page asks or a program."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.core.files import File
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from conversions.access.sources import Stored
from conversions.actions.regions import RegionOrder, wrong_with
from conversions.ground.disk import free_bytes
from conversions.ledger.usage import OverQuotaError, over_quota
from conversions.models import Batch, Conversion
from conversions.queue.plan import too_long_words
from s2s.contract import ConvertParameters
from teams.gatekeeper import member_of, require
from teams.models import Team, User
from teams.roles import May
from voices import abilities
from voices.models import Voice

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 200  # conversions of one batch, in however many requests they come
MOST_VOICES = 6  # of an audition


class RefusedError(Exception):
    """`problems`: what can't be had, by "audio", "voice" or a parameter of the contract, and why in words."""

    def __init__(self, *problems: tuple[str, str]) -> None:
        super().__init__(" ".join(words for _name, words in problems))
        self.problems = problems


class TooLargeError(Exception):
    """Known by its length alone, before it arrives. In words for people."""


class NoRoomError(Exception):
    """The server's own disk is nearly full. In words for people."""


def require_welcome(actor: User, team: Team | None, size: int) -> None:
    """For a request of `size` bytes, before its body is read and touches the disk.

    Raises PermissionDenied, TooLargeError, OverQuotaError and NoRoomError.
    """
    require(actor, May.CONVERT, team.pk if team else None)
    # Other fields and the multipart boundaries need a little room too.
    if size > settings.MAX_UPLOAD_BYTES + 1024**2:
        most = filesizeformat(settings.MAX_UPLOAD_BYTES)
        raise TooLargeError(_("This is too large: at most %s are taken at once.") % most)
    require_quota(actor, team, size)
    if free_bytes() - size < settings.MIN_FREE_BYTES:
        logger.error("an upload of %d bytes was refused: the disk is nearly full", size)
        raise NoRoomError(no_room_words())


def no_room_words() -> str:
    return _("There is no room for this recording on the server at the moment. Please tell your admin.")


def require_quota(actor: User, team: Team | None, size: int) -> None:
    """Asked again when it is kept, under the team's lock; asked now, it saves people an upload."""
    member = member_of(actor, team)
    over = over_quota(member, size=size) if member else None
    if over:
        raise OverQuotaError(over)


def require_takeable(
    recordings: Sequence[File[bytes] | Stored],
    voices: Sequence[Voice],
    parameters: ConvertParameters,
    regions: Sequence[RegionOrder] = (),
) -> None:
    """Raises RefusedError with everything that is wrong at once."""
    problems = [*_too_large(recordings)]
    if len(recordings) * len(voices) > MOST_AT_ONCE:
        problems.append(("voice", _too_many()))
    # Of a recording that was to leave no trace everything is, whatever is wanted now.
    if any(isinstance(one, Stored) and one.zero_retention for one in recordings):
        parameters = parameters.model_copy(update={"enable_logging": False})
    problems += beyond([*voices, *(region.voice for region in regions if region.voice)], parameters)
    problems += _wrong_regions(recordings, parameters, regions)
    if problems:
        raise RefusedError(*problems)


def require_heard(team: Team, voices: Iterable[Voice]) -> None:
    """Another team's voice is one that doesn't exist. Raises RefusedError."""
    if any(voice.team_id not in (None, team.pk) for voice in voices):
        raise RefusedError(("voice", _("This voice is no longer offered. Choose another one.")))


def require_regions(audio: File[bytes] | Stored, parameters: ConvertParameters, regions: Sequence[RegionOrder]) -> None:
    """For one recording. Raises RefusedError."""
    problems = _wrong_regions([audio], parameters, regions)
    if problems:
        raise RefusedError(*problems)


def _wrong_regions(
    recordings: Sequence[File[bytes] | Stored], parameters: ConvertParameters, regions: Sequence[RegionOrder]
) -> list[tuple[str, str]]:
    if regions and len(recordings) != 1:
        return [("regions", _("Regions belong to one recording. Send it alone, or remove them."))]
    known = recordings[0] if recordings else None
    return wrong_with(regions, parameters, known.duration_s if isinstance(known, Stored) else None)


def require_cuttable(recordings: Sequence[File[bytes] | Stored], voices: Sequence[Voice]) -> None:
    """Of what is on the server already it is known whether it would be more pieces than are made. Raises RefusedError.

    Of what is uploaded it is found when it is prepared, before anything is sent.
    """
    lengths = [(one.duration_s, one.size) for one in recordings if isinstance(one, Stored) and one.duration_s]
    endpoints = {voice.endpoint for voice in voices}
    said = (too_long_words(endpoint, *length) for length in lengths for endpoint in endpoints)
    problems = [("voice", words) for words in said if words]
    if problems:
        raise RefusedError(*problems)


def require_few_voices(voices: Sequence[Voice]) -> None:
    if len(voices) > MOST_VOICES:
        raise RefusedError(("voice", _("At most %d voices can be tried at once.") % MOST_VOICES))


def require_place(batch: Batch, more: int = 1) -> None:
    """For `more` conversions in it. Until the end of the transaction nobody else adds to it."""
    Batch.objects.select_for_update(no_key=True).order_by().get(pk=batch.pk)
    if Conversion.objects.filter(batch=batch).count() + more > MOST_AT_ONCE:
        raise RefusedError(("voice", _too_many()))


def beyond(voices: Iterable[Voice], parameters: ConvertParameters) -> list[tuple[str, str]]:
    """What is wanted and can't be had of the voices' endpoints: the parameter, and words.

    Where one of several can do it, it counts there alone; but whoever wants nothing kept means by nobody.
    """
    found = list(abilities.of({voice.endpoint for voice in voices}).values())
    model = parameters.model_id or ""
    problems = []
    if parameters.remove_background_noise and all(abilities.NOISE in one.lacks(model) for one in found):
        problems += [("remove_background_noise", _("%s can't remove noise.") % one.endpoint.name) for one in found]
    if model and not any(model in one.models for one in found):
        problems += [("model_id", _("%s doesn't have this model.") % one.endpoint.name) for one in found]
    if not parameters.enable_logging:
        unable = [one.endpoint for one in found if not one.endpoint.zero_retention]
        problems += [("enable_logging", _("%s can't promise to keep nothing.") % each.name) for each in unable]
    return problems


def _too_many() -> str:
    return _("These are more than %d conversions. Take fewer at once.") % MOST_AT_ONCE


def _too_large(recordings: Sequence[File[bytes] | Stored]) -> Iterable[tuple[str, str]]:
    """A problem with one names it where there are several."""
    for one in recordings:
        if not isinstance(one, Stored) and (one.size or 0) > settings.MAX_UPLOAD_BYTES:
            words = _("This file has %(size)s, and at most %(most)s are taken.") % {
                "size": filesizeformat(one.size),
                "most": filesizeformat(settings.MAX_UPLOAD_BYTES),
            }
            yield "audio", words if len(recordings) == 1 else f"{one.name}: {words}"
