"""The two answers with sound in them: a whole converted file, and a stream that begins early."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, closing
from fractions import Fraction
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from s2s.audio import AudioError, Encoder, RawPcm, decode, examine
from s2s.audio.resampling import Resampler
from s2s.contract import ConvertParameters, OutputFormat
from s2s.engine.converter import convert, statistics_seconds
from s2s.engine.errors import QUERY_PARAMETERS, Refusal
from s2s.engine.uploads import Upload
from s2s.engine.vocoder import SAMPLE_RATE_HZ
from s2s.engine.voices import Voice

# Requests at work in one process, waiting for their turn to crunch included; others wait with their upload on disk.
_AT_WORK = threading.BoundedSemaphore(8)


def parameters(query: Mapping[str, str], fields: Mapping[str, str], *, streaming: bool) -> ConvertParameters:
    """The request's parameters, each from where the contract has it. Raises Refusal 422."""
    given = {name: value for name, value in fields.items() if name not in QUERY_PARAMETERS}
    given |= {name: value for name, value in query.items() if name in QUERY_PARAMETERS}
    try:
        found = ConvertParameters.model_validate(given)
    except ValidationError as error:
        raise Refusal.of_validation(error) from error
    if streaming and not found.format.streamable:
        raise Refusal.of_parameter(
            "query", "output_format", msg="WAV has its length in its header and cannot be streamed; take pcm."
        )
    return found


def source_of(upload: Upload) -> BinaryIO:
    """The uploaded recording. Raises Refusal 422 when there is none."""
    if upload.audio is None:
        raise Refusal.of_parameter("body", "audio", msg="Field required", kind="missing")
    return upload.audio


def converted_file(source: BinaryIO, wanted: ConvertParameters, voice: Voice, check: Callable[[], None]) -> BinaryIO:
    """The whole recording in another voice, as an anonymous temporary file at position 0.

    It has `round(n * rate / own)` samples for `n` samples at the recording's own rate, to the sample. `check` is called
    before each block and may raise to stop the work. Raises Refusal 400 for what cannot be decoded.
    """
    raw = _raw(wanted)
    with _AT_WORK, ExitStack() as undo:
        sink = undo.enter_context(tempfile.TemporaryFile(prefix="timbre-output-"))
        output = _Output(wanted.format, sink)
        try:
            check()
            length = _length(source, wanted)
            with closing(convert(_decoded(source, raw), voice, wanted.voice_settings)) as blocks:
                for block in blocks:
                    check()
                    output.write(block)
            output.finish(length)
        except AudioError as error:
            raise _unusable(error) from error
        undo.pop_all()
    sink.seek(0)
    return sink


def converted_stream(
    source: BinaryIO,
    wanted: ConvertParameters,
    voice: Voice,
    check: Callable[[], None],
    work_done: Callable[[], None],
) -> Generator[bytes, None, None]:
    """The recording in another voice, encoded, in pieces as they are ready; as long as `converted_file` has it where
    the format can be exact.

    Pull the first piece before answering: a recording that cannot be decoded raises Refusal 400 there. `check` as
    above; `work_done` is called before the last piece. Closing the generator ends the work.
    """
    raw = _raw(wanted)
    statistics_s = statistics_seconds(wanted.optimize_streaming_latency)
    with _AT_WORK:
        output = _Output(wanted.format)
        try:
            check()
            decoded = _decoded(source, raw)
            blocks = convert(decoded, voice, wanted.voice_settings, streaming=True, statistics_s=statistics_s)
            with closing(blocks):
                for block in blocks:
                    if ready := output.write(block):
                        yield ready
                    check()
            # Counted at the end, when nobody waits for the beginning. Lossy formats have a length of their own.
            last = output.finish(_length(source, wanted) if wanted.format.bitrate_kbps is None else None)
        except AudioError as error:
            raise _unusable(error) from error
    work_done()
    yield last


def _length(source: BinaryIO, wanted: ConvertParameters) -> int:
    """Samples that the output shall have. Decodes all of `source`: nothing else tells its length for sure."""
    found = examine(source, raw=_raw(wanted))
    return round(Fraction(found.samples * wanted.format.sample_rate_hz, found.sample_rate_hz))


def _raw(wanted: ConvertParameters) -> RawPcm | None:
    return RawPcm() if wanted.file_format == "pcm_s16le_16" else None


def _decoded(source: BinaryIO, raw: RawPcm | None) -> Iterator[NDArray[np.float32]]:
    return decode(source, sample_rate_hz=SAMPLE_RATE_HZ, raw=raw)


class _Output:
    """Encodes what comes at 24 kHz, and ends after as many samples as it is told.

    Rounding twice, to 24 kHz and from there, may be a sample off. Until the end it gives fewer: the resampler holds
    some back.
    """

    def __init__(self, form: OutputFormat, sink: BinaryIO | None = None) -> None:
        rate_hz = form.sample_rate_hz
        self._resampler = Resampler(SAMPLE_RATE_HZ, rate_hz)
        self._encoder = Encoder(form.codec, rate_hz, form.bitrate_kbps, input_rate_hz=rate_hz, sink=sink)

    def write(self, block: NDArray[np.float32]) -> bytes:
        return self._encoder.write(self._resampler.write(block))

    def finish(self, length: int | None) -> bytes:
        """`length` None: as it comes."""
        rest = self._resampler.finish()
        if length is not None:
            missing = max(0, length - self._encoder.samples)
            rest = np.pad(rest[:missing], (0, max(0, missing - len(rest))))
        return self._encoder.write(rest) + self._encoder.finish()


def _unusable(error: AudioError) -> Refusal:
    return Refusal.because(400, "invalid_audio", str(error))
