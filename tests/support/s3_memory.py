"""`python -m tests.support.s3_memory up|down|through MEGABYTES`: by how many MiB the process grew, and the seconds.

`up` stores an upload in the S3 of the environment, `down` opens it for a decoder, `through` hands it on in blocks.
"""

from __future__ import annotations

import os
import resource
import sys
import time
import uuid
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "s2s_site.settings")


def main(direction: str, megabytes: int) -> None:
    import django

    django.setup()
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage
    from django.core.files.uploadedfile import TemporaryUploadedFile

    from conversions.files import durable

    default_storage.save("warm", ContentFile(b"up"))  # the client itself costs memory, once
    durable.open_file("warm").close()
    key, size = durable.source_key(uuid.uuid4()), megabytes * 1024**2
    recording = TemporaryUploadedFile("recording", "audio/wav", size, None)
    for _ in range(megabytes):
        recording.write(os.urandom(1024**2))
    recording.seek(0)
    if direction != "up":
        durable.store_upload(key, recording)
    _forget_peak()
    before, began = _peak_mib(), time.monotonic()
    if direction == "up":
        durable.store_upload(key, recording)
    elif direction == "down":
        with durable.open_file(key) as file:
            assert file.seek(0, os.SEEK_END) == size
    else:
        assert sum(map(len, durable.blocks(key, 0, size))) == size
    sys.stdout.write(f"{_peak_mib() - before:.1f} MiB more, {time.monotonic() - began:.1f} s\n")


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak_mib() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
