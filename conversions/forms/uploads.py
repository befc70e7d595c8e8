"""Which uploads reach the disk, and how: straight into a temporary file beside the media, so that saving is a rename.

What a form may bring is decided by its view, once it knows who sends it. Django reads the body of every POST that has a
CSRF cookie, also on pages that are open to strangers: there, the first file ends it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.core.exceptions import TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, TemporaryFileUploadHandler
from django.http import QueryDict
from django.http.multipartparser import MultiPartParser
from xxhash import xxh3_128

from conversions.files import durable
from conversions.forms import formdata
from conversions.ground.disk import WriteOut
from conversions.sound.reading import AT_THE_DOOR_BYTES


class NoFilesHandler(FileUploadHandler):
    """The default. Django answers 400."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        raise TooManyFilesSent("a file was sent to a page that takes none")


class FilesLeftOutHandler(FileUploadHandler):
    """For a form that may come with files of which nothing is wanted."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        raise SkipFile


class RecordingUploadHandler(TemporaryFileUploadHandler):
    """What may be understood at the door has a `checksum` (see `files`)."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, str],
        content_length: int,
        boundary: Any,  # bytes, unlike what its stub says
        encoding: str | None = None,
    ) -> tuple[QueryDict, formdata.Files]:
        self._is_small = content_length <= AT_THE_DOOR_BYTES
        clean_name = MultiPartParser(META, input_data, [self], encoding).sanitize_file_name
        return formdata.receive(input_data.read, content_length, boundary, self, clean_name)

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._write_out = WriteOut(self.file.fileno())
        self._digest = xxh3_128() if self._is_small else None

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.file.write(raw_data)
        self._write_out.grown_to(start + len(raw_data))
        if self._digest is not None:
            self._digest.update(raw_data)

    def upload_interrupted(self) -> None:
        with suppress(OSError):  # a full disk refuses what is still to be written as the file is closed, and it is gone
            super().upload_interrupted()

    def file_complete(self, file_size: int) -> UploadedFile[bytes] | None:
        file = super().file_complete(file_size)
        if file is not None and self._digest is not None:
            file.checksum = self._digest.hexdigest()  # type: ignore[attr-defined]
            durable.begin(file)
        return file
