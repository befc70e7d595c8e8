"""Voices that were added to this engine: one JSON profile and one preview each, in a folder that its processes share.

The sample that a voice was measured on isn't kept. What is here is read again for each request, because another process
may have added or deleted.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import numpy as np

from s2s.engine.enrolment import Enrolled
from s2s.engine.errors import Refusal
from s2s.engine.voices import Voice, load

MOST = 1000
# What ElevenLabs' ids look like; names of files, here.
_ID = re.compile(r"own[0-9a-f]{17}")
_GIVEN_UP_S = 3600.0


class AddedVoices:
    """`folder` is made when the first voice is added."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, voice_id: str) -> Voice | None:
        if not _ID.fullmatch(voice_id):
            return None
        try:
            return load(self._profile(voice_id))
        except FileNotFoundError:
            return None

    def all(self) -> Mapping[str, Voice]:
        """By their ids, oldest first."""
        paths = [path for path in self._folder.glob("*.json") if _ID.fullmatch(path.stem)]
        found = (self.find(path.stem) for path in sorted(paths, key=_age))
        return {voice.voice_id: voice for voice in found if voice is not None}

    def add(
        self,
        enrolled: Enrolled,
        name: str,
        description: str,
        labels: Mapping[str, str],
        write_preview: Callable[[Voice, BinaryIO], None],
    ) -> Voice:
        """Durable when it returns. `write_preview` writes an MP3. Raises Refusal 400 for one too many, and OSError."""
        if len(list(self._folder.glob("*.json"))) >= MOST:
            raise Refusal.because(400, "voice_limit_reached", f"This engine has {MOST} voices. Delete one first.")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._forget_begun()
        voice_id = f"own{secrets.token_hex(9)[1:]}"
        profile = {
            "voice_id": voice_id,
            "name": name,
            "description": description,
            "labels": dict(labels),
            "tilt_db_per_octave": 0.0,
            "breath": 0.0,
            **asdict(enrolled, dict_factory=_plain),
        }
        begun = self._folder / f"{voice_id}.begun"
        preview = begun.with_suffix(".mp3")
        try:
            begun.write_text(json.dumps(profile), encoding="utf-8")
            voice = load(begun)
            with preview.open("wb") as sink:
                write_preview(voice, sink)
                sink.flush()
                os.fsync(sink.fileno())
            _sync(begun)
            # Its profile last: with it the voice is there.
            begun.replace(self._profile(voice_id))
            _sync(self._folder)
        except BaseException:
            for path in (self._profile(voice_id), begun, preview):
                path.unlink(missing_ok=True)
            raise
        return voice

    def _forget_begun(self) -> None:
        """What a process left that was killed while it added a voice."""
        for path in self._folder.glob("*.begun"):
            if time.time() - _age(path)[0] > _GIVEN_UP_S:
                path.with_suffix(".mp3").unlink(missing_ok=True)
                path.unlink(missing_ok=True)

    def delete(self, voice_id: str) -> bool:
        """Whether it was here. Nothing of it is left."""
        if not _ID.fullmatch(voice_id):
            return False
        try:
            self._profile(voice_id).unlink()
        except FileNotFoundError:
            return False
        self._profile(voice_id).with_suffix(".mp3").unlink(missing_ok=True)
        _sync(self._folder)
        return True

    def _profile(self, voice_id: str) -> Path:
        return self._folder / f"{voice_id}.json"


def _plain(fields: list[tuple[str, object]]) -> dict[str, object]:
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in fields}


def _age(path: Path) -> tuple[float, str]:
    try:
        return path.stat().st_mtime, path.name
    except FileNotFoundError:  # deleted meanwhile
        return 0.0, path.name


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
