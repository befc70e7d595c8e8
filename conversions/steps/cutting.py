"""One of several pieces of a recording: how it travels, in which format its answer is asked for, and where that lies.

A piece travels as lossless mono in a file of its own. Its answer is asked for without loss too, because it is encoded
once more when the pieces are joined; where the endpoint's plan doesn't include that, in the best format that it does.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from django.conf import settings
from django.utils.translation import gettext as _

from conversions.files import durable
from conversions.models import Conversion, Failure
from conversions.queue.plan import piece_rate_hz
from conversions.sound.reading import headerless, limits, places_of, raw_source
from conversions.steps.loading import Piece
from conversions.words.lengths import HEARD_S, fine_duration, heeded_speed, is_near
from s2s import audio
from s2s.audio import AudioError, RawPcm, Stop, decode, stretch
from s2s.audio.limits import SILENCE_DBFS
from s2s.formats import OUTPUT_FORMATS, OutputFormat
from voices.models import Endpoint
from voices.refused import refused_formats

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from s2s.audio.aligning import Energies

# Where a plan doesn't include samples as they are.
_SECOND_BEST: Final = ("mp3_44100_192", "mp3_44100_128")
# More at once than there are cores take memory, and are no quicker.
_knives = threading.BoundedSemaphore(os.cpu_count() or 1)
_SILENCE: Final = 10 ** (SILENCE_DBFS / 10)


class OddLengthError(Exception):
    """Of an answer that is plainly not that of what was sent."""

    def __init__(self, found_s: float, expected_s: float) -> None:
        super().__init__(f"{found_s:.3f} s instead of {expected_s:.3f}")
        self.found_s, self.expected_s = found_s, expected_s


def worthless(error: AudioError | OddLengthError, endpoint: Endpoint) -> Failure:
    """What is said of an answer that is no audio, silent though what was sent isn't, or of quite another length."""
    match error:
        case OddLengthError():
            words = _("%(endpoint)s answered with %(found)s of sound instead of %(expected)s.") % {
                "endpoint": endpoint.name,
                "found": fine_duration(error.found_s),
                "expected": fine_duration(error.expected_s),
            }
            code = "answer_odd_length"
        case AudioError(code="silent"):
            words = _("%s answered with silence, though your recording isn’t silent.") % endpoint.name
            code = "answer_silent"
        case _:
            words = _("The endpoint answered with something that can't be played. Your recording is safe; press Retry.")
            return Failure("answer_not_audio", words)
    if endpoint.billed:
        more = _("That was billed. Your recording is safe; a Retry calls it, and bills, again.")
    else:
        more = _("Your recording is safe; press Retry.")
    return Failure(code, f"{words} {more}")


def is_of_decoder(error: AudioError | OddLengthError) -> bool:
    """It says nothing of the answer, which was paid for."""
    return isinstance(error, AudioError) and error.code.startswith("decoder_")


def asked_format(piece: Piece) -> OutputFormat:
    """What its endpoint is asked for."""
    ordered = piece.conversion.format
    if piece.is_whole:
        return ordered
    wanted = (f"pcm_{ordered.sample_rate_hz}", *_SECOND_BEST)
    refused = refused_formats(piece.endpoint)
    return next((OUTPUT_FORMATS[name] for name in wanted if name in OUTPUT_FORMATS and name not in refused), ordered)


@contextmanager
def cut_out(piece: Piece, source: BinaryIO, stop: Stop) -> Iterator[tuple[BinaryIO, Energies]]:
    """A FLAC of the piece, and its energies. Raises AudioError."""
    from s2s.audio.aligning import Energy

    rate_hz = piece_rate_hz(piece.conversion.source_rate_hz or 0)
    energy = Energy(rate_hz)

    def heard() -> Iterator[NDArray[np.float32]]:
        for block in blocks(piece.conversion, source, piece.samples, rate_hz, stop, channel=piece.channel):
            energy.write(block)
            yield block

    with TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as file:
        with _knives:
            audio.encode(heard(), cast(BinaryIO, file), "flac", rate_hz, None, input_rate_hz=rate_hz)
        file.seek(0)
        yield cast(BinaryIO, file), energy.finish()


