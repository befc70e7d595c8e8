"""The product's settings for tests: a data folder of their own, short leases, cheap hashes, no wait for the disk."""

import os
import tempfile

os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="timbre-tests-"))

from s2s_site.settings import *  # noqa: F403

LEASE_SECONDS = 2.0
SWEEP_SECONDS = 1.0
LOOKUP_SECONDS = [60.0, 60.0]
MIN_FREE_BYTES = 0
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
if DATABASES["default"]["ENGINE"] == "s2s_site.sqlite":  # noqa: F405
    # As with the PostgreSQL of tests, nothing waits for the disk: a crash may lose these data.
    DATABASES["default"]["OPTIONS"]["init_command"] += " PRAGMA synchronous=OFF;"  # noqa: F405
