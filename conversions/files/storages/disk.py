"""Files on a local disk."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import IO, BinaryIO, cast

from django.core.files import File
from django.core.files.storage import FileSystemStorage
from xxhash import xxh3_128

from conversions.files.storages import BLOCK
from conversions.ground.disk import begin_sync

# What a write that was broken off leaves beside its target.
_PART = ".*.part"


class DurableFileSystemStorage(FileSystemStorage):
    """Files on a local disk that are whole or absent, also after a power cut.

    Written beside, fsynced, renamed, folder fsynced (as SQLite and PostgreSQL do for their own files). A file with
    `temporary_file_path` on the same filesystem is renamed, not copied, unless its fsync has failed.
    """

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name  # keys are unique by construction, and writing the same key again must replace it

    def save(self, name: str | None, content: IO[bytes], max_length: int | None = None) -> str:
        """Without Django's questions whether a name is valid and free, three times each: keys are made by us."""
        assert name is not None
        return self._save(name, content if isinstance(content, File) else File(content, name))

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

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.location).free

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

    def begin(self, file: IO[bytes], size: int) -> Callable[[], None]:
        return begin_sync(file.fileno(), size)

    def save_in_order(self, files: Mapping[str, File[bytes]]) -> None:
        """None has its name before all of them are on the disk; then their folder is synced once."""
        contents = {Path(self.path(name)): content for name, content in files.items()}
        (folder,) = {target.parent for target in contents}
        made = _make_folders(folder)
        left = {target: content for target, content in contents.items() if not _is_there(content, target)}
        if len(left) < len(contents):
            # An earlier try broke off after a rename: which folders it had synced nobody knows any more.
            made = [parent for parent in folder.parents if parent.is_relative_to(self.location)]
        copies: dict[Path, Path] = {}
        try:
            for target, content in left.items():
                if not _moves(content):
                    copies[target] = _copy_beside(content, target)
            for content in filter(_moves, left.values()):
                _sync(content)
            for target, content in left.items():
                (copies.get(target) or Path(content.temporary_file_path())).replace(target)  # type: ignore[attr-defined]
        except BaseException:
            for copy in copies.values():
                copy.unlink(missing_ok=True)
            raise
        for path in (folder, *made):
            _fsync(path)

    def _save(self, name: str, content: File[bytes]) -> str:
        self.save_in_order({name: content})
        return name


def _moves(content: File[bytes]) -> bool:
    return hasattr(content, "temporary_file_path") and not getattr(content, "was_refused", False)


def _sync(content: File[bytes]) -> None:
    """Linux says once that a file could not be written, and calls it written from then on: the next try copies it
    (fsync(2); https://wiki.postgresql.org/wiki/Fsync_Errors)."""
    try:
        content.flush()
        if hasattr(content, "sync"):
            content.sync()  # it has begun before
        else:
            os.fsync(content.fileno())
    except OSError:
        content.was_refused = True  # type: ignore[attr-defined]
        raise


def _copy_beside(content: File[bytes], target: Path) -> Path:
    copy = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    try:
        with open(copy, "wb", opener=private) as file:
            _copy(content, file)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        copy.unlink(missing_ok=True)
        raise
    return copy


def _copy(content: File[bytes], file: BinaryIO) -> None:
    """Raises OSError for what isn't any more as it was written: what a disk refused may be gone from memory too."""
    digest = xxh3_128()
    for chunk in content.chunks():
        digest.update(chunk)
        file.write(chunk)
    if digest.hexdigest() != getattr(content, "checksum", digest.hexdigest()):
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def _is_there(content: File[bytes], target: Path) -> bool:
    """Whether a file that is renamed has its name already."""
    if not _moves(content):
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
