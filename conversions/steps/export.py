"""Export: the result in another format than it was ordered in. The conversion itself is ready, and stays so."""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO, cast

from django.conf import settings
from django.utils.translation import gettext as _

from conversions.files import durable
from conversions.ground.connections import give_back
from conversions.models import Export
from conversions.queue import outcomes
from conversions.queue.claim import Claim
from conversions.queue.failures import StepError
from conversions.queue.leases import Lease
from conversions.sound.reading import headerless, limits
from s2s import audio
from s2s.audio import RawPcm, decode
from s2s.formats import OUTPUT_FORMATS, OutputFormat

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BLOCK = 1 << 20


def export(claim: Claim, lease: Lease) -> None:
    wanted = Export.objects.select_related("conversion").get(step=claim.step_id)
    conversion = wanted.conversion
    # An earlier attempt may have had it on disk and died before it said so.
    result = durable.find_result(conversion.pk, claim.step_id)
    if result is None:
        give_back()
        with TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as file:
            made = cast(BinaryIO, file)
            _make(made, conversion.output, conversion.format, OUTPUT_FORMATS[wanted.output_format], lease)
            lease.check()
            result = durable.store_result(
                conversion.pk, claim.step_id, claim.attempt, claim.token, _chunks(made), headers={}
            )
    lease.check()
    with outcomes.ended(claim, result=result.key) as conversion:
        outcomes.exported(claim, conversion, result.key, result.size)


def _make(made: BinaryIO, key: str, ordered: OutputFormat, format: OutputFormat, lease: Lease) -> None:
    """Raises AudioError, LeaseLostError, and StepError where the result is gone."""
    try:
        with durable.open_file(key) as source:
            audio.encode(
                _samples(source, format.sample_rate_hz, headerless(ordered), lease),
                made,
                format.codec,
                format.sample_rate_hz,
                format.bitrate_kbps,
                input_rate_hz=format.sample_rate_hz,
            )
    except FileNotFoundError as error:
        raise StepError("result_missing", _("The converted file is gone from the server.")) from error


def _samples(source: BinaryIO, sample_rate_hz: int, raw: RawPcm | None, lease: Lease) -> Iterator[NDArray[np.float32]]:
    for block in decode(source, sample_rate_hz=sample_rate_hz, limits=limits(), raw=raw):
        lease.check()  # whoever deletes the conversion ends the work
        yield block


def _chunks(made: BinaryIO) -> Iterator[bytes]:
    made.seek(0)
    while chunk := made.read(_BLOCK):
        yield chunk
