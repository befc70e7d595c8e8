"""Files on a local disk."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.core.files import File
from django.core.files.storage import FileSystemStorage

from conversions.files.storages import BLOCK

# What a write that was broken off leaves beside its target.
_PART = ".*.part"


class DurableFileSystemStorage(FileSystemStorage):
    """Files on a local disk that are whole or absent, also after a power cut.

    Written beside, fsynced, renamed, folder fsynced (as SQLite and PostgreSQL do for their own files). A file with
    `temporary_file_path` on the same filesystem is renamed, never copied. One that is `followed` by another file of
    its folder leaves the folder's fsync to that one.
    """

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name  # keys are unique by construction, and writing the same key again must replace it

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        """Without Django's questions whether a name is valid and free, three times each: keys are made by us."""
        assert name is not None
        return self._save(name, content)

    def open_file(self, name: str) -> BufferedReader:
        return cast(BufferedReader, self.open(name, "rb").file)

    def blocks(self, name: str, start: int, length: int) -> Iterator[bytes]:
        return _blocks(self.open_file(name), start, length)

    def address(self, name: str, *, method: str, media_type: str, disposition: str | None) -> str | None:
        return None

    def duplicate(self, name: str, new_name: str) -> None:
        """A second name for the same bytes, which are never changed: it takes no room."""
        source, target = Path(self.path(name)), Path(self.path(new_name))
        made = _make_folders(target.parent)
        try:
            target.hardlink_to(source)
        except FileExistsError:
            pass
        except FileNotFoundError:
            raise
        except OSError:  # no links on this filesystem, none across two, or no more of this file
            with self.open(name) as file:
                self._save(new_name, file)
        for folder in (target.parent, *made):
            _fsync(folder)

    def settle(self, name: str) -> None:
        _fsync(Path(self.path(name)))

    def folders(self, name: str) -> Iterator[str]:
        with suppress(FileNotFoundError), os.scandir(self.path(name)) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield entry.name

    def contents(self, name: str, folders: Sequence[str]) -> dict[str, dict[str, datetime]]:
        return {folder: _contents(Path(self.path(name), folder)) for folder in folders}

    def clear_broken_writes(self, before: datetime, *, root: str) -> int:
        removed = 0
        for folder in Path(self.location).iterdir():
            if folder.is_dir() and folder.name != root:
                removed += sum(_unlink_old(path, before) for path in folder.rglob(_PART))
        return removed

    def _save(self, name: str, content: File[Any]) -> str:
        target = Path(self.path(name))
        made = _make_folders(target.parent)
        if _is_there(content, target):
            # An earlier try broke off after the rename: which folders it had synced nobody knows any more.
            made = [folder for folder in target.parents if folder.is_relative_to(self.location)]
        else:
            self._rename(content, target)
        for folder in made if getattr(content, "followed", False) else (target.parent, *made):
            _fsync(folder)
        return name

    def _rename(self, content: File[Any], target: Path) -> None:
        if hasattr(content, "temporary_file_path"):
            beside = Path(content.temporary_file_path())
            content.flush()
            os.fsync(content.fileno())
        else:
            beside = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
            with open(beside, "wb", opener=private) as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
        beside.replace(target)


def _is_there(content: File[Any], target: Path) -> bool:
    """Whether a file that is renamed has its name already."""
    if not hasattr(content, "temporary_file_path"):
        return False
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(content.fileno()), target.stat())
    return False


def private(path: str, flags: int) -> int:
    """For `open`: nobody else reads what is made."""
    return os.open(path, flags, 0o600)


def _contents(folder: Path) -> dict[str, datetime]:
    found = {}
    with suppress(FileNotFoundError):
        found["."] = _modified(folder)
        with os.scandir(folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # deleted while we look
                    found[entry.name] = datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_mtime, UTC)
    return found


def _modified(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _unlink_old(path: Path, before: datetime) -> bool:
    try:
        if _modified(path) >= before:
            return False
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _blocks(file: BinaryIO, start: int, length: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        while length > 0 and (block := file.read(min(BLOCK, length))):
            length -= len(block)
            yield block


def _make_folders(folder: Path) -> list[Path]:
    """Makes `folder`; returns the parents whose entries changed and need an fsync."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
    return [path.parent for path in missing]


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
