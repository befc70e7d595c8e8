"""The request as every page gets it: what Django would stumble over itself, and what no database can look for, has
been left at the door."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from wsgiref.types import WSGIEnvironment

from django.core.exceptions import BadRequest, TooManyFieldsSent
from django.core.files.uploadedfile import UploadedFile
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest, get_str_from_wsgi
from django.http import QueryDict, parse_cookie
from django.http.multipartparser import MultiPartParserError
from django.utils.datastructures import MultiValueDict
from django.utils.functional import cached_property
from django.utils.http import parse_header_parameters

if TYPE_CHECKING:
    from django.http.request import _PostDataProtocol


class Request(WSGIRequest):
    """A NUL in a cookie makes it none; a NUL in a form, or a name in a code that isn't known, is 400.

    PostgreSQL refuses a NUL in every question, and neither a browser nor one of our pages sends one.
    """

    def __init__(self, environ: WSGIEnvironment) -> None:
        environ["CONTENT_TYPE"] = _as_utf_8(environ.get("CONTENT_TYPE", ""))
        environ["CONTENT_LENGTH"] = _as_number(environ.get("CONTENT_LENGTH", ""))
        super().__init__(environ)

    @cached_property
    def COOKIES(self) -> dict[str, str]:  # type: ignore[override]
        sent = parse_cookie(get_str_from_wsgi(self.environ, "HTTP_COOKIE", ""))
        return {name: value for name, value in sent.items() if "\0" not in name + value}

    def parse_file_upload(
        self, META: Mapping[str, Any], post_data: _PostDataProtocol
    ) -> tuple[QueryDict, MultiValueDict[str, UploadedFile[Any]]]:
        try:
            return super().parse_file_upload(META, post_data)
        except (LookupError, ValueError) as error:  # filename*=unknown''...: RFC 8187 lets the sender name any code
            raise MultiPartParserError("A file's name is in a code that isn't known.") from error

    def _load_post_and_files(self) -> None:
        """With as many fields as Django takes, or as the view says that its form may have (`most_fields`)."""
        most = getattr(self.resolver_match.func, "most_fields", 0) if self.resolver_match else 0
        if most and self.method == "POST" and self.content_type == "application/x-www-form-urlencoded":
            self._post = _form_of(self.body, most)
            self._files: MultiValueDict[str, UploadedFile[Any]] = MultiValueDict()
        else:
            super()._load_post_and_files()
        if _has_nul(self.POST):
            self.close()  # its files
            self._mark_post_parse_error()  # type: ignore[attr-defined]
            raise BadRequest("There is a NUL in the form.")


def _form_of(body: bytes, most: int) -> QueryDict:
    """As QueryDict reads it, which knows one limit for all forms. Raises TooManyFieldsSent."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = body.decode("iso-8859-1")
    try:
        fields = parse_qsl(text, keep_blank_values=True, max_num_fields=most)
    except ValueError as error:
        raise TooManyFieldsSent("a form has too many fields") from error
    form = QueryDict(mutable=True)
    for name, value in fields:
        form.appendlist(name, value)
    form._mutable = False
    return form


def _has_nul(form: MultiValueDict[str, str]) -> bool:
    return any("\0" in name or any("\0" in value for value in values) for name, values in form.lists())


def _as_utf_8(content_type: str) -> str:
    """Our pages are UTF-8, and so is what their forms send. Django reads the query as soon as a type names a code,
    where nothing is there yet to answer for what is wrong with it, and takes codes that aren't of text (`hex`)."""
    if "charset" not in content_type.lower() and "*" not in content_type:
        return content_type
    try:
        kind, parameters = parse_header_parameters(content_type)
    except (LookupError, ValueError):  # x*=unknown''...
        return ""
    boundary = parameters.get("boundary", "")
    return f'{kind}; boundary="{boundary}"' if boundary else kind


def _as_number(content_length: str) -> str:
    """RFC 9110, 8.6: digits, and what isn't is no length. Django counts with it unseen."""
    return content_length if re.fullmatch(r"[0-9]{1,18}", content_length) else ""


class Handler(WSGIHandler):
    request_class = Request
