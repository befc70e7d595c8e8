"""The two answers with sound in them: a whole converted file, exact to the sample, and a stream that begins early."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from s2s.audio import AudioError, Limits, RawPcm, decode, examine
from s2s.contract import ConvertParameters
from s2s.engine import denoiser, outputs
from s2s.engine.cleaning import without_noise
from s2s.engine.converter import STATISTICS_S, convert, statistics_seconds, unchanged
from s2s.engine.errors import QUERY_PARAMETERS, Refusal
from s2s.engine.tempo import Tempo
from s2s.engine.uploads import Upload
from s2s.engine.vocoder import SAMPLE_RATE_HZ
from s2s.engine.voices import OwnVoice, Voice

_ANY_LENGTH = Limits()
_SPEECH_LIMITS = Limits(max_duration_s=60)


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be converted. `check` is called before each block and may raise to stop the work; `work_done` when
    nothing is left but to send. `source_speech`: what the source is measured on, where `source` is a passage alone.

    It waits for nobody but for its turn to crunch (`turns`), which long work gives up to short: how many are at work
    is the engine's to limit, before an upload is read (`concurrency`).
    """

    source: BinaryIO
    wanted: ConvertParameters
    voice: Voice | OwnVoice
    check: Callable[[], None]
    work_done: Callable[[], None]
    source_speech: BinaryIO | None = None


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


class Piece(NamedTuple):
    """Of a converted file. `is_last`: of a recording that is finished at once it is the first as well."""

    content: bytes
    is_last: bool


def converted_file(job: Job) -> Generator[Piece, None, None]:
    """The whole recording in another voice, in pieces from its first block on; one piece, if that is all of it.

    It has `round(n * rate / own / speed)` samples for `n` samples at the recording's own rate, to the sample. Pull the
    first piece before answering: a recording that cannot be decoded, up to there, raises Refusal 400. Closing the
    generator ends the work.
    """
    source, wanted = job.source, job.wanted
    try:
        job.check()
        # What says at its beginning how much follows must know it. Counting all takes the longer the longer it is.
        length = _length(source, wanted) if wanted.format.codec in outputs.FORETOLD else None
        output, tempo = outputs.Output(wanted.format, length), _tempo(wanted)
        decoded, has_begun = _Counted(_decoded(job)), False
        with closing(_changed(job, decoded)) as blocks:
            for block in blocks:
                job.check()
                output.write(tempo.write(block))
                if not decoded.all_given(len(block)):
                    has_begun = True
                    yield Piece(output.ready(), is_last=False)
        output.write(tempo.finish())
        content = output.rest(_length(source, wanted) if length is None else length)
    except AudioError as error:
        raise _unusable(error) from error
    job.work_done()
    yield Piece(content, is_last=not has_begun)


def converted_stream(job: Job) -> Generator[bytes, None, None]:
    """The recording in another voice, encoded, in pieces as they are ready; as long as `converted_file` has it where
    the format can be exact.

    Pull the first piece before answering: a recording that cannot be decoded raises Refusal 400 there. `work_done` is
    called before the last piece. Closing the generator ends the work.
    """
    source, wanted = job.source, job.wanted
    output, tempo = outputs.Output(wanted.format), _tempo(wanted)
    try:
        job.check()
        with closing(_changed(job, _decoded(job), streaming=True)) as blocks:
            for block in blocks:
                output.write(tempo.write(block))
                if ready := output.ready():
                    yield ready
                job.check()
        output.write(tempo.finish())
        # Counted at the end, when nobody waits for the beginning. Lossy formats have a length of their own.
        last = output.rest(_length(source, wanted) if wanted.format.bitrate_kbps is None else None)
    except AudioError as error:
        raise _unusable(error) from error
    job.work_done()
    yield last


