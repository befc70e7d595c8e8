"""What people outside reach by a link: one conversion, as long as the link holds.

A link is the row's id with a MAC over it (HMAC-SHA256 of 128 bits, under SECRET_KEY): the team can be shown it again,
and nobody who reads the database can make one. It is all that opens the pages behind it. Where it asks for a password,
whoever knows that is given a grant for some hours, which their addresses carry on, because no cookie is set.
"""

from __future__ import annotations

import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64

from django.core.signing import BadSignature, TimestampSigner
from django.db.models import Q
from django.db.models.functions import Now
from django.http import Http404
from django.utils.crypto import constant_time_compare, salted_hmac

from conversions.models import Conversion, Share

_MAC_BYTES = 16
_ID_LETTERS = 22  # of base64, without its padding
GRANT_S = 12 * 3600


class PasswordWantedError(Exception):
    """The link holds, and nothing may be told of what is behind it yet."""

    def __init__(self, share: Share) -> None:
        super().__init__("a password is wanted")
        self.share = share


def link_of(share: Share) -> str:
    """44 letters for an address."""
    return _letters(share.pk.bytes) + _mac(share.pk)


def shared_or_404(link: str, grant: str = "") -> Share:
    """With its conversion and team. The one place that lets people outside in.

    Raises Http404 for what is no link of ours, for one that is revoked or has run out, and where there is nothing any
    more to listen to: they can't be told apart. Raises PasswordWantedError where `grant` isn't one for it.
    """
    rows = Share.objects.filter(holding(), pk=_id_in(link)).select_related("conversion", "team")
    share = rows.defer("conversion__source_places").first()
    if share is None:
        raise Http404
    if share.password and not _opens(grant, share):
        raise PasswordWantedError(share)
    return share


def holding() -> Q:
    """What opens something at this moment, of shares."""
    return Q(
        Q(expires=None) | Q(expires__gt=Now()),
        revoked_at=None,
        conversion__status=Conversion.Status.READY,
        conversion__deleted_at=None,
        conversion__enable_logging=True,
    )


def grant_of(share: Share) -> str:
    """For whoever knows the password; it ends with it."""
    return _signer(share).sign("open")


def _opens(grant: str, share: Share) -> bool:
    try:
        return _signer(share).unsign(grant, max_age=GRANT_S) == "open"
    except BadSignature:  # or too old
        return False


def _signer(share: Share) -> TimestampSigner:
    return TimestampSigner(salt=f"conversions.access.shared.grant:{share.pk}:{share.password}")


def _id_in(link: str) -> uuid.UUID:
    """Raises Http404 unless the link is one that we have made, letter for letter."""
    try:
        found = uuid.UUID(bytes=urlsafe_b64decode(f"{link[:_ID_LETTERS]}=="))
    except (NotBase64, ValueError) as error:
        raise Http404 from error
    if not constant_time_compare(link, _letters(found.bytes) + _mac(found)):
        raise Http404
    return found


def _mac(pk: uuid.UUID) -> str:
    return _letters(salted_hmac("conversions.access.shared", pk.bytes, algorithm="sha256").digest()[:_MAC_BYTES])


def _letters(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
