"""Prepare: learn by decoding what was uploaded, and refuse with a sentence what can't be converted."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from conversions.files import durable
from conversions.ground.connections import give_back, written_in_turn
from conversions.ledger.usage import lock_where_limited
from conversions.models import Conversion, Event, log
from conversions.queue import outcomes
from conversions.queue.claim import Claim
from conversions.queue.failures import StepError
from conversions.queue.leases import Lease
from conversions.sound import reading
from conversions.sound.reading import Understood
from conversions.steps import players
from conversions.steps.loading import conversion_of
from s2s.audio import Stop
from statements import Given, Update
from teams.models import Membership

_FIELDS = (
    *("source_checksum", "source_container", "source_codec", "source_rate_hz", "source_channels"),
    *("source_samples", "source_duration_s", "source_peaks", "source_noticed"),
    *("player", "player_bytes"),
)
_keep = Update(lambda: Conversion.objects.filter(pk=Given("pk")), **{name: Given(name) for name in _FIELDS})


def prepare(claim: Claim, lease: Lease) -> None:
    conversion = conversion_of(claim)
    give_back()
    stop = Stop()
    try:
        with durable.open_file(conversion.source) as source, lease.stopping(stop.stop):
            understood = reading.understand(source, conversion, stop)
            player = players.make_copy(source, understood.found, claim, reading.limits(), stop)
    except FileNotFoundError as error:
        raise StepError("source_missing", _("The recording's file is gone. Please upload it again.")) from error
    try:
        _conclude(claim, lease, conversion, understood, player)
    except BaseException:
        if player.key:  # nobody will ever ask for it
            durable.discard(player.key)
        raise


def _conclude(claim: Claim, lease: Lease, conversion: Any, understood: Understood, player: players.Copy) -> None:
    lease.check()
    member = Membership.objects.select_related("team").filter(team=claim.team_id, user=claim.user_id).first()
    with written_in_turn():
        lock_where_limited(member)
        with outcomes.ended(claim) as locked:
            refusal = reading.refusal(conversion, understood.found, member, sent_bytes=player.sent_size)
            if refusal is not None:
                raise StepError(refusal.code, refusal.words)
            _keep(pk=locked.pk, player=player.key, player_bytes=player.size, **understood.fields)
            locked.source_samples = understood.found.samples
            locked.source_duration_s = understood.found.duration_s
            log(locked, Event.Kind.PREPARED, **understood.told)
            outcomes.prepared(locked, claim.user_id)
            question = reading.question(conversion, understood.found)
            if question is not None:
                outcomes.fail_conversion(locked, question)
