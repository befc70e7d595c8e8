"""Where the files of a conversion live, and how they become durable before anyone is told of them.

    conversions/<id>/source                         the recording as it came; also of one that is only auditioned
    conversions/<id>/sample-<token>                 what a team's voice is made from; the id is its enrolment's
    conversions/<id>/play-<token>                   the recording for players that can't search it as it came
    conversions/<id>/<step>-<attempt>-<token>       a result, as it came from the endpoint
    conversions/<id>/<step>-<attempt>-<token>.json  written last: checksum and answer headers; without it a
                                                    result is not complete

Names that people typed never become paths. Checksums are XXH3-128 in hex (https://xxhash.com): they find what was torn
or has rotted, at the speed of memory, and are no proof against somebody who wants them to be equal.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import IO, BinaryIO, Protocol, cast

from django.conf import settings
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from pydantic import TypeAdapter
from xxhash import xxh3_128

from conversions.files.storages.disk import private
from conversions.ground.connections import give_back
from conversions.ground.disk import WriteOut
from s2s.client import Unclear

ROOT = "conversions"
# A paid answer is not given up because the storage is away for a moment.
PATIENCE_S = 120.0
_logger = logging.getLogger(__name__)


class AudioStorage(Protocol):
    """What audio needs of the storage besides Django's own methods; conversions/files/storages has two that do it."""

    def open_file(self, name: str) -> BufferedReader:
        """A real file with a descriptor, which a decoder can seek in. Raises FileNotFoundError."""

    def blocks(self, name: str, start: int, length: int) -> Iterator[bytes]:
        """`length` bytes from `start` on, in pieces, without keeping them. Raises FileNotFoundError at once."""

    def address(self, name: str, *, method: str, media_type: str, disposition: str | None) -> str | None:
        """Where a browser gets the file without us, for a short time; None if only we can hand it out."""

    def duplicate(self, name: str, new_name: str) -> None:
        """The same bytes under a further name, durable, without passing through us. Raises FileNotFoundError."""

    def begin(self, file: IO[bytes], size: int) -> Callable[[], None]:
        """What has been written to a temporary file begins to become durable; what is returned waits for that."""

    def save_in_order(self, files: Mapping[str, File[bytes]]) -> None:
        """Files of one folder, whole or absent each: none gets its name before those that stand before it."""

    def free_bytes(self) -> int | None:
        """None where there is no end that we know of."""

    def settle(self, name: str) -> None:
        """Makes durable what the folder is known to hold."""

    def folders(self, name: str) -> Iterator[str]:
        """The folders in `name`, one after the other, in no order: there may be a million."""

    def contents(self, name: str, folders: Sequence[str]) -> dict[str, dict[str, datetime]]:
        """The files of each folder and when they were written, {} for one that isn't there. On a disk "." is the
        folder itself. Many `folders` are to be neighbours in the order of their names."""

    def clear_broken_writes(self, before: datetime, *, root: str) -> int:
        """Removes what writes that broke off have left and `contents` of `root` doesn't show. Returns how many."""


def storage() -> AudioStorage:
    return cast(AudioStorage, default_storage)


def are_there(size: int = 2) -> bool:
    """Whether the storage takes a file of `size` bytes and gives it back, now."""
    key = f"health/{uuid.uuid4().hex}"
    try:
        default_storage.save(key, ContentFile(bytes(size)))
        with open_file(key) as file:
            is_there = len(file.read()) == size
        default_storage.delete(key)
    except OSError:
        return False
    return is_there


def folder_of(conversion_id: uuid.UUID) -> str:
    return f"{ROOT}/{conversion_id}"


def free_bytes() -> int | None:
    """Room that is left for files; None for a bucket."""
    return storage().free_bytes()


def source_key(conversion_id: uuid.UUID) -> str:
    return f"{folder_of(conversion_id)}/source"


def speech_key(recording_id: uuid.UUID) -> str:
    """Of what is spoken in a recording that is auditioned: of its beginning, for those passages that are tried."""
    return f"{folder_of(recording_id)}/speech"


def sample_key(enrolment_id: uuid.UUID) -> str:
    """Another one for each try to keep it: what one that was cut off has left is never taken for another's."""
    return f"{folder_of(enrolment_id)}/sample-{uuid.uuid4().hex}"


