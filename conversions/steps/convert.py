"""Convert: one call of the endpoint, in the ledger before it is sent, its answer durable before it is known."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from django.utils.translation import gettext as _

from conversions.files import durable
from conversions.ground import disk
from conversions.ground.connections import give_back
from conversions.models import Event
from conversions.queue import calls, gate, limits
from conversions.queue.claim import Claim
from conversions.queue.failures import StepError
from conversions.queue.leases import Lease
from conversions.sound.reading import heard, heard_at_once
from conversions.steps import reconcile
from conversions.steps.loading import Piece, piece_of
from conversions.words.lengths import asked_speed
from s2s.audio import AudioError
from s2s.client import Abort, Client, said
from voices import abilities
from voices.clients import client_for

# Up to here a slot is not held noticeably longer for looking at an answer than for handing it on.
AT_ONCE_BYTES = 20 * 1000**2
# Up to here an answer that needs no decoder is looked at in the milliseconds in which the disk writes it anyway.
AT_SIGHT_BYTES = 8 * 1000**2
# Answers come in waves: more decoders at once than there are cores take memory and make nothing quicker. A strange
# answer may keep one busy for long; then the others are handed on too.
_eyes = ThreadPoolExecutor(os.cpu_count() or 1, "look")
LOOK_PATIENCE_S = 5.0
AT_LEAST_FREE = 1 << 20
# What is kept of an answer's headers next to its bytes.
KEPT_HEADERS = frozenset(
    {"content-type", "request-id", "character-cost", "history-item-id", "maximum-concurrent-requests"}
)


def convert(claim: Claim, lease: Lease) -> None:
    piece = piece_of(claim)
    adopted = durable.find_result(claim.conversion_id, claim.step_id)
    if adopted is not None:
        # An earlier attempt had its answer on disk and died before it said so.
        calls.record_result(claim, adopted, kind=Event.Kind.ADOPTED)
        gate.not_called(claim)
        return
    client, abort = client_for(piece.endpoint), Abort()
    lost = reconcile.lost_call(claim) if claim.billed else None
    look = _Look(piece)
    with lease.stopping(abort.abort):
        if lost is not None:
            result = reconcile.find(claim, piece, lost, client, abort)
        else:
            result = _Call(claim, piece, client, abort, look).send(lease)
    if lost is not None:
        calls.record_result(claim, result, kind=Event.Kind.LOOKED_UP)
        gate.not_called(claim)
        return
    if look.output is None:
        is_news = calls.record_result(claim, result, kind=Event.Kind.CONVERTED)
    else:
        is_news = calls.finish(claim, result, look.output)
    gate.answered(claim, piece.endpoint, result.headers, is_news=is_news)


class _Look:
    """What an answer is, found while it is made durable, where that is quicker than to hand it on to a cpu worker.

    One that can't be read is left to `assemble` too: it says what is wrong, and is what Retry starts over from.
    """

    def __init__(self, piece: Piece) -> None:
        self.output: dict[str, Any] | None = None
        self._format = piece.conversion.format
        self._is_whole = piece.is_whole

    def begin(self, answer: BinaryIO) -> Callable[[], object]:
        """Returns what waits for its end."""
        size = os.fstat(answer.fileno()).st_size
        if not self._is_whole or size > AT_ONCE_BYTES:
            return lambda: None
        if size <= AT_SIGHT_BYTES:
            with suppress(Exception):  # it shows again below, where it keeps nothing from becoming durable
                self.output = heard_at_once(answer, self._format)
            if self.output is not None:
                return lambda: None
        looking = _eyes.submit(self._look, answer)
        return lambda: self._seen(looking)

    def _look(self, answer: BinaryIO) -> None:
        with suppress(AudioError, OSError):
            self.output = heard(answer, self._format)

    def _seen(self, looking: Future[None]) -> None:
        try:
            looking.result(LOOK_PATIENCE_S)
        except TimeoutError:
            if not looking.cancel():  # it has begun
                looking.result()


@dataclass(frozen=True, slots=True)
class _Call:
    """One request."""

    claim: Claim
    piece: Piece
    client: Client
    abort: Abort
    look: _Look

    def send(self, lease: Lease) -> durable.Result:
        conversion = self.piece.conversion
        try:
            source = durable.open_file(conversion.sent)
        except FileNotFoundError as error:
            raise StepError("source_missing", _("The recording's file is gone. Please upload it again.")) from error
        with closing(source):
            disk.require(self._expected_bytes())  # before it is sent: what can't be kept need not be made
            source_speech = self._source_speech()
            calls.enter(self.claim, conversion, self.piece.endpoint)
            give_back()  # a connection is never held over a call
            try:
                return self._answer_to(source, source_speech)
            except Exception as error:  # also what nobody foresaw leaves the ledger with the truth
                calls.close(self.claim, error)
                lease.check()
                raise

    def _expected_bytes(self) -> int:
        """Of the answer, with some room for headers and for rows about it."""
        conversion = self.piece.conversion
        seconds = self.claim.seconds / asked_speed(conversion)
        return int(seconds * conversion.format.bytes_per_s) + AT_LEAST_FREE

    def _source_speech(self) -> bytes | None:
        """What is spoken in the recording of which this is a passage, for an endpoint that says that it takes it."""
        recording, model_id = self.piece.conversion.audition_of_id, self.piece.conversion.model_id
        if recording is None or not abilities.takes_source_speech(self.piece.endpoint, model_id):
            return None
        give_back()
        with suppress(FileNotFoundError), durable.open_file(durable.speech_key(recording)) as file:
            return file.read()
        return None

    def _answer_to(self, source: BinaryIO, source_speech: bytes | None) -> durable.Result:
        claim, conversion = self.claim, self.piece.conversion
        answer = self.client.convert(
            self.piece.voice.voice_id,
            source,
            conversion.parameters,
            filename="recording.flac" if conversion.is_rendered else conversion.source_name or "audio",
            timeout=limits.timeouts(claim),
            most_bytes=limits.most_bytes(claim.seconds, conversion),
            source_speech=source_speech,
            abort=self.abort,
        )
        with answer:
            headers = said.headers(answer.headers, KEPT_HEADERS)
            return durable.store_result(
                claim.conversion_id, claim.step_id, claim.attempt, claim.token, answer, headers, beside=self.look.begin
            )
