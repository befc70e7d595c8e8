"""A session is read once in each process, and belongs to nobody else for that."""

from __future__ import annotations

import pytest
from csp.utils import build_policy
from django.test import Client

from teams.sessions import SessionStore


def test_who_changes_what_was_read_changes_it_for_nobody_else() -> None:
    data = SessionStore().encode({"seen": ["one"]})
    SessionStore().decode(data)["seen"].append("two")
    assert SessionStore().decode(data) == {"seen": ["one"]}


def test_what_nobody_has_signed_is_empty() -> None:
    data = SessionStore().encode({"seen": ["one"]})
    assert SessionStore().decode(data[:-1] + ("A" if data[-1] != "A" else "B")) == {}
    assert SessionStore().decode(data) == {"seen": ["one"]}


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/accounts/login/", "/healthz", "/nowhere/"])
def test_every_answer_carries_the_policy(client: Client, address: str) -> None:
    policy = client.get(address)["Content-Security-Policy"]
    assert policy == build_policy()
    assert "script-src" not in policy
    assert "default-src 'self'" in policy