def begin(upload: File[bytes]) -> None:
    """A complete upload in a temporary file goes to the disk while it is understood."""
    upload.sync = storage().begin(upload, upload.size)  # type: ignore[attr-defined]


def store_upload(key: str, upload: File[bytes]) -> None:
    """Makes a complete upload durable under `key`."""
    give_back()  # a transfer to S3 must not hold one of the pool's
    default_storage.save(key, upload)


def duplicate(key: str, new_key: str) -> None:
    """Makes what is stored under `key` durable under `new_key` too. Raises FileNotFoundError."""
    give_back()
    storage().duplicate(key, new_key)


def open_file(key: str) -> BufferedReader:
    """Raises FileNotFoundError when nothing is stored under `key`."""
    return storage().open_file(key)


def size(key: str) -> int:
    """Bytes. Raises FileNotFoundError when nothing is stored under `key`."""
    return default_storage.size(key)


def blocks(key: str, start: int, length: int) -> Iterator[bytes]:
    """`length` bytes from `start` on, as they come. Raises FileNotFoundError before the first."""
    return storage().blocks(key, start, length)


def address(key: str, *, method: str, media_type: str, disposition: str | None) -> str | None:
    """A signed address of another host that answers `method` for a short time; None for files on our disk."""
    return storage().address(key, method=method, media_type=media_type, disposition=disposition)


@contextlib.contextmanager
def store_for_players(conversion_id: uuid.UUID, token: uuid.UUID) -> Iterator[tuple[BinaryIO, Callable[[], str]]]:
    """A file to write to, and what makes it durable then and tells its key. Both may raise OSError."""
    key = f"{folder_of(conversion_id)}/play-{token.hex}"

    def keep() -> str:
        file.flush()
        default_storage.save(key, _Movable(file))
        return key

    with _spool() as file:
        yield cast(BinaryIO, file), keep


# ---- results ----


@dataclass(frozen=True)
class Result:
    """A complete answer of an endpoint, on disk."""

    key: str
    size: int
    checksum: str
    headers: dict[str, str] = field(default_factory=dict)


def result_key(conversion_id: uuid.UUID, step_id: int, attempt: int, token: uuid.UUID) -> str:
    return f"{folder_of(conversion_id)}/{step_id}-{attempt}-{token.hex}"


def store_result(
    conversion_id: uuid.UUID,
    step_id: int,
    attempt: int,
    token: uuid.UUID,
    chunks: Iterable[bytes],
    headers: dict[str, str],
    *,
    growing: Callable[[BinaryIO, int], object] = lambda _file, _size: None,
    beside: Callable[[BinaryIO], Callable[[], object]] = lambda _file: lambda: None,
) -> Result:
    """Writes `chunks` as they come, then the note that says they are complete. Nothing is known of it before.

    `growing` is told after each chunk, with the file and how many bytes are in it.
    `beside` gets the complete file and looks at it, or begins to elsewhere, while it is being made durable; what it
    returns waits for the end of that. Raises what `chunks` and those three raise, and Unclear when a complete answer
    could not be kept: it may have been billed.
    """
    key = result_key(conversion_id, step_id, attempt, token)
    digest, size = xxh3_128(), 0
    with _spool() as file:
        out = WriteOut(file.fileno())
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            _write(file, chunk)
            out.grown_to(size)
            growing(cast(BinaryIO, file), size)
        result = Result(key, size, digest.hexdigest(), headers)
        answer = _Movable(file, storage().begin(file, size), result.checksum)
        wait = _begun(beside, cast(BinaryIO, file))
        try:
            _keep({key: answer, f"{key}.json": ContentFile(json.dumps(vars(result)).encode())})
        except Exception:
            with contextlib.suppress(Exception):  # what the storage raised tells more
                wait()
            raise
        wait()
    return result


def _begun(beside: Callable[[BinaryIO], Callable[[], object]], file: BinaryIO) -> Callable[[], object]:
    """A look that can't even begin keeps no answer from becoming durable: what it raises is raised by the wait."""
    try:
        return beside(file)
    except Exception as error:
        return partial(_raise, error)


def _raise(error: Exception) -> None:
    raise error


def _write(file: IO[bytes], data: bytes) -> None:
    try:
        file.write(data)
        file.flush()
    except OSError as error:  # the disk is full, say
        raise _not_stored() from error


