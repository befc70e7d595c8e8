"""How an upload reaches the disk: straight into a temporary file beside the media, so that saving it is a rename."""

from __future__ import annotations

from django.core.files.uploadhandler import TemporaryFileUploadHandler


class RecordingUploadHandler(TemporaryFileUploadHandler):
    # Django's 64 KB are for forms; recordings are large, and the parser's work is done once a chunk.
    chunk_size = 1024**2
