"""Speakers: who speaks when in a recording, for whoever gives them voices. The conversion itself stays as it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from conversions.files import durable
from conversions.ground.connections import give_back
from conversions.models import Diarization
from conversions.queue import outcomes
from conversions.queue.claim import Claim
from conversions.queue.failures import StepError
from conversions.queue.leases import Lease
from conversions.sound.reading import limits, raw_source
from conversions.steps.loading import conversion_of
from s2s import speakers
from s2s.audio import Stop, decode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from conversions.models import Conversion


def find_speakers(claim: Claim, lease: Lease) -> None:
    """What was found is written by the transaction that ends the lease. A failure is told where it was asked for."""
    if not speakers.is_installed():
        raise StepError("speakers_not_installed", _("Speakers can’t be found on this server: a package is missing."))
    from s2s.speakers.turns import find_turns  # with the detector and numpy

    conversion = conversion_of(claim)
    give_back()
    stop = Stop()
    try:
        with durable.open_file(conversion.sent) as source, lease.stopping(stop.stop):
            blocks = decode(
                source,
                sample_rate_hz=speakers.RATE_HZ,
                limits=limits(),
                raw=None if conversion.is_rendered else raw_source(conversion),
                track=None if conversion.is_rendered else conversion.track,
                stop=stop,
            )
            with contextlib.closing(blocks):
                turns = find_turns(_while_wanted(blocks, lease))
    except FileNotFoundError as error:
        raise StepError("source_missing", _("The recording's file is gone from the server.")) from error
    found = [(round(each.start_s, 2), round(_end(each.end_s, conversion), 2), each.speaker) for each in turns]
    with outcomes.ended(claim):
        Diarization.objects.filter(step=claim.step_id).update(turns=found, error="")


def _end(end_s: float, conversion: Conversion) -> float:
    return min(end_s, conversion.source_duration_s or end_s)


def _while_wanted(blocks: Iterator[NDArray[np.float32]], lease: Lease) -> Iterator[NDArray[np.float32]]:
    for block in blocks:
        lease.check()  # whoever deletes the conversion ends the work
        yield block
