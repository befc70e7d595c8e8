"""The links of invitations: made of a row and the site's key each time, and kept nowhere. Whoever steals the database
has rows without the key, and no link."""

from __future__ import annotations

from django.core.signing import BadSignature, Signer

from teams.models import Invitation


def _signer() -> Signer:
    return Signer(salt="teams.invitation")


def token_of(invitation: Invitation) -> str:
    """For an address: the number of the row, and what the key makes of it and its nonce."""
    return f"{invitation.pk}-{_signer().signature(_signed(invitation))}"


def invitation_of(token: str) -> Invitation | None:
    """The row that this token was made of, whether it still lets somebody in or not."""
    pk, _dash, signature = token.partition("-")
    if not (pk.isascii() and pk.isdigit() and len(pk) <= 18):
        return None
    invitation = Invitation.objects.select_related("team", "invited_by").filter(pk=int(pk)).first()
    if invitation is None:
        return None
    try:
        signer = _signer()
        signer.unsign(f"{_signed(invitation)}{signer.sep}{signature}")  # with older keys too, where a site has any
    except BadSignature:
        return None
    return invitation


def _signed(invitation: Invitation) -> str:
    return f"{invitation.pk}.{invitation.nonce}"
