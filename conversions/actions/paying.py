"""Who pays: whoever asks for it, by order, Retry or redo, with their own minutes; the recording may be somebody else's.

What is sent carries their number (`Step.user`), so the ledger, quotas and the line in which it waits say the same.
"""

from __future__ import annotations

from conversions.ledger.usage import OverQuotaError, over_quota
from conversions.models import Conversion
from teams.models import Membership, User


def payer_of(conversion: Conversion, user: User) -> Membership | None:
    """`user` as a member of its team. Who runs the site and isn't one asks for its creator, who pays then; None where
    that one has gone too."""
    members = Membership.objects.select_related("team").filter(team=conversion.team_id)
    return members.filter(user=user).first() or members.filter(user=conversion.created_by_id).first()


def number_of(payer: Membership | None, user: User) -> int:
    """What steps carry that `user` asks for."""
    return payer.user_id if payer else user.pk


def require_minutes(payer: Membership | None, seconds: float) -> None:
    """For so much that is sent, within the transaction that begins it, which has asked `lock_where_limited` first.
    0: it isn't known yet. Raises OverQuotaError."""
    over = over_quota(payer, seconds=seconds) if payer else None
    if over:
        raise OverQuotaError(over)
