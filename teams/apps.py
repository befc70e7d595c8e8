from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class TeamsConfig(AppConfig):
    name = "teams"

    def ready(self) -> None:
        user_logged_in.connect(_seen, dispatch_uid="seen")


def _seen(user: Any, **_given: Any) -> None:
    from teams.people import note_seen  # it needs the models, which aren't loaded before the app is ready

    note_seen(user)
