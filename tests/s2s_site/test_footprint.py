"""What a process loads that only hands recordings over."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.product import CHECKOUT

# Everything that web, calls, cpu and beat import before their first request or bell.
STARTED = """
import sys
import django
django.setup()
import conversions.upkeep.worker, conversions.tasks, voices.tasks
import s2s_site.beat, s2s_site.celery, s2s_site.urls, s2s_site.wsgi
print(sorted({name.partition(".")[0] for name in sys.modules} & {"av", "boto3", "elevenlabs", "numpy"}))
"""


def test_what_computes_is_not_loaded_by_processes_that_do_not() -> None:
    """numpy and libav take 34 MB and a third of a second, in each of them."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "s2s_site.settings"}
    done = subprocess.run(
        [sys.executable, "-c", STARTED], env=environment, cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
