"""Prepare: learn by decoding what was uploaded, and refuse with a sentence what can't be converted."""

from __future__ import annotations

from functools import partial

from django.db import transaction
from django.utils.translation import gettext as _

from conversions.files import durable
from conversions.ground.connections import give_back, written_in_turn
from conversions.ledger.usage import lock_where_limited
from conversions.models import Conversion, Event, Failure, Happened, log_all
from conversions.queue import outcomes, room
from conversions.queue.claim import Claim
from conversions.queue.failures import StepError
from conversions.queue.leases import Lease
from conversions.queue.plan import bytes_sent, plan
from conversions.sound import reading
from conversions.sound.reading import Understood
from conversions.steps import players
from conversions.steps.loading import conversion_of
from s2s.audio import Stop
from teams.models import Membership


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


def _conclude(claim: Claim, lease: Lease, conversion: Conversion, understood: Understood, player: players.Copy) -> None:
    lease.check()
    if conversion.unordered:
        with written_in_turn(), outcomes.ended(claim) as locked:
            _keep(locked, understood, player)
            outcomes.held_back(locked)
        return
    sent_bytes = player.sent_size
    if sent_bytes is None:
        sent_bytes = bytes_sent(understood.found, conversion.source_bytes)
    regions = list(conversion.regions.select_related("voice__endpoint")) if conversion.in_regions else []
    planned = plan(understood.found, conversion, regions, sent_bytes)
    if isinstance(planned, Failure):
        raise StepError(planned.code, planned.words)
    member = Membership.objects.select_related("team").filter(team=claim.team_id, user=claim.user_id).first()
    with written_in_turn():
        no_room = room.refusal(conversion, understood.found.duration_s, planned)
        if no_room is not None:
            raise StepError(no_room.code, no_room.words)
        lock_where_limited(member)
        with outcomes.ended(claim) as locked:
            refusal = reading.refusal(conversion, sum(piece.seconds for piece in planned), member)
            if refusal is not None:
                raise StepError(refusal.code, refusal.words)
            _keep(locked, understood, player)
            outcomes.prepared(locked, claim.user_id, planned)
            question = reading.question(understood.found, (piece.speaker.endpoint for piece in planned))
            if question is not None:
                outcomes.fail_conversion(locked, question)


def _keep(locked: Conversion, understood: Understood, player: players.Copy) -> None:
    """Within `ended`. What was read before it was ordered has been read again: an earlier copy for players goes."""
    before = Conversion.objects.filter(pk=locked.pk).values_list("player", flat=True).first()
    kept = {"player": player.key, "player_bytes": player.size, **understood.fields}
    Conversion.objects.filter(pk=locked.pk).update(**kept)
    if before and before != player.key:
        transaction.on_commit(partial(durable.discard, before), robust=True)
    locked.source_samples = understood.found.samples
    locked.source_duration_s = understood.found.duration_s
    log_all(locked, Happened(Event.Kind.PREPARED, understood.told))
