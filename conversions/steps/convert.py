"""Convert: one call of the endpoint, in the ledger before it is sent, its answer durable before it is known."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from functools import cache
from typing import Any, BinaryIO

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from conversions.files import durable
from conversions.ground import disk
from conversions.ground.connections import give_back
from conversions.models import Call, Conversion, Event, Happened, Step, log
from conversions.queue import gate, limits, outcomes
from conversions.queue.claim import Claim, LeaseLostError
from conversions.queue.failures import StepError
from conversions.queue.leases import Lease
from conversions.sound.reading import heard, heard_at_once
from conversions.steps import reconcile
from conversions.steps.loading import conversion_of
from conversions.words.lengths import asked_speed
from s2s.audio import AudioError
from s2s.client import Abort, Aborted, Client, EndpointError, NotSent, Unclear, said
from statements import Given, Insert, Update
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


_add_call = Insert(
    Call,
    *("conversion_id", "step_id", "endpoint_id", "team_id", "user_id", "attempt", "token", "seconds", "credits"),
)


def convert(claim: Claim, lease: Lease) -> None:
    conversion = conversion_of(claim)
    adopted = durable.find_result(conversion.pk, claim.step_id)
    if adopted is not None:
        # An earlier attempt had its answer on disk and died before it said so.
        record_result(claim, adopted, kind=Event.Kind.ADOPTED)
        gate.not_called(claim, conversion.endpoint)
        return
    client, abort = client_for(conversion.endpoint), Abort()
    lost = reconcile.lost_call(claim) if conversion.endpoint.billed else None
    look = _Look(conversion)
    with lease.stopping(abort.abort):
        if lost is not None:
            result = reconcile.find(conversion, lost, client, abort)
        else:
            result = _call(claim, conversion, client, abort, lease, look)
    if lost is not None:
        record_result(claim, result, kind=Event.Kind.LOOKED_UP)
        gate.not_called(claim, conversion.endpoint)
        return
    if look.output is None:
        is_news = record_result(claim, result, kind=Event.Kind.CONVERTED)
    else:
        is_news = _finish(claim, result, look.output)
    gate.answered(claim, conversion.endpoint, result.headers, is_news=is_news)


class _Look:
    """What an answer is, found while it is made durable, where that is quicker than to hand it on to a cpu worker.

    One that can't be read is left to `assemble` too: it says what is wrong, and is what Retry starts over from.
    """

    def __init__(self, conversion: Any) -> None:
        self.output: dict[str, Any] | None = None
        self._format = conversion.format
        self._is_whole: bool = conversion.is_whole

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


def _enter_into_ledger(claim: Claim, conversion: Conversion) -> None:
    """Committed before the request is sent: after a crash this row is how we know that it may have been."""
    seconds = conversion.source_duration_s or 0.0
    endpoint = conversion.endpoint
    with outcomes.held(claim) as locked:
        _add_call(
            conversion_id=conversion.pk,
            step_id=claim.step_id,
            endpoint_id=endpoint.pk,
            team_id=conversion.team_id,
            user_id=claim.user_id,
            attempt=claim.attempt,
            token=claim.token,
            seconds=seconds,
            credits=endpoint.credits_per_minute * seconds / 60 if endpoint.billed else 0,
        )
        log(locked, Event.Kind.SENT, endpoint=endpoint.name, voice=conversion.voice_name, attempt=claim.attempt)


def _call(
    claim: Claim, conversion: Conversion, client: Client, abort: Abort, lease: Lease, look: _Look
) -> durable.Result:
    try:
        source = durable.open_file(conversion.sent)
    except FileNotFoundError as error:
        raise StepError("source_missing", _("The recording's file is gone. Please upload it again.")) from error
    with closing(source):
        disk.require(_expected_bytes(conversion))  # before it is sent: what can't be kept need not be made
        source_speech = _source_speech(conversion)
        _enter_into_ledger(claim, conversion)
        give_back()  # a connection is never held over a call
        try:
            return _answer_to(source, source_speech, claim, conversion, client, abort, look)
        except Exception as error:  # also what nobody foresaw leaves the ledger with the truth
            _close_call(claim, error)
            lease.check()
            raise


def _source_speech(conversion: Conversion) -> bytes | None:
    """What is spoken in the recording of which this is a passage, for an endpoint that says that it takes it."""
    if conversion.audition_of_id is None or not abilities.takes_source_speech(conversion.endpoint, conversion.model_id):
        return None
    give_back()
    with suppress(FileNotFoundError), durable.open_file(durable.speech_key(conversion.audition_of_id)) as file:
        return file.read()
    return None


def _expected_bytes(conversion: Conversion) -> int:
    """Of the answer, with some room for headers and for rows about it."""
    seconds = (conversion.source_duration_s or 0.0) / asked_speed(conversion)
    return int(seconds * conversion.format.bytes_per_s) + AT_LEAST_FREE


def _answer_to(
    source: BinaryIO,
    source_speech: bytes | None,
    claim: Claim,
    conversion: Conversion,
    client: Client,
    abort: Abort,
    look: _Look,
) -> durable.Result:
    answer = client.convert(
        conversion.voice.voice_id,
        source,
        conversion.parameters,
        filename="recording.flac" if conversion.is_rendered else conversion.source_name or "audio",
        timeout=limits.timeouts(conversion),
        most_bytes=limits.most_bytes(conversion),
        source_speech=source_speech,
        abort=abort,
    )
    with answer:
        headers = said.headers(answer.headers, KEPT_HEADERS)
        return durable.store_result(
            conversion.pk, claim.step_id, claim.attempt, claim.token, answer, headers, beside=look.begin
        )


def record_result(claim: Claim, result: durable.Result, *, kind: Event.Kind) -> bool:
    """The result is on disk: one transaction makes it known. Raises LeaseLostError if the step isn't ours.

    Returns whether an answer is news to its endpoint.
    """
    with _known(claim, result) as conversion:
        log(conversion, kind, voice=conversion.voice_name, bytes=result.size)
        outcomes.converted(claim, conversion)
    is_news: bool = conversion.answer_is_news
    return is_news


def _finish(claim: Claim, result: durable.Result, output: dict[str, Any]) -> bool:
    """The answer is the result: known and ready in one transaction. Returns and raises what `record_result` does."""
    with _known(claim, result) as conversion:
        converted = Happened(Event.Kind.CONVERTED, {"voice": conversion.voice_name, "bytes": result.size})
        outcomes.assembled(conversion, converted, output=result.key, output_bytes=result.size, **output)
    is_news: bool = conversion.answer_is_news
    return is_news


@contextmanager
def _known(claim: Claim, result: durable.Result) -> Iterator[Any]:
    """`outcomes.ended` with the ledger's row of the call that brought `result`, an earlier attempt's perhaps.

    That row tells the truth also when the step was cancelled or erased meanwhile. If it is another worker's, what is
    stored is that one's to adopt.
    """
    token, (facts, names) = uuid.UUID(result.key.rsplit("-", 1)[1]), _answered(result)
    try:
        with outcomes.ended(claim, result=result.key) as conversion:
            fields = facts | names
            _close_with(tuple(fields))(step_id=claim.step_id, token=token, **fields)
            yield conversion
    except LeaseLostError:
        cancelled = Step.objects.filter(pk=OuterRef("step"), status=Step.Status.CANCELLED)
        calls = Call.objects.filter(Exists(cancelled) | Q(step=None), token=token)
        _close(calls, claim, _ANSWERED | facts, names)
        raise


def _answered(result: durable.Result) -> tuple[dict[str, Any], dict[str, str]]:
    """What the ledger keeps of an answer's headers: its cost, and the names of request and history item.

    They pass the door here too: the note from which they come may be older than it.
    """
    cost = said.credits(result.headers)
    names = {"request_id": "request-id", "history_item_id": "history-item-id"}
    return (
        {} if cost is None else {"credits": cost},
        {field: said.name(result.headers.get(header)) or "" for field, header in names.items()},
    )


_ANSWERED: dict[str, Any] = {"outcome": Call.Outcome.ANSWERED, "answered_at": Now(), "status_code": 200}


@cache
def _close_with(names: tuple[str, ...]) -> Update:
    return Update(
        lambda: Call.objects.filter(step=Given("step_id"), token=Given("token")),
        **_ANSWERED,
        **{name: Given(name) for name in names},
    )


def _close_call(claim: Claim, error: Exception) -> None:
    """It is late perhaps: what another worker has found since then stays."""
    outcome = _outcome_of(error)
    facts: dict[str, Any] = {"outcome": outcome, "answered_at": Now()}
    words: dict[str, Any] = {"error": type(error).__name__}
    if outcome != Call.Outcome.UNCLEAR:
        facts["credits"] = 0
    if isinstance(error, EndpointError):
        facts["status_code"] = error.status_code
        words["request_id"] = error.request_id or ""
        words["error"] = said.one_line(f"{error.code or ''} {error.message}", 300)
    undecided = Call.objects.filter(token=claim.token, outcome__in=[Call.Outcome.SENT, Call.Outcome.UNCLEAR])
    _close(undecided, claim, facts, words)


def _close(calls: QuerySet[Call], claim: Claim, facts: dict[str, Any], words: dict[str, Any]) -> None:
    """Of what was erased the ledger keeps its sums, and no words."""
    if not calls.filter(step=claim.step_id).update(**facts, **words):
        calls.filter(step=None).update(**facts)


def _outcome_of(error: Exception) -> Call.Outcome:
    match error:
        case NotSent() | Aborted():
            return Call.Outcome.NOT_SENT
        case EndpointError() if not isinstance(error, Unclear):
            return Call.Outcome.REFUSED
        case _:
            return Call.Outcome.UNCLEAR
