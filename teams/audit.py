"""The audit log: a line for each thing that somebody did to a team or its people, written with it or not at all."""

from __future__ import annotations

from django.db import connection
from django.db.models import Model

from teams.models import AuditEntry, Team, User


def record(actor: User | None, team: Team, action: str, about: Model | None = None, **details: object) -> None:
    """Within the transaction of what was done. `details` go to JSON, and hold nothing secret.

    Raises RuntimeError outside a transaction: the line could be there without the act, or the act without it.
    """
    if not connection.in_atomic_block:
        raise RuntimeError(f"{action} is recorded outside of its transaction")
    AuditEntry.objects.create(
        actor_id=actor.pk if actor else None,
        actor_name=str(actor or ""),
        team_id=team.pk,
        team_name=team.name,
        action=action,
        about_kind=str(about._meta.model_name) if about is not None else "",
        about_id=str(about.pk) if about is not None else "",
        about_name=str(about) if about is not None else "",
        details=details,
    )
