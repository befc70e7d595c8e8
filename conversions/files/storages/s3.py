"""Files in a bucket of any S3, through django-storages: private, streamed both ways, fetched by signed addresses."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from io import BufferedReader
from tempfile import TemporaryFile
from typing import IO, Any

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files import File
from storages.backends.s3 import S3Storage

from conversions.files.storages import BLOCK, StorageError
from conversions.files.storages.bucket import Bucket

# Four parts of 8 MiB at a time, from the disk: memory stays flat. S3 takes 10,000 parts, so 78 GiB a file.
TRANSFER = TransferConfig(multipart_threshold=16 * 1024**2, multipart_chunksize=8 * 1024**2, max_concurrency=4)
# A broken download is resumed this often.
RESUMES = 3
COPIED = 1024**2
_connecting = threading.Lock()


class BucketStorage(S3Storage):  # type: ignore[misc]  # django-storages has no types
    """Files in a private bucket.

    S3 shows an object only when all of it has arrived, so a file is whole or absent here too. Nothing gets an ACL:
    what the bucket says holds, and browsers get in by signature alone.
    """

    def __init__(self, *, prefix: str = "", link_seconds: int = 3600, **where: str) -> None:
        self.where = Bucket(**where)
        self.link_seconds = link_seconds
        self._mine: tuple[int, Any, Any] | None = None
        super().__init__(
            bucket_name=self.where.bucket,
            endpoint_url=self.where.endpoint_url or None,
            region_name=self.where.region or None,
            access_key=self.where.access_key_id or None,
            secret_key=self.where.secret_access_key or None,
            location=prefix,
            default_acl=None,
            querystring_auth=True,
            file_overwrite=True,  # keys are unique by construction, and writing the same key again must replace it
            client_config=self.where.config,
            transfer_config=TRANSFER,
        )

    # ---- connections ----

    @property
    def connection(self) -> Any:
        """One for all threads, where django-storages has one each: a hundred threads would cost a gigabyte."""
        return self._connected()[0]

    @property
    def _public(self) -> Any:
        return self._connected()[1]

    @property
    def bucket(self) -> Any:
        return self.connection.Bucket(self.bucket_name)

    @property
    def _client(self) -> Any:
        return self.connection.meta.client

    def _connected(self) -> tuple[Any, Any]:
        with _connecting:
            if self._mine is None or self._mine[0] != os.getpid():  # a fork must not share its parent's sockets
                session = self._create_session()
                resource = session.resource(
                    "s3", region_name=self.region_name, endpoint_url=self.endpoint_url, config=self.client_config
                )
                self._mine = (os.getpid(), resource, self.where.public_client())
            return self._mine[1:]

    def _key(self, name: str) -> str:
        key: str = self._normalize_name(name)
        return key

    # ---- what audio needs ----

    def open_file(self, name: str) -> BufferedReader:
        """A copy on our disk without a name: it is gone when it is closed, also after a crash."""
        with TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as copy:
            with _as_os_errors(name):
                self._copy(self._key(name), copy)
            copy.flush()
            copy.seek(0)
            return os.fdopen(os.dup(copy.fileno()), "rb")

    def _copy(self, key: str, copy: IO[bytes]) -> None:
        """Goes on where a connection broke. (boto3's own download asks for ranges that some servers refuse.)"""
        answer = self._client.get_object(Bucket=self.bucket_name, Key=key)
        length = answer["ContentLength"]
        for left in reversed(range(RESUMES + 1)):
            try:
                with closing(answer["Body"]) as body:
                    shutil.copyfileobj(body, copy, COPIED)
                return
            except BotoCoreError:
                if not left:
                    raise
            span = f"bytes={copy.tell()}-{length - 1}"
            answer = self._client.get_object(Bucket=self.bucket_name, Key=key, Range=span, IfMatch=answer["ETag"])

    def blocks(self, name: str, start: int, length: int) -> Iterator[bytes]:
        if length == 0:  # no range says "nothing"
            return iter(())
        with _as_os_errors(name):
            span = f"bytes={start}-{start + length - 1}"
            answer = self._client.get_object(Bucket=self.bucket_name, Key=self._key(name), Range=span)
        return _blocks(name, answer["Body"])

    def address(self, name: str, *, method: str, media_type: str, disposition: str | None) -> str | None:
        asked = {"Bucket": self.bucket_name, "Key": self._key(name), "ResponseContentType": media_type}
        if disposition:
            asked["ResponseContentDisposition"] = disposition
        operation = "head_object" if method == "HEAD" else "get_object"
        signed: str = self._public.generate_presigned_url(operation, Params=asked, ExpiresIn=self.link_seconds)
        return signed

    def duplicate(self, name: str, new_name: str) -> None:
        """Copied by the server itself."""
        with _as_os_errors(name):
            there = {"Bucket": self.bucket_name, "Key": self._key(name)}
            self._client.copy(there, self.bucket_name, self._key(new_name), Config=TRANSFER)

    def begin(self, file: IO[bytes], size: int) -> Callable[[], None]:
        """Nothing has to be on a disk before it is sent."""
        return lambda: None

    def save_in_order(self, files: Mapping[str, File[bytes]]) -> None:
        """One is there before the next is sent."""
        for name, content in files.items():
            self.save(name, content)

    def free_bytes(self) -> None:
        """A bucket is as large as what is put into it."""

    def settle(self, name: str) -> None:
        """An object that is there is durable."""

    # ---- what housekeeping needs ----

    def folders(self, name: str) -> Iterator[str]:
        root = f"{self._key(name)}/"
        with _as_os_errors(name):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket_name, Prefix=root, Delimiter="/"):
                for found in page.get("CommonPrefixes", []):
                    yield found["Prefix"].removeprefix(root).rstrip("/")

    def contents(self, name: str, folders: Sequence[str]) -> dict[str, dict[str, datetime]]:
        """Of many, one list from the first to the last: a request for each would take hours in a large bucket."""
        found: dict[str, dict[str, datetime]] = {folder: {} for folder in folders}
        if not folders:
            return found
        root, last = f"{self._key(name)}/", max(folders)
        span = {"Prefix": f"{root}{last}/"} if len(found) == 1 else {"Prefix": root, "StartAfter": root + min(folders)}
        with _as_os_errors(name):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket_name, **span):
                for item in page.get("Contents", []):
                    folder, _, file = item["Key"].removeprefix(root).partition("/")
                    if folder > last:
                        return found
                    if folder in found:
                        found[folder][file] = item["LastModified"]
        return found

    def clear_broken_writes(self, before: datetime, *, root: str) -> int:
        """Uploads in parts that a killed process left: they take room and are seen by nobody."""
        removed = 0
        with _as_os_errors("unfinished uploads"):
            pages = self._client.get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=self.bucket_name, Prefix=f"{self._key(root)}/"):
                for found in page.get("Uploads", []):
                    if found["Initiated"] < before:
                        self._client.abort_multipart_upload(
                            Bucket=self.bucket_name, Key=found["Key"], UploadId=found["UploadId"]
                        )
                        removed += 1
        return removed

    # ---- Django's own methods, with the errors of files ----

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        if mode != "rb":
            raise ValueError(f"A stored file is opened to be read, not with mode {mode!r}.")
        return File(self.open_file(name), name)

    def _save(self, name: str, content: File[bytes]) -> str:
        with _as_os_errors(name):
            if not hasattr(content, "temporary_file_path"):
                saved: str = super()._save(name, content)
                return saved
            # By path: boto3 then reads each part from the disk, where it would hold parts of a file object in memory.
            self._client.upload_file(
                content.temporary_file_path(),
                self.bucket_name,
                self._key(name),
                ExtraArgs={"ContentType": "application/octet-stream"},
                Config=TRANSFER,
            )
        return name

    def delete(self, name: str) -> None:
        with _as_os_errors(name):
            super().delete(name)

    def exists(self, name: str) -> bool:
        with _as_os_errors(name):
            return bool(super().exists(name))

    def listdir(self, name: str) -> tuple[list[str], list[str]]:
        with _as_os_errors(name):
            folders, files = super().listdir(name)
        return folders, files

    def size(self, name: str) -> int:
        with _as_os_errors(name):
            size: int = super().size(name)
        return size

    def get_modified_time(self, name: str) -> datetime:
        with _as_os_errors(name):
            modified: datetime = super().get_modified_time(name)
        return modified


def _blocks(name: str, body: Any) -> Iterator[bytes]:
    with closing(body), _as_os_errors(name):
        yield from body.iter_chunks(BLOCK)


@contextmanager
def _as_os_errors(name: str) -> Iterator[None]:
    """Callers know the errors of files, not those of one library."""
    try:
        yield
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
            raise FileNotFoundError(name) from error
        raise StorageError(f"S3 refused: {error.response.get('Error', {}).get('Code', 'unknown')}") from error
    except (BotoCoreError, Boto3Error) as error:
        raise StorageError(f"S3 failed: {type(error).__name__}") from error
