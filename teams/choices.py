"""What a person chooses for themselves, whatever team they work in."""

from __future__ import annotations

from teams.models import User

CHOICES = frozenset({"mail_when_ready", "notify_in_browser", "shortcuts"})


def set_choice(user: User, name: str, value: bool) -> None:
    """Raises ValueError for what is no choice."""
    if name not in CHOICES:
        raise ValueError(f"{name!r} is no choice")
    setattr(user, name, value)
    user.save(update_fields=[name])
