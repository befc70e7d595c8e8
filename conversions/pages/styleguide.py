"""What the style page shows: every state of every component, made of the product's own models and forms."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from conversions.access import sources
from conversions.access.reach import listed
from conversions.forms import offers
from conversions.forms.studio import StudioForm
from conversions.models import Conversion
from conversions.pages import voicecards
from conversions.pages.compare import comparison_of
from conversions.pages.progress import Progress
from teams.models import User

_CARDS = 4


def components(user: User) -> dict[str, object]:
    """The names that the templates of the product's pages read. What can be heard is the newest that is ready."""
    form = StudioForm({"seed": "-1"}, user=user)
    form.is_valid()
    heard = listed(user).filter(status=Conversion.Status.READY).select_related("endpoint").first()
    return {
        "form": form,
        "cards": voicecards.for_studio(user, StudioForm(user=user))[:_CARDS],
        "take": sources.sample(),
        "presets": offers.BUILT_IN,
        "preset": offers.BUILT_IN[0].key,
        "page": {"conversions": [_example(place, status, user) for place, status in enumerate(Conversion.Status)]},
        "may_delete": {_id(0)},
        "statuses": Conversion.Status.choices,
        "under_way": _example(2, Conversion.Status.CONVERTING, user),
        "progress": Progress("converting", _("Converting"), _("Ready in about 20 seconds."), moves=True, percent=40),
        "destroyed": _example(0, Conversion.Status.READY, user, enable_logging=False),
        "heard": heard,
        "compared": comparison_of(user, heard, []) if heard else None,
    }


def _id(place: int) -> UUID:
    return UUID(int=place)  # nobody's: nothing of it can be opened


def _example(place: int, status: str, user: User, *, enable_logging: bool = True) -> Conversion:
    return Conversion(
        pk=_id(place),
        title=_("Harbour interview, take %d") % (place + 1),
        voice_name="Nora",
        status=status,
        created_by=user,
        created_at=timezone.now() - timedelta(hours=7 * place),
        source_duration_s=61.5 * (place + 1),
        only_me=place == 1,
        enable_logging=enable_logging,
    )
