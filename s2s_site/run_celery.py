"""Celery's `worker` and `beat`, with their own options: `python -m s2s_site.run_celery worker -Q calls ...`.

Celery's command loads all its others too, with a library for prompts at a terminal. A worker needs neither them nor the
addresses, views and forms that Django's checks load: `setup` has made those checks. And beat needs none of our apps, it
knows what it rings by name. All this was 11 MB in each worker and 35 MB in beat (bench/idle).

While they load, nothing looks for garbage: nearly all of it stays, and to go through it again and again was a sixth of
the start.
"""

from __future__ import annotations

import gc
import logging.config
import os
import sys

from celery import Celery
from celery.bin.base import CLIContext


def main(name: str, arguments: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "s2s_site.settings")
    gc.disable()
    if name == "beat":
        from celery.bin.beat import beat as command

        app = _without_apps()
        gc.enable()
    else:
        from celery.bin.worker import worker as command

        os.environ.setdefault("CELERY_SKIP_CHECKS", "1")
        from s2s_site.celery import app
    command.main(arguments, obj=CLIContext(app, no_color=True, workdir=None, quiet=True))


def _without_apps() -> Celery:
    from django.conf import settings

    # Ours alone: Django's own has a handler that mails pages of errors, and brings templates, forms and views for them.
    logging.config.dictConfig(settings.LOGGING)
    app = Celery("timbre", fixups=[])
    app.config_from_object("django.conf:settings", namespace="CELERY")
    return app


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
