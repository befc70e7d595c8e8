"""The verbs about a team and its people. Each asks for its permission under the team's lock, and leaves a line in the
audit log with what it does."""

from teams.actions.invite import EXPIRES_DAYS, InvitedError, accept, invite, open_invitations, revoke, welcome
from teams.actions.members import LastOwnerError, change_role, expel, hand_over, heirs, leave

__all__ = [
    "EXPIRES_DAYS",
    "InvitedError",
    "LastOwnerError",
    "accept",
    "change_role",
    "expel",
    "hand_over",
    "heirs",
    "invite",
    "leave",
    "open_invitations",
    "revoke",
    "welcome",
]
