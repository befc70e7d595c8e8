"""Convert: one call of the endpoint, in the ledger before it is sent, its answer durable before it is known."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from django.utils.translation import gettext as _

from conversions.files import beginnings, copies, durable
from conversions.ground import disk
from conversions.ground.connections import give_back
from conversions.models import Event, Failure, Step
from conversions.queue import calls, gate, limits
from conversions.queue.claim import Claim
from conversions.queue.failures import StepError
from conversions.queue.leases import Lease
from conversions.sound.reading import heard, heard_at_once
from conversions.steps import cutting, reconcile, spoken
from conversions.steps.coming import Coming
from conversions.steps.loading import Piece, parameters_of, piece_of
from conversions.words.lengths import asked_speed
from s2s.audio import AudioError, Stop
from s2s.client import Abort, Client, said
from s2s.contract import MAX_SEED, ConvertParameters
from voices.clients import client_for
from voices.refused import is_format_refused, remember_refused

if TYPE_CHECKING:
    from s2s.audio.aligning import Energies
    from s2s.formats import OutputFormat

# Up to here a slot is not held noticeably longer for looking at an answer than for handing it on.
AT_ONCE_BYTES = 20 * 1000**2
# Up to here an answer that needs no decoder is looked at in the milliseconds in which the disk writes it anyway.
AT_SIGHT_BYTES = 8 * 1000**2
# Answers come in waves: more decoders at once than there are cores take memory and make nothing quicker. A strange
# answer may keep one busy for long; then the others are handed on too.
_eyes = ThreadPoolExecutor(os.cpu_count() or 1, "look")
LOOK_PATIENCE_S = 5.0
# What is kept of an answer's headers next to its bytes.
KEPT_HEADERS = frozenset(
    {"content-type", "request-id", "character-cost", "history-item-id", "maximum-concurrent-requests"}
)


def convert(claim: Claim, lease: Lease) -> None:
    piece = piece_of(claim)
    if claim.is_long and claim.attempt > 1:
        beginnings.forget_all(claim.conversion_id, claim.step_id)
    adopted = durable.find_result(claim.conversion_id, claim.step_id)
    if adopted is not None:
        # An earlier attempt had its answer on disk and died before it said so.
        calls.record_result(claim, adopted, kind=Event.Kind.ADOPTED)
        gate.not_called(claim)
        return
    client, abort, stop = client_for(piece.endpoint), Abort(), Stop()

    def end() -> None:
        stop.stop()
        abort.abort()

    lost = reconcile.lost_call(claim) if claim.billed else None
    if lost is not None:
        with lease.stopping(end):
            result = reconcile.find(claim, piece, lost, client, abort)
        calls.record_result(claim, result, kind=Event.Kind.LOOKED_UP)
        gate.not_called(claim)
        return
    look = _Look(piece) if piece.is_whole else _Comparison(piece)
    with closing(Coming(claim, _sound_bytes(claim, piece, look.format), is_result=piece.is_whole)) as coming:
        with lease.stopping(end):
            result = _Call(claim, piece, client, abort, stop, look, coming).send(lease)
        is_news = look.record(claim, result)
    gate.answered(claim, piece.endpoint, result.headers, is_news=is_news)


def _sound_bytes(claim: Claim, piece: Piece, format: OutputFormat) -> int:
    """Of its answer, about."""
    return int(claim.seconds / asked_speed(piece.conversion) * format.bytes_per_s)


class _Look:
    """What an answer is, found while it is made durable, where that is quicker than to hand it on to a cpu worker.

    One that can't be read is left to `assemble` too: it says what is wrong, and is what Retry starts over from.
    """

    def __init__(self, piece: Piece) -> None:
        self._output: dict[str, object] | None = None
        self.format = piece.conversion.format

    def begin(self, answer: BinaryIO, sent: Energies | None) -> Callable[[], object]:
        """Returns what waits for its end."""
        size = os.fstat(answer.fileno()).st_size
        if size > AT_ONCE_BYTES:
            return lambda: None
        if size <= AT_SIGHT_BYTES:
            with suppress(Exception):  # it shows again below, where it keeps nothing from becoming durable
                self._output = heard_at_once(answer, self.format)
            if self._output is not None:
                return lambda: None
        looking = _eyes.submit(self._look, answer)
        return lambda: self._seen(looking)

    def record(self, claim: Claim, result: durable.Result) -> bool:
        """Whether the answer is news to its endpoint."""
        if self._output is None:
            return calls.record_result(claim, result, kind=Event.Kind.CONVERTED)
        return calls.finish(claim, result, self._output)

    def _look(self, answer: BinaryIO) -> None:
        with suppress(AudioError, OSError):
            self._output = heard(answer, self.format)

    def _seen(self, looking: Future[None]) -> None:
        try:
            looking.result(LOOK_PATIENCE_S)
        except TimeoutError:
            if not looking.cancel():  # it has begun
                looking.result()


class _Comparison:
    """Where the answer to one of several pieces lies beside what was sent, and whether it is audio at all."""

    def __init__(self, piece: Piece) -> None:
        self._piece = piece
        self._alignment: dict[str, float] | None = None
        self._failure: Failure | None = None
        self.format = cutting.asked_format(piece)

    def begin(self, answer: BinaryIO, sent: Energies | None) -> Callable[[], object]:
        return _eyes.submit(self._compare, answer, sent).result

    def record(self, claim: Claim, result: durable.Result) -> bool:
        if self._failure is not None:
            return calls.refuse(claim, result, self._failure)
        return calls.record_result(claim, result, kind=Event.Kind.CONVERTED, alignment=self._alignment)

    def _compare(self, answer: BinaryIO, sent: Energies | None) -> None:
        assert sent is not None
        try:
            self._alignment = cutting.alignment(self._piece.conversion, sent, answer, self.format)
        except (AudioError, cutting.OddLengthError) as error:
            if not cutting.is_of_decoder(error):  # else it is compared when it is joined
                self._failure = cutting.worthless(error, self._piece.endpoint)


@dataclass(frozen=True, slots=True)
class _Call:
    """One request."""

    claim: Claim
    piece: Piece
    client: Client
    abort: Abort
    stop: Stop
    look: _Look | _Comparison
    coming: Coming

    def send(self, lease: Lease) -> durable.Result:
        conversion = self.piece.conversion
        parameters = self._parameters()
        with ExitStack() as stack:
            source = self._source(stack)
            # Before it is sent: what can't be kept need not be made.
            disk.require(self.coming.expected_bytes + disk.AT_LEAST_FREE)
            audio, sent = self._cut_out(source, stack)
            speech = spoken.speech_behind(self.piece, source, self.stop)
            asked = "" if self.piece.is_whole else self.look.format.name
            calls.enter(self.claim, conversion, self.piece.endpoint, self.piece.voice_name, asked)
            give_back()  # a connection is never held over a call
            try:
                return self._answer_to(audio, sent, speech, parameters)
            except Exception as error:  # also what nobody foresaw leaves the ledger with the truth
                calls.close(self.claim, error)
                lease.check()
                self._ask_for_less(error)
                raise

    def _source(self, stack: ExitStack) -> BinaryIO:
        """What it is cut out of, or sent as it is."""
        conversion = self.piece.conversion
        key = cutting.file_of(conversion, self.piece.channel)
        try:
            if self.piece.is_cut_out:
                return stack.enter_context(copies.reading(key, may_stay=not conversion.zero_retention))
            return stack.enter_context(closing(durable.open_file(key)))
        except FileNotFoundError as error:
            raise StepError("source_missing", _("The recording's file is gone. Please upload it again.")) from error

    def _cut_out(self, source: BinaryIO, stack: ExitStack) -> tuple[BinaryIO, Energies | None]:
        """What is sent, and of a piece that is cut out its energies."""
        if not self.piece.is_cut_out:
            return source, None
        give_back()
        return stack.enter_context(cutting.cut_out(self.piece, source, self.stop))

    def _ask_for_less(self, error: Exception) -> None:
        """Raises StepError where its plan doesn't include the format, and there is another one to ask for."""
        format = self.look.format
        if format != self.piece.conversion.format and is_format_refused(error, format.name):
            remember_refused(self.piece.endpoint, format.name)
            words = _("%s doesn’t give that format with its plan; another one is asked for.")
            raise StepError(
                "format_refused", words % self.piece.endpoint.name, retry_after_s=0.0, counted=False
            ) from error

    def _answer_to(
        self, audio: BinaryIO, sent: Energies | None, speech: bytes | None, parameters: ConvertParameters
    ) -> durable.Result:
        claim, conversion = self.claim, self.piece.conversion
        answer = self.client.convert(
            self.piece.voice.voice_id,
            audio,
            parameters,
            filename="recording.flac" if self._is_flac else conversion.source_name or "audio",
            timeout=limits.timeouts(claim),
            most_bytes=limits.most_bytes(claim.seconds, conversion),
            source_speech=speech,
            abort=self.abort,
        )
        with answer:
            headers = said.headers(answer.headers, KEPT_HEADERS)
            return durable.store_result(
                claim.conversion_id,
                claim.step_id,
                claim.attempt,
                claim.token,
                answer,
                headers,
                growing=self.coming.grown_to,
                beside=lambda file: self.look.begin(file, sent),
            )

    @property
    def _is_flac(self) -> bool:
        return self.piece.is_cut_out or self.piece.conversion.is_rendered

    def _parameters(self) -> ConvertParameters:
        own: dict[str, object] = {"output_format": self.look.format.name}
        if self.piece.is_cut_out:
            own["file_format"] = "other"
        if self.claim.kind is Step.Kind.REDO:
            own["seed"] = 1 + secrets.randbelow(MAX_SEED)  # else an endpoint that draws none gives the same again
        return parameters_of(self.piece).model_copy(update=own)
