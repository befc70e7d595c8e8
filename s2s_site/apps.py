from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "s2s_site"

    def ready(self) -> None:
        from s2s_site import celery, checks  # noqa: F401 - the web process rings by it; checks register themselves
