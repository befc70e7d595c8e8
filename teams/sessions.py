"""Sessions that know whose they are: the user comes with the session's row, so a request asks the database once for
both, and signing someone out everywhere is one DELETE.

After Django's "Extending database-backed session engines".
"""

from __future__ import annotations

import json
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DbSessionStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.utils import timezone

from statements import Given, Select
from teams.models import Session, User

# Without the moments, which take longest to read: no page asks for them.
_alive = Select(
    lambda: (
        Session.objects.filter(session_key=Given("session_key"), expire_date__gt=Given("now"))
        .defer("expire_date", "user__last_login", "user__date_joined")
        .order_by()
    )
)

# The user of the session that this thread loaded last. Set whenever a session is loaded and taken by the question that
# follows, so it is never older than the request.
_loaded: ContextVar[User | None] = ContextVar("loaded_user", default=None)


class SessionStore(DbSessionStore):
    @classmethod
    def get_model_class(cls) -> type[AbstractBaseSession]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        _loaded.set(None)
        session = _alive.first(Session, session_key=self.session_key, now=timezone.now())
        if session is None:
            self._session_key = None
        _loaded.set(session.user if session else None)
        return session

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        """Its signature is checked once in each process: to check and to unpack takes as long as to load it."""
        decoded: dict[str, Any] = json.loads(_as_json(session_data))
        return decoded

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        session = super().create_model_instance(data)
        assert isinstance(session, Session)
        session.user_id = data.get(SESSION_KEY)
        return session


@lru_cache(maxsize=512)
def _as_json(session_data: bytes | str) -> str:
    return json.dumps(super(SessionStore, SessionStore()).decode(session_data))


class Backend(AuthenticationBackend):  # type: ignore[misc]
    def get_user(self, user_id: object) -> User | None:
        user = _loaded.get()
        _loaded.set(None)
        if user is not None and str(user.pk) == str(user_id):
            return user if self.user_can_authenticate(user) else None
        found: User | None = super().get_user(user_id)
        return found
