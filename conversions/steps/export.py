"""Export: the result in another format than it was ordered in, or as the sound of its film.

The conversion itself is ready, and stays so.
"""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO, cast

from django.conf import settings
from django.utils.translation import gettext as _

from conversions.files import durable
from conversions.ground import disk
from conversions.ground.connections import give_back
from conversions.models import Conversion, Export
from conversions.queue import outcomes
from conversions.queue.claim import Claim
from conversions.queue.failures import StepError
from conversions.queue.leases import Lease
from conversions.queue.room import exporting_bytes
from conversions.sound.reading import headerless, limits
from conversions.steps import filming
from s2s import audio
from s2s.audio import decode
from s2s.formats import OUTPUT_FORMATS, OutputFormat

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BLOCK = 1 << 20


def export(claim: Claim, lease: Lease) -> None:
    wanted = Export.objects.select_related("conversion__team").get(step=claim.step_id)
    # An earlier attempt may have had it on disk and died before it said so.
    result = durable.find_result(wanted.conversion_id, claim.step_id)
    facts: dict[str, object] = {}
    if wanted.output_format != Export.FILM:
        result = result or _export(claim, lease, wanted)
    elif result is None:
        result, facts = filming.make(claim, lease, wanted.conversion)
    else:
        facts = filming.facts_of(result)
    lease.check()
    with outcomes.ended(claim, result=result.key) as conversion:
        outcomes.exported(claim, conversion, result.key, result.size, facts)


def _export(claim: Claim, lease: Lease, wanted: Export) -> durable.Result:
    conversion = wanted.conversion
    give_back()
    disk.require(exporting_bytes(conversion, wanted.output_format) + disk.AT_LEAST_FREE)
    with TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as file:
        made = cast(BinaryIO, file)
        _make(made, conversion, OUTPUT_FORMATS[wanted.output_format], lease)
        lease.check()
        return durable.store_result(conversion.pk, claim.step_id, claim.attempt, claim.token, _chunks(made), headers={})


def _make(made: BinaryIO, conversion: Conversion, format: OutputFormat, lease: Lease) -> None:
    """Raises AudioError, LeaseLostError, and StepError where the result is gone."""
    try:
        with durable.open_file(conversion.output) as source:
            audio.encode(
                _samples(source, conversion, format.sample_rate_hz, lease),
                made,
                format.codec,
                format.sample_rate_hz,
                format.bitrate_kbps,
                input_rate_hz=format.sample_rate_hz,
                channels=conversion.output_channels,
            )
    except FileNotFoundError as error:
        raise StepError("result_missing", _("The converted file is gone from the server.")) from error


def _samples(
    source: BinaryIO, conversion: Conversion, sample_rate_hz: int, lease: Lease
) -> Iterator[NDArray[np.float32]]:
    """`(n,)`, or `(2, n)` where the result has two channels."""
    from s2s.audio.lanes import in_step

    raw = headerless(conversion.format, conversion.output_channels)
    channels = (0, 1) if conversion.output_channels == 2 else (None,)
    lanes = [
        decode(source, sample_rate_hz=sample_rate_hz, limits=limits(), raw=raw, channel=channel) for channel in channels
    ]
    for block in in_step(lanes):
        lease.check()  # whoever deletes the conversion ends the work
        yield block


def _chunks(made: BinaryIO) -> Iterator[bytes]:
    made.seek(0)
    while chunk := made.read(_BLOCK):
        yield chunk
