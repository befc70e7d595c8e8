"""The voices that a team has made, as their page shows them."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from conversions.models import Enrolment
from teams.gatekeeper import may_change, reachable
from teams.models import User
from voices.models import Endpoint


@dataclass(frozen=True, slots=True)
class OwnVoice:
    enrolment: Enrolment
    words: str  # its state
    aside: str  # why, and what comes
    may_change: bool

    @property
    def is_unfinished(self) -> bool:
        return self.enrolment.state in (Enrolment.State.WAITING, Enrolment.State.ADDING)

    @property
    def is_wrong(self) -> bool:
        return self.enrolment.state in (Enrolment.State.REFUSED, Enrolment.State.FAILED)

    @property
    def mark(self) -> str:
        """Another one when the page has something new to show."""
        return f"{self.enrolment.state}-{self.enrolment.attempt}-{bool(self.enrolment.said)}"

    @property
    def is_offered(self) -> bool:
        voice = self.enrolment.voice
        is_ready = self.enrolment.state == Enrolment.State.READY
        return is_ready and voice is not None and not voice.hidden and voice.endpoint.enabled


def makers() -> list[Endpoint]:
    """The endpoints that make voices, the cheap ones first."""
    return list(Endpoint.objects.filter(enabled=True, adds_voices=True).order_by("billed", "pk"))


def own_voices(user: User) -> list[OwnVoice]:
    """Newest first. One query, and the user's membership."""
    rows = Enrolment.objects.select_related("endpoint", "voice__endpoint", "created_by")
    # What is deleted is of interest where its endpoint can't be told yet.
    rows = reachable(user, rows).exclude(state=Enrolment.State.REMOVING, said="")
    return [shown(user, row) for row in rows]


def shown(user: User, enrolment: Enrolment) -> OwnVoice:
    words, aside = _words_of(enrolment)
    mine = enrolment.team_id is not None and may_change(
        user, team_id=enrolment.team_id, created_by_id=enrolment.created_by_id
    )
    return OwnVoice(enrolment, words, aside, mine and enrolment.state != Enrolment.State.REMOVING)


def _words_of(enrolment: Enrolment) -> tuple[str, str]:
    said, endpoint = enrolment.said, enrolment.endpoint
    match enrolment.state:
        case Enrolment.State.READY:
            voice = enrolment.voice
            if voice is None or voice.vanished:
                return _("Gone"), _("%s has it no more.") % endpoint.name
            if voice.hidden:
                return _("Hidden"), _("An admin has hidden it: it is not offered.")
            return _("Ready"), said
        case Enrolment.State.REFUSED:
            return _("Refused"), said
        case Enrolment.State.FAILED:
            return _("Failed"), said
        case Enrolment.State.REMOVING:
            if said:
                return _("Being deleted"), f"{said} {_('It is tried again by itself.')}"
            return _("Being deleted"), ""
        case _:
            if endpoint.held:
                return _("Waiting"), _("%s takes nothing at the moment. It goes on by itself.") % endpoint.name
            if said:
                return _("Waiting"), f"{said} {_('It is tried again by itself.')}"
            return _("Being made"), _("This takes less than a minute. You can close this page.")
