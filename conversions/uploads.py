"""How an upload reaches the disk: straight into a temporary file beside the media, so that saving it is a rename."""

from __future__ import annotations

from django.core.files.uploadhandler import TemporaryFileUploadHandler


class RecordingUploadHandler(TemporaryFileUploadHandler):
    # The parser's work is done once a chunk, and Django's 64 KB are for forms. With 1 MB it costs twice as much again:
    # memory of that size comes fresh from the kernel each time (bench/upload).
    chunk_size = 256 * 1024
