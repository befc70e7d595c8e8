"""`manage.py setup`: the first admin, once."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from teams.models import Membership, Role, User
from voices.models import Endpoint

pytestmark = pytest.mark.django_db


def setup() -> dict:
    output = io.StringIO()
    call_command("setup", stdout=output)
    return json.loads(output.getvalue())


def test_the_first_admin_owns_a_team_and_signs_in_with_the_password_that_was_said(monkeypatch) -> None:
    monkeypatch.delenv("ADMIN_PASSWORD", raising=False)
    monkeypatch.setenv("ADMIN_EMAIL", "Ana@Example.com")
    said = setup()
    admin = User.objects.get()
    assert said == {"created": True, "email": "ana@example.com", "password": said["password"]}
    assert len(said["password"]) >= 16
    assert admin.check_password(said["password"])
    assert admin.is_superuser
    assert Membership.objects.get(user=admin).role == Role.OWNER
    assert Endpoint.objects.filter(key="local").exists()


def test_a_given_password_is_not_said(monkeypatch) -> None:
    monkeypatch.setenv("ADMIN_PASSWORD", "chosen by the admin")
    assert setup()["password"] == ""
    assert User.objects.get().check_password("chosen by the admin")


def test_a_second_time_changes_nothing(monkeypatch) -> None:
    setup()
    monkeypatch.setenv("ADMIN_EMAIL", "other@example.com")
    assert setup() == {"created": False}
    assert User.objects.count() == 1


def test_a_bad_address_is_named(monkeypatch) -> None:
    monkeypatch.setenv("ADMIN_EMAIL", "not an address")
    with pytest.raises(CommandError, match="ADMIN_EMAIL"):
        setup()
