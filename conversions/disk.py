"""Room on the disk that holds the recordings."""

from __future__ import annotations

import shutil

from django.conf import settings


def free_bytes() -> int:
    return shutil.disk_usage(settings.FILE_UPLOAD_TEMP_DIR).free