def _keep(files: Mapping[str, File[bytes]]) -> None:
    """Stores a complete answer, patiently. What is raised in the end tells the failure policy to ask a person."""
    give_up_at, pause_s = time.monotonic() + PATIENCE_S, 1.0
    while True:
        try:
            storage().save_in_order(files)
            return
        except OSError as error:
            if time.monotonic() + pause_s > give_up_at:
                raise _not_stored() from error
            # Without the folder: the log keeps no zero retention conversion's id.
            _logger.warning("%s can't be stored, trying again: %s", name_of(next(iter(files))), error.strerror or "?")
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, 15.0)


def _not_stored() -> Unclear:
    """For the failure policy: repeating the call would be billed again."""
    return Unclear("The answer could not be stored here.", code="not_stored")


class _Movable(File):  # type: ignore[type-arg]
    """A spooled file that the storage may rename instead of copying. `begun` waits for its way to the disk."""

    def __init__(self, file: IO[bytes], begun: Callable[[], None] | None = None, checksum: str = "") -> None:
        super().__init__(file)
        self.sync = begun or partial(os.fsync, self.fileno())
        if checksum:
            self.checksum = checksum  # of what was written

    def temporary_file_path(self) -> str:
        assert self.name is not None
        return self.name


@contextlib.contextmanager
def _spool() -> Iterator[IO[bytes]]:
    """A temporary file on the media's filesystem; gone at the end unless it was moved away."""
    path = f"{settings.FILE_UPLOAD_TEMP_DIR}/result-{uuid.uuid4().hex}"
    with open(path, "x+b", opener=private) as file:
        try:
            yield file
        finally:
            Path(path).unlink(missing_ok=True)


def find_result(conversion_id: uuid.UUID, step_id: int) -> Result | None:
    """A complete result of any attempt at the step, its checksum compared: what a crash left to be adopted."""
    folder = folder_of(conversion_id)
    for name in sorted(names_in(conversion_id), reverse=True):
        if name.startswith(f"{step_id}-") and name.endswith(".json"):
            result = _noted(f"{folder}/{name}")
            if result and default_storage.exists(result.key) and _is_whole(result):
                storage().settle(folder)  # who wrote it may have died before
                return result
    return None


def _noted(key: str) -> Result | None:
    try:
        with open_file(key) as note:
            fields = json.load(note)
        return TypeAdapter(Result).validate_python(fields)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        _logger.error("%s is no note any more: %s", key, error)
        return None


def _is_whole(result: Result) -> bool:
    return checksum(result.key) == result.checksum


def checksum(key: str) -> str:
    digest = xxh3_128()
    for block in blocks(key, 0, size(key)):
        digest.update(block)
    return digest.hexdigest()


# ---- removal ----


def delete_results(conversion_id: uuid.UUID, *step_ids: int) -> None:
    """Deletes what any attempt at these steps left; the source stays. They are looked for once for all of them."""
    prefixes = {str(step_id) for step_id in step_ids}
    left = [name for name in names_in(conversion_id) if name.lstrip(".").partition("-")[0] in prefixes]
    delete(conversion_id, left)


def delete_all(conversion_id: uuid.UUID) -> None:
    """Deletes every file of a conversion; what is gone already is no error."""
    folder = folder_of(conversion_id)
    delete(conversion_id, names_in(conversion_id))
    with contextlib.suppress(OSError):  # a result may just be arriving: housekeeping comes back for it
        default_storage.delete(folder)  # on a disk; S3 has no folders


def names_in(conversion_id: uuid.UUID) -> list[str]:
    """Of its files."""
    try:
        return default_storage.listdir(folder_of(conversion_id))[1]
    except FileNotFoundError:
        return []


def exists(key: str) -> bool:
    return default_storage.exists(key)


def name_of(key: str) -> str:
    """Without its folder."""
    return key.rsplit("/", 1)[-1]


def discard(key: str) -> None:
    default_storage.delete(key)


def discard_result(key: str) -> None:
    """With its note, which goes first: what has one is complete."""
    default_storage.delete(f"{key}.json")
    default_storage.delete(key)


def delete(conversion_id: uuid.UUID, names: Iterable[str]) -> None:
    for name in names:
        default_storage.delete(f"{folder_of(conversion_id)}/{name}")