def file_of(conversion: Conversion, channel: int | None) -> str:
    """The key of what `blocks` reads. What was understood of a recording has its channels mixed."""
    return conversion.sent if channel is None else conversion.source


def blocks(
    conversion: Conversion,
    source: BinaryIO,
    samples: tuple[int, int] | None,
    rate_hz: int,
    stop: Stop | None = None,
    *,
    channel: int | None = None,
) -> Iterator[NDArray[np.float32]]:
    """Mono float32 (n,) of `file_of`: all of it, or from one of its `samples` up to another."""
    if samples is None:
        raw, track = _how(conversion, channel)
        return decode(source, sample_rate_hz=rate_hz, limits=limits(), raw=raw, track=track, channel=channel, stop=stop)
    first, end = (round(sample * rate_hz / (conversion.source_rate_hz or rate_hz)) for sample in samples)
    return excerpt(conversion, source, first, end - first, rate_hz, stop, channel=channel)


def excerpt(
    conversion: Conversion,
    source: BinaryIO,
    first: int,
    count: int,
    rate_hz: int,
    stop: Stop | None = None,
    *,
    channel: int | None = None,
) -> Iterator[NDArray[np.float32]]:
    """The same of `count` samples, counted at `rate_hz` as `first` is."""
    raw, track = _how(conversion, channel)
    return stretch(
        source,
        first / rate_hz,
        count,
        places=[] if _is_rendered(conversion, channel) else places_of(conversion),
        sample_rate_hz=rate_hz,
        limits=limits(),
        raw=raw,
        track=track,
        channel=channel,
        stop=stop,
    )


def _how(conversion: Conversion, channel: int | None) -> tuple[RawPcm | None, int | None]:
    """To read `file_of`: what headerless samples are, and which track."""
    return (None, None) if _is_rendered(conversion, channel) else (raw_source(conversion), conversion.track)


def _is_rendered(conversion: Conversion, channel: int | None) -> bool:
    """Whether `file_of` is what was understood of it."""
    return conversion.is_rendered and channel is None


def energies(piece: Piece) -> Energies:
    """Of what was sent. Raises AudioError, FileNotFoundError."""
    from s2s.audio.aligning import Energy

    conversion = piece.conversion
    rate_hz = piece_rate_hz(conversion.source_rate_hz or 0)
    energy = Energy(rate_hz)
    with durable.open_file(file_of(conversion, piece.channel)) as source:
        for block in blocks(conversion, source, piece.samples, rate_hz, channel=piece.channel):
            energy.write(block)
    return energy.finish()


def alignment(conversion: Conversion, sent: Energies, answer: BinaryIO, format: OutputFormat) -> dict[str, float]:
    """How the answer lies beside what was sent, as its step keeps it: an `Alignment`, and the `speed` it was made in.

    Where its end is missing, or something comes after that, `lacks_s` or `beyond_s` says how much. Raises AudioError
    for what is no audio, and for silence (silent) where something was sent, OddLengthError for less than half of what
    was sent or more than twice as much.
    """
    from s2s.audio.aligning import HOPS_A_SECOND, Energy, align, left_over

    energy = Energy(format.sample_rate_hz)
    samples = 0
    for block in decode(answer, sample_rate_hz=format.sample_rate_hz, limits=limits(), raw=headerless(format)):
        energy.write(block)
        samples += len(block)
    found = energy.finish()
    if found.max(initial=0.0) <= _SILENCE < sent.max(initial=0.0):
        raise AudioError("silent")
    sent_s, found_s = len(sent) / HOPS_A_SECOND, samples / format.sample_rate_hz
    speed = 1.0 if conversion.in_regions else heeded_speed(conversion, sent_s, found_s)
    expected_s = sent_s / speed
    if not is_near(found_s, expected_s) and sent.max(initial=0.0) > _SILENCE:
        raise OddLengthError(found_s, expected_s)
    lies = align(sent, found, 1 / speed)
    odd = dict(zip(("lacks_s", "beyond_s"), left_over(sent, found, lies, 1 / speed), strict=True))
    return asdict(lies) | {"speed": speed} | {name: seconds for name, seconds in odd.items() if seconds > HEARD_S}
