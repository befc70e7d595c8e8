"""DATA_DIR: made private, tried out, and locked, so that two copies never share one."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path

from s2s_site.supervisor.errors import CannotStart, is_full

FOLDERS = ("media", "redis", "tmp", "uploads")
LONGEST_SOCKET_PATH_BYTES = 100  # the kernel takes 107 on Linux, 103 on macOS
PROBE_BYTES = 1024 * 1024


def prepare(path: Path) -> int:
    """Make DATA_DIR ready for use; returns the descriptor that holds its lock for the life of this process."""
    try:
        _make_folders(path)
        lock = _lock(path)
        _try_writing(path)
        _make_secret_key(path)
    except OSError as error:
        if is_full(error):
            raise CannotStart(f"The disk of DATA_DIR ({path}) is full: free some space and start again.") from error
        raise CannotStart(
            f"DATA_DIR ({path}) can't be written ({error.strerror}): choose another folder, "
            "for example DATA_DIR=$HOME/timbre bin/start"
        ) from error
    return lock


def socket_path(folder: Path, name: str) -> Path | None:
    """Where a socket of this name is in `folder`; None if the kernel takes no path as long as that."""
    path = folder / name
    return path if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH_BYTES else None


def write_atomically(path: Path, text: str) -> None:
    """Readers see the old or the new content, for the owner alone. Raises OSError, for example on a full disk."""
    draft = path.with_name(f".{path.name}.new")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _make_folders(path: Path) -> None:
    # A folder that somebody else uses too (DATA_DIR=/tmp) must keep its mode; what we put into it is private.
    if not path.exists() or not any(path.iterdir()):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
    for name in FOLDERS:
        folder = path / name
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)


def _lock(path: Path) -> int:
    # Never closed: the kernel releases the lock when this process ends, however it ends. Children don't inherit it.
    descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise CannotStart(
            f"DATA_DIR ({path}) is in use by another running Timbre (process {owner}): stop that one, "
            "or choose another folder with DATA_DIR=... bin/start"
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _try_writing(path: Path) -> None:
    probe = path / "tmp" / "probe"
    try:
        with probe.open("wb") as file:
            file.write(bytes(PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    finally:
        probe.unlink(missing_ok=True)


def _make_secret_key(path: Path) -> None:
    key = path / "secret_key"
    if not key.exists() or key.stat().st_size == 0:
        write_atomically(key, secrets.token_urlsafe(50))
