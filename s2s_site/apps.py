import django_stubs_ext
from django.apps import AppConfig

# `ModelAdmin[...]` and the like, at run time. This app is the first, and beat, which loads none, does without.
django_stubs_ext.monkeypatch()


class SiteConfig(AppConfig):
    name = "s2s_site"

    def ready(self) -> None:
        from s2s_site import celery, checks  # noqa: F401 - the web process rings by it; checks register themselves