class _Counted:
    """Decoded blocks, of which it is known whether what was made of them so far is all."""

    def __init__(self, blocks: Generator[NDArray[np.float32], None, None]) -> None:
        self._blocks = blocks
        self._left = 0  # taken, and not given yet
        self._ended = False

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        return self

    def __next__(self) -> NDArray[np.float32]:
        try:
            block = next(self._blocks)
        except StopIteration:
            self._ended = True
            raise
        self._left += len(block)
        return block

    def all_given(self, samples: int) -> bool:
        """`samples` more were given. Of a long recording the last ones may not be known for that yet."""
        self._left -= samples
        return self._ended and self._left <= 0

    def close(self) -> None:
        self._blocks.close()


def _length(source: BinaryIO, wanted: ConvertParameters) -> int:
    """Samples that the output shall have. Decodes all of `source`: nothing else tells its length for sure."""
    found = examine(source, raw=_raw(wanted))
    seconds = Fraction(found.samples, found.sample_rate_hz) / Fraction(_speed(wanted))
    return round(seconds * wanted.format.sample_rate_hz)


def _speed(wanted: ConvertParameters) -> float:
    return (wanted.voice_settings and wanted.voice_settings.speed) or 1.0


def _tempo(wanted: ConvertParameters) -> Tempo:
    return Tempo(outputs.working_rate_hz(wanted.format), _speed(wanted))


def _changed(
    job: Job, decoded: Iterator[NDArray[np.float32]], *, streaming: bool = False
) -> Generator[NDArray[np.float32], None, None]:
    """`decoded` in the voice that is wanted, at the rate of the work."""
    wanted, rate_hz = job.wanted, outputs.working_rate_hz(job.wanted.format)
    if isinstance(job.voice, OwnVoice):
        return unchanged(decoded, streaming=streaming, sample_rate_hz=rate_hz)
    return convert(
        decoded,
        job.voice,
        wanted.voice_settings,
        streaming=streaming,
        statistics_s=statistics_seconds(wanted.optimize_streaming_latency) if streaming else STATISTICS_S,
        speech=_source_speech(job),
        sample_rate_hz=rate_hz,
        seed=wanted.seed or 0,
        check=job.check,
    )


def _source_speech(job: Job) -> NDArray[np.float32] | None:
    """(n,) at 24 kHz. Raises Refusal 422 when it can't be decoded."""
    if job.source_speech is None:
        return None
    try:
        decoded = _listened(job, job.source_speech, SAMPLE_RATE_HZ, limits=_SPEECH_LIMITS)
        return np.concatenate([np.zeros(0, np.float32), *decoded])
    except AudioError as error:
        raise Refusal.of_parameter("body", "source_speech", msg=str(error)) from error


def _raw(wanted: ConvertParameters) -> RawPcm | None:
    return RawPcm() if wanted.file_format == "pcm_s16le_16" else None


def _decoded(job: Job) -> Generator[NDArray[np.float32], None, None]:
    return _listened(job, job.source, outputs.working_rate_hz(job.wanted.format), raw=_raw(job.wanted))


def _listened(
    job: Job, source: BinaryIO, sample_rate_hz: int, *, limits: Limits = _ANY_LENGTH, raw: RawPcm | None = None
) -> Generator[NDArray[np.float32], None, None]:
    """`source` at that rate, without its noise where it is to go."""
    limit_db = _noise_reduction_db(job)
    if limit_db is None:
        return decode(source, sample_rate_hz=sample_rate_hz, limits=limits, raw=raw)
    decoded = decode(source, sample_rate_hz=denoiser.RATE_HZ, limits=limits, raw=raw)
    return without_noise(decoded, limit_db, sample_rate_hz, job.check)


def _noise_reduction_db(job: Job) -> float | None:
    """None: noise stays."""
    is_to_go = isinstance(job.voice, OwnVoice) or job.wanted.remove_background_noise
    return job.voice.settings(job.wanted.voice_settings).noise_reduction_db if is_to_go and denoiser.removes() else None


def _unusable(error: AudioError) -> Refusal:
    return Refusal.because(400, "invalid_audio", str(error))
