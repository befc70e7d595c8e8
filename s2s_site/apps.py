import os

import django_stubs_ext
from django.apps import AppConfig
from django.contrib.admin import apps as admin

# `ModelAdmin[...]` and the like, at run time. This app is the first, and beat, which loads none, does without.
django_stubs_ext.monkeypatch()


class SiteConfig(AppConfig):
    name = "s2s_site"

    def ready(self) -> None:
        from s2s_site import celery, checks  # noqa: F401 - the web process rings by it; checks register themselves


class AdminConfig(admin.AdminConfig):
    """Celery's workers make no checks and load none of our lists and forms (run_celery.py); addresses bring them."""

    default = False  # of this package, that is the one above

    def ready(self) -> None:
        if "CELERY_SKIP_CHECKS" in os.environ:
            admin.SimpleAdminConfig.ready(self)
        else:
            super().ready()
