"""The converted pieces of a recording become one result: each where its source was, encoded once."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from functools import partial
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO, cast

from django.conf import settings

from conversions.files import durable
from conversions.ground import disk
from conversions.ground.connections import give_back, written_in_turn
from conversions.models import Conversion, Step
from conversions.queue.claim import Claim
from conversions.queue.failures import StepError
from conversions.queue.leases import Lease
from conversions.queue.room import joining_bytes
from conversions.queue.shares import Share
from conversions.sound.reading import headerless, limits
from conversions.steps import cutting
from conversions.steps.lanes import lanes, recordings
from conversions.steps.loading import piece_at
from s2s import audio
from s2s.audio import AudioError, decode
from s2s.formats import OUTPUT_FORMATS, OutputFormat

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from s2s.audio.aligning import Alignment
    from s2s.audio.joining import Part

_BLOCK = 1 << 20


def join(claim: Claim, lease: Lease, conversion: Conversion, pieces: Sequence[Step]) -> dict[str, object]:
    """The fields of the conversion that tell of its result. Raises AudioError, FileNotFoundError, LeaseLostError."""
    from s2s.audio.aligning import Alignment

    rate_hz = conversion.format.sample_rate_hz
    alignments = [_alignment(conversion, piece) for piece in pieces]
    lie = [Alignment(**{field.name: each[field.name] for field in fields(Alignment)}) for each in alignments]
    usual = _usual(claim, lie, alignments)
    scale = rate_hz / (conversion.source_rate_hz or rate_hz) / usual["speed"]
    samples = round((conversion.source_samples or 0) * scale)
    answer = partial(_samples, rate_hz=rate_hz)
    disk.require(
        joining_bytes(conversion.output_format, conversion.output_channels, samples / rate_hz) + disk.AT_LEAST_FREE
    )
    with ExitStack() as files, TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as file:
        made, recording, usual_db = cast(BinaryIO, file), recordings(files), usual["louder_db"]
        channels = lanes(conversion, pieces, lie, answer, recording, rate_hz=rate_hz, scale=scale, usual_db=usual_db)
        heard = _encode(claim, lease, conversion.format, channels, samples, made)
        lease.check()
        result = durable.store_result(claim.conversion_id, claim.step_id, claim.attempt, claim.token, _chunks(made), {})
    return {
        "output": result.key,
        "output_bytes": result.size,
        "output_duration_s": samples / rate_hz,
        "pieces_bytes": sum(durable.size(piece.result) for piece in pieces),
        **heard,
    }


def _encode(
    claim: Claim, lease: Lease, format: OutputFormat, channels: Sequence[Sequence[Part]], samples: int, made: BinaryIO
) -> dict[str, object]:
    """The parts of each channel, joined, as one file of so many `samples`. Returns what is drawn of it, and how loud it
    is: to decode hours again would take as long as they took."""
    from s2s.audio.joining import join as joined
    from s2s.audio.lanes import in_step, outline
    from s2s.audio.loudness import Loudness
    from s2s.audio.peaks import survey

    rate_hz = format.sample_rate_hz
    encoder = audio.Encoder(
        format.codec,
        rate_hz,
        format.bitrate_kbps,
        input_rate_hz=rate_hz,
        sink=made,
        length=samples,
        channels=len(channels),
    )

    loudness, layout = Loudness(), "mono" if len(channels) == 1 else "stereo"

    def encoded() -> Iterator[NDArray[np.float32]]:
        share = Share(claim, samples)
        for planes in in_step([joined(parts, samples, rate_hz) for parts in channels]):
            lease.check()  # whoever deletes the conversion ends the work
            encoder.write(planes)
            loudness.write(planes, layout, rate_hz)
            share.add(planes.shape[1])
            yield outline(planes)

    found = survey(encoded(), rate_hz, 1000, samples)
    encoder.finish()
    return {"output_peaks": found.peaks, "output_lufs": loudness.finish()}


def _usual(claim: Claim, lie: Sequence[Alignment], alignments: Sequence[dict[str, float]]) -> dict[str, float]:
    """What is common to all pieces, as it was when they were joined first: one that is redone changes no other."""
    from s2s.audio.joining import usual_db

    kept = Step.objects.filter(pk=claim.step_id).values_list("alignment", flat=True).first()
    if kept is not None:
        return dict(kept)
    speed = statistics.median(alignment["speed"] for alignment in alignments)
    usual = {"speed": speed, "louder_db": usual_db(lie)}
    with written_in_turn():
        Step.objects.filter(pk=claim.step_id, lease_token=claim.token).update(alignment=usual)
    give_back()
    return usual


def _alignment(conversion: Conversion, piece: Step) -> dict[str, float]:
    """Found when the answer came, unless that was adopted."""
    if piece.alignment is not None:
        return dict(piece.alignment)
    assert piece.endpoint is not None  # of a call
    assert piece.voice is not None
    sent = cutting.energies(piece_at(piece, conversion, piece.endpoint, piece.voice))
    with durable.open_file(piece.result) as answer, _readable(piece):
        found = cutting.alignment(conversion, sent, answer, OUTPUT_FORMATS[piece.output_format])
    Step.objects.filter(pk=piece.pk, result=piece.result).update(alignment=found)
    return found


@contextmanager
def _readable(piece: Step) -> Iterator[None]:
    """Raises StepError for one that is no audio; a Retry converts it again, and it alone."""
    try:
        yield
    except (AudioError, cutting.OddLengthError) as error:
        if cutting.is_of_decoder(error):
            raise
        # Nobody else may have brought another answer meanwhile.
        Step.objects.filter(pk=piece.pk, result=piece.result).update(status=Step.Status.FAILED)
        assert piece.endpoint is not None  # of a call
        failure = cutting.worthless(error, piece.endpoint)
        raise StepError(failure.code, failure.words) from error


def _samples(piece: Step, rate_hz: int) -> Iterator[NDArray[np.float32]]:
    """Opened when it is begun: there may be hundreds."""
    raw = headerless(OUTPUT_FORMATS[piece.output_format])
    with durable.open_file(piece.result) as answer, _readable(piece):
        yield from decode(answer, sample_rate_hz=rate_hz, limits=limits(), raw=raw)


def _chunks(made: BinaryIO) -> Iterator[bytes]:
    made.seek(0)
    while chunk := made.read(_BLOCK):
        yield chunk
