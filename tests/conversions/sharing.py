"""Links for people outside, as tests make them."""

from __future__ import annotations

from typing import Any

from conversions import actions
from conversions.access.shared import link_of
from conversions.models import Conversion, Share
from teams.models import User


def shared(conversion: Conversion, by: User, **order: Any) -> Share:
    return actions.share(conversion, by, actions.ShareOrder(**order))


def address_of(share: Share, below: str = "") -> str:
    return f"/s/{link_of(share)}/{below}"
