"""The film of a recording that has pictures: copied as they came, with the result as its sound."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from tempfile import TemporaryFile
from typing import BinaryIO, Final, cast

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from conversions.files import durable
from conversions.ground import disk
from conversions.ground.connections import give_back
from conversions.ledger.usage import OverQuotaError, film_size, require_room
from conversions.models import Conversion
from conversions.queue.claim import Claim
from conversions.queue.failures import StepError
from conversions.queue.leases import Lease
from conversions.sound.reading import headerless, limits
from s2s import audio
from s2s.audio import Film, Stop

_FACTS: Final = "film"  # among a result's headers: what a worker that adopts it must know
_CPU_S: Final = 3600  # six hours of sound are encoded meanwhile


def make(claim: Claim, lease: Lease, conversion: Conversion) -> tuple[durable.Result, dict[str, object]]:
    """A durable film, and what there is to be said of it. Raises AudioError, LeaseLostError, StepError and OSError."""
    _require_room(conversion)
    give_back()
    stop = Stop()
    with TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as made, lease.stopping(stop.stop):
        film = _film(conversion, made, stop)
        lease.check()
        result = durable.store_result(
            conversion.pk,
            claim.step_id,
            claim.attempt,
            claim.token,
            _under(lease, audio.in_playing_order(made)),
            headers={_FACTS: json.dumps(film.as_json())},
        )
    return result, film.as_json()


def facts_of(result: durable.Result) -> dict[str, object]:
    """What `make` said of a film that an earlier attempt has left."""
    return dict(json.loads(result.headers[_FACTS]))


def _film(conversion: Conversion, made: object, stop: Stop) -> Film:
    format = conversion.format
    try:
        with durable.open_file(conversion.source) as source, durable.open_file(conversion.output) as sound:
            return audio.film(
                source,
                sound,
                cast(BinaryIO, made),
                lossless=format.bitrate_kbps is None,
                limits=replace(limits(), cpu_s=_CPU_S),
                raw=headerless(format, conversion.output_channels),
                track=conversion.track,
                stop=stop,
            )
    except FileNotFoundError as error:
        raise StepError("result_missing", _("The film or its new sound is gone from the server.")) from error


def _require_room(conversion: Conversion) -> None:
    """In the team's storage, where it counts already, and on the disk, which has it twice for a moment."""
    try:
        with transaction.atomic():
            require_room(conversion.team, 0)
    except OverQuotaError as error:
        raise StepError("quota", _("%s The sound alone is there.") % error) from error
    disk.require(2 * film_size(conversion))


def _under(lease: Lease, blocks: Iterator[bytes]) -> Iterator[bytes]:
    for block in blocks:
        lease.check()
        yield block
