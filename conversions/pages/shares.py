"""The links that a team has given away: of one conversion, and all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from conversions.access.shared import link_of
from conversions.actions import may_revoke
from conversions.models import Conversion, Share
from teams.gatekeeper import reachable
from teams.models import User

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Listed:
    """`address`: whole, to be sent to somebody."""

    share: Share
    address: str
    may_revoke: bool

    @property
    def has_run_out(self) -> bool:
        return self.share.expires is not None and self.share.expires <= timezone.now()


def shares_of(user: User, conversion: Conversion, origin: str) -> list[Listed]:
    """Those that aren't revoked, newest first."""
    rows = conversion.shares.filter(revoked_at=None).select_related("created_by")
    return list(_listed(user, (_with(row, conversion) for row in rows), origin))


def team_shares(user: User, origin: str, page: str) -> Page[Listed]:
    """Of what `user` can see. `page`: as the address has it; what is none is the first or the last."""
    found: Page[Share] = Paginator(_of_team(user), PER_PAGE).get_page(page)
    shown: Page[Listed] = Page(list(_listed(user, found.object_list, origin)), found.number, found.paginator)  # type: ignore[arg-type]
    return shown


def _of_team(user: User) -> QuerySet[Share]:
    seen = Q(only_me=False) | Q(created_by=user)
    conversions = Conversion.objects.filter(seen, pk=OuterRef("conversion"), deleted_at=None)
    rows = reachable(user, Share.objects.filter(Exists(conversions), revoked_at=None))
    return rows.select_related("created_by", "conversion").defer(
        "conversion__source_peaks", "conversion__output_peaks", "conversion__source_places"
    )


def _with(share: Share, conversion: Conversion) -> Share:
    share.conversion = conversion
    return share


def _listed(user: User, shares: Iterable[Share], origin: str) -> Iterable[Listed]:
    for share in shares:
        address = f"{origin}{reverse('conversions:shared', args=[link_of(share)])}"
        yield Listed(share, address, may_revoke(share, user))
