"""What is fine on one's own machine and dangerous in public fails `manage.py check --deploy`."""

from __future__ import annotations

from collections.abc import Sequence

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security, deploy=True)
def dangerous_in_public(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:
    found: list[CheckMessage] = []

    def refuse(number: int, message: str, hint: str) -> None:
        found.append(Error(message, hint=hint, id=f"timbre.E{number:03}"))

    if settings.DEBUG:
        refuse(1, "DEBUG shows code and settings to strangers.", "Take DEBUG out of the environment.")
    if "*" in settings.ALLOWED_HOSTS:
        refuse(2, "The site answers under any name.", "Set ALLOWED_HOSTS to its names.")
    if not settings.HTTPS:
        refuse(
            3,
            "Sessions travel unencrypted, and browsers refuse the microphone.",
            "Put a proxy with HTTPS in front, set BASE_URL=https://... and BEHIND_PROXY=true.",
        )
    if len(settings.SECRET_KEY) < 50:
        refuse(4, "SECRET_KEY is short enough to guess.", "Take it out: one is made in DATA_DIR.")
    if settings.HEALTH_TOKEN and len(settings.HEALTH_TOKEN) < 32:
        refuse(5, "HEALTH_TOKEN is short enough to guess.", "Make one with `openssl rand -hex 32`, or take it out.")
    return found
