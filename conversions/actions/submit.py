"""Submit: from here on the recording is ours to look after."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from conversions import files
from conversions.models import Conversion, Event, Step, log
from conversions.queue.bells import Lane, ring_on_commit
from s2s.contract import ConvertParameters
from teams.gatekeeper import May, current_team, require
from teams.models import User
from voices.models import Voice


def submit(
    user: User, audio: UploadedFile[Any], voice: Voice, parameters: ConvertParameters, *, title: str = ""
) -> Conversion:
    """Accepts a complete upload. When this returns, the recording survives any crash.

    Raises PermissionDenied for those who may not convert in their team.
    """
    require(user, May.CONVERT)
    team = current_team(user)
    if team is None:
        raise PermissionDenied
    name = clean_name(audio.name or "")
    if not parameters.enable_logging:  # zero retention: not even the names are kept
        name, title = "", _("Private recording")
    conversion = Conversion(
        team=team,
        created_by=user,
        title=(title.strip() or title_of(name))[:200],
        source_name=name,
        source_bytes=audio.size or 0,
        voice=voice,
        voice_name=voice.name,
        voice_stored_settings=voice.settings,
        endpoint=voice.endpoint,
        **parameters.model_dump(exclude={"model_id", "voice_settings"}),
        model_id=parameters.model_id or "",
        voice_settings=parameters.voice_settings.model_dump(exclude_none=True) if parameters.voice_settings else None,
    )
    conversion.source = files.source_key(conversion.pk)
    # The file is durable before any row speaks of it; a crash in between leaves an orphan, which is swept up.
    files.store_upload(conversion.source, audio)
    try:
        with transaction.atomic():
            conversion.save(force_insert=True)
            Step.objects.create(conversion=conversion, kind=Step.Kind.PREPARE, team=team, user=user)
            log(conversion, Event.Kind.SUBMITTED, actor=user, name=name, voice=voice.name)
            ring_on_commit(Lane.CPU)
    except Exception:
        files.delete_all(conversion.pk)
        raise
    return conversion


def clean_name(name: str) -> str:
    """A file's name as people may see it: one line of at most 255 characters, no folders, no invisible marks."""
    # Browsers write these three so in a form (WHATWG HTML, multipart/form-data encoding).
    for written, meant in (("%22", '"'), ("%0D", "\r"), ("%0A", "\n")):
        name = name.replace(written, meant)
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(" " if character.isspace() else character for character in name)
    # Cc: control characters, Cf: format characters such as right-to-left override, Cs: lone surrogates
    name = "".join(character for character in name if unicodedata.category(character) not in ("Cc", "Cf", "Cs"))
    name = re.sub(r" +", " ", name).strip()
    if len(name) <= 255:
        return name or "recording"
    suffix = PurePosixPath(name).suffix[:16]
    return name[: 255 - len(suffix)] + suffix


def title_of(name: str) -> str:
    """`harbour-news_final.m4a` -> "harbour-news final": what the history calls it until someone renames it."""
    stem = PurePosixPath(name).stem if PurePosixPath(name).suffix else name
    return stem.replace("_", " ").strip() or name
