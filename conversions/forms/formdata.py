"""A form with files in it, taken apart while it arrives (RFC 7578).

Django's own parser copies every chunk twice, so that a boundary across two of them is found. This one hands on what was
read, as it was read, and searches it in a fraction of the time, or not at all where the form has said that the file is
its end: `bench/upload`.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from typing import TypeAlias

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import QueryDict
from django.http.multipartparser import MultiPartParserError
from django.utils.datastructures import MultiValueDict
from django.utils.http import parse_header_parameters
from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
)

# What is read and written with one call. Large pieces wake fewer threads and are kept by the kernel in fewer, larger
# ones; each is copied twice on its way through the server, which is cheap while it fits the processor's cache.
CHUNK_BYTES = 512 * 1024
MOST_FIELDS = 200
# A field before the file with which the form ends; its value is that file's field. The Studio's script sends it: where
# the length of the body is known too, so is the end of the file.
LAST = "last"
_AS_IT_IS = {"7bit", "8bit", "binary"}
# Browsers send a line break in a name as %0D%0A (HTML, "multipart/form-data"), which the parser undoes. Django would
# drop it, and run two words together.
_BREAKS = re.compile(r"[\t\n\v\f\r]+")

# UploadedFile is generic in the stubs alone.
Files: TypeAlias = "MultiValueDict[str, UploadedFile[bytes]]"


def receive(
    read: Callable[[int], bytes],
    length: int,
    boundary: bytes,
    handler: FileUploadHandler,
    clean_name: Callable[[str], str | None],
) -> tuple[QueryDict, Files]:
    """All of the body, also what follows the form: fields as text, and files as `handler` makes them.

    `read`: at most so many bytes, none at the end. `length`: of the body, in bytes, 0 where nobody knows. `clean_name`:
    a file's name, None for one that isn't a name. Raises what `read` and `handler` raise, MultiPartParserError for what
    is no such form, a SuspiciousOperation for one with more in it than MOST_FIELDS or the settings allow.
    """
    form, ends = _Form(handler, clean_name), _Ends(boundary, length)
    try:
        with PushMultipartParser(boundary) as parser:
            holds_nothing = False
            while chunk := read(CHUNK_BYTES):
                ends.come += len(chunk)
                if holds_nothing and form.is_within_a_file and not ends.may_be_in(chunk, form.is_within_the_last):
                    form.take(chunk)
                    continue
                event = None
                for event in parser.parse(chunk):
                    form.take(event)
                # Had it kept back some of this or of what came before, it would have handed on another object. (Of each
                # single byte there is but one.)
                holds_nothing = event is chunk and len(chunk) > 1
    except BaseException as error:
        form.close()
        if isinstance(error, ParserLimitReached):
            raise RequestDataTooBig("the header of a field is too large") from error
        if isinstance(error, MultipartError):
            raise MultiPartParserError(str(error)) from error
        raise
    return form.done()


def _search() -> Callable[[bytes, bytes], bool]:
    """memmem(3), where there is one: a third of the time of `bytes.find` and `bytes.rfind`, each of which has sounds
    and boundaries that it is slow at. Bytes made up to slow it take three times as long as those made up to slow them.

    It keeps the interpreter's lock, as these do: to give it away and get it back takes longer than a search.
    """
    search = getattr(ctypes.PyDLL(None), "memmem", None)
    if search is None:
        return lambda within, what: what in within
    search.restype = ctypes.c_void_p
    search.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    return lambda within, what: search(within, len(within), what, len(what)) is not None


_is_within = _search()


class _Ends:
    """Whether a part may end in what was read, asked in a fraction of the time that the parser takes.

    `come`: bytes of the body that were read.
    """

    def __init__(self, boundary: bytes, length: int) -> None:
        self._whole = b"\r\n--" + boundary
        self._begun = tuple(self._whole[:count] for count in range(1, len(self._whole)))
        self._last_begins = length - len(self._whole + b"--\r\n")  # or two bytes later
        self.come = 0

    def may_be_in(self, chunk: bytes, is_of_the_last: bool) -> bool:
        """`is_of_the_last`: the form ends with the part that `chunk` belongs to."""
        if is_of_the_last and self.come <= self._last_begins:
            return False
        return chunk.endswith(self._begun) or _is_within(chunk, self._whole)


class _Form:
    """Takes what PushMultipartParser tells: of each field a MultipartSegment, its bytes, and None at its end."""

    def __init__(self, handler: FileUploadHandler, clean_name: Callable[[str], str | None]) -> None:
        self._handler = handler
        self._clean_name = clean_name
        self._fields = QueryDict(mutable=True)
        self._files: Files = MultiValueDict()
        self._count_of_fields = self._count_of_files = self._bytes_of_fields = 0

    @property
    def is_within_a_file(self) -> bool:
        """Of one with a length of its own the parser counts the bytes, and has to see them."""
        return self._is_file and not self._has_length

    @property
    def is_within_the_last(self) -> bool:
        """Of a file with which the form ends, as it has said before (LAST): nobody has to look where it does."""
        return self._is_last

    def take(self, event: MultipartSegment | bytes | None) -> None:
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif event is None:
            self._end()
        elif self._is_file:
            self._handler.receive_data_chunk(event, self._size)
            self._size += len(event)
        elif not self._is_left_out:
            self._count_bytes(len(event))
            self._text += event

    def _begin(self, segment: MultipartSegment) -> None:
        if segment.header("Content-Transfer-Encoding", "binary").lower() not in _AS_IT_IS:
            raise MultiPartParserError("a field is encoded, which no browser does")  # RFC 7578, 4.7
        self._name, self._text, self._size = segment.name, bytearray(), 0
        # filename*, which isn't to be used here, is what some clients send for names beyond ASCII.
        header = parse_header_parameters(segment.header("Content-Disposition"))[1]
        file_name = header.get("filename") if segment.filename is None else segment.filename
        self._is_file = self._is_left_out = False
        if file_name is None:
            self._begin_field()
        else:
            self._begin_file(segment, self._clean_name(_BREAKS.sub(" ", file_name)))

    def _begin_field(self) -> None:
        self._count_of_fields += 1
        if self._count_of_fields > MOST_FIELDS:
            raise TooManyFieldsSent("a form has too many fields")
        self._count_bytes(len(self._name) + 2)  # as Django counts

    def _begin_file(self, segment: MultipartSegment, name: str | None) -> None:
        self._count_of_files += 1
        if self._count_of_files > settings.DATA_UPLOAD_MAX_NUMBER_FILES:
            raise TooManyFilesSent("a form has too many files")
        if not name:  # a browser's, where none was chosen
            self._is_left_out = True
            return
        self._has_length = segment.header("Content-Length") is not None
        self._handler.new_file(self._name, name, segment.content_type or "", None, segment.charset, {})
        self._is_file = True
        self._is_last: bool = self._fields.get(LAST) == self._name

    def _count_bytes(self, count: int) -> None:
        self._bytes_of_fields += count
        if self._bytes_of_fields > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig("the fields of a form are too large")

    def _end(self) -> None:
        if self._is_file:
            if file := self._handler.file_complete(self._size):
                self._files.appendlist(self._name, file)
        elif not self._is_left_out:
            self._fields.appendlist(self._name, self._text.decode(errors="replace"))

    def done(self) -> tuple[QueryDict, Files]:
        self._fields._mutable = False
        return self._fields, self._files

    def close(self) -> None:
        """Whole files go at once; the one that was arriving is its handler's."""
        for _name, files in self._files.lists():
            for file in files:
                file.close()
