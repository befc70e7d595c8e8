"""`manage.py check --deploy` fails for what is dangerous in public, and passes for what docs/operation.md says."""

from __future__ import annotations

import pytest

from s2s_site.checks import dangerous_in_public


@pytest.fixture
def public(settings):
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["timbre.example.com"]
    settings.HTTPS = True
    settings.SECRET_KEY = "x" * 50
    settings.HEALTH_TOKEN = "x" * 32
    return settings


def test_a_public_site_as_documented_passes(public) -> None:
    assert dangerous_in_public(None) == []


@pytest.mark.parametrize(
    ("name", "value", "number"),
    [
        ("DEBUG", True, "E001"),
        ("ALLOWED_HOSTS", ["*"], "E002"),
        ("HTTPS", False, "E003"),
        ("SECRET_KEY", "short", "E004"),
        ("HEALTH_TOKEN", "short", "E005"),
    ],
)
def test_each_danger_is_named(public, name: str, value: object, number: str) -> None:
    setattr(public, name, value)
    assert [message.id for message in dangerous_in_public(None)] == [f"timbre.{number}"]
