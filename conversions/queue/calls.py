"""Calls in the ledger: entered before they are sent, closed with what became of them.

What is known of a call is written with the step's outcome in one transaction, so that no crash parts the two.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from conversions.files import beginnings, durable
from conversions.models import Call, Conversion, Event, Failure, Happened, Step, log
from conversions.queue import outcomes
from conversions.queue.claim import Claim, LeaseLostError
from s2s.client import Aborted, EndpointError, NotSent, Unclear, said
from statements import Given, Insert, Update
from voices.models import Endpoint, Voice

_add_call = Insert(
    Call,
    *("conversion_id", "step_id", "endpoint_id", "team_id", "user_id", "attempt", "token", "seconds", "credits"),
)


def enter(claim: Claim, conversion: Conversion, endpoint: Endpoint, voice_name: str, output_format: str = "") -> None:
    """Committed before the request is sent: after a crash this row is how we know that it may have been.

    `output_format`: that of one of several pieces, whose answer isn't the result.
    """
    with outcomes.held(claim):
        fields: dict[str, object] = {"output_format": output_format} if output_format else {}
        if claim.is_long:
            fields |= {"share": None, "begun": ""}  # an earlier attempt's
        if fields:
            Step.objects.filter(pk=claim.step_id).update(**fields)
        _add_call(
            conversion_id=claim.conversion_id,
            step_id=claim.step_id,
            endpoint_id=endpoint.pk,
            team_id=claim.team_id,
            user_id=claim.user_id,
            attempt=claim.attempt,
            token=claim.token,
            seconds=claim.seconds,
            credits=endpoint.price(claim.seconds),
        )
        to, attempt, of = endpoint.name, claim.attempt, outcomes.piece_of(claim)
        log(conversion, Event.Kind.SENT, endpoint=to, voice=voice_name, attempt=attempt, piece=of)


def record_result(
    claim: Claim, result: durable.Result, *, kind: Event.Kind, alignment: Mapping[str, float] | None = None
) -> bool:
    """The result is on disk: one transaction makes it known. Raises LeaseLostError if the step isn't ours.

    Returns whether an answer is news to its endpoint. `alignment`: of one of several pieces, where it is known.
    """
    with _known(claim, result, alignment=alignment) as conversion:
        of = outcomes.piece_of(claim)
        log(conversion, kind, voice=_voice_name(claim, conversion), bytes=result.size, piece=of)
        outcomes.converted(claim, conversion)
    return outcomes.answer_is_news(conversion)


def finish(claim: Claim, result: durable.Result, output: dict[str, object]) -> bool:
    """The answer is the result: known and ready in one transaction. Returns and raises what `record_result` does."""
    with _known(claim, result) as conversion:
        converted = Happened(Event.Kind.CONVERTED, {"voice": conversion.voice_name, "bytes": result.size})
        outcomes.assembled(claim, conversion, converted, output=result.key, output_bytes=result.size, **output)
    return outcomes.answer_is_news(conversion)


def refuse(claim: Claim, result: durable.Result, failure: Failure) -> bool:
    """The answer to one of several pieces is worth nothing: it is in the ledger, and its step fails.

    Returns and raises what `record_result` does. The step keeps the answer's key: a Retry deletes it and calls again.
    """
    with _known(claim, result, status=Step.Status.FAILED) as conversion:
        outcomes.failed(claim, conversion, failure)
    return outcomes.answer_is_news(conversion)


def _voice_name(claim: Claim, conversion: Conversion) -> str:
    """Of who speaks in the piece."""
    if not conversion.in_regions:
        return conversion.voice_name
    return Voice.objects.values_list("name", flat=True).get(pk=claim.voice_id or 0)


@contextmanager
def _known(
    claim: Claim,
    result: durable.Result,
    status: Step.Status = Step.Status.DONE,
    alignment: Mapping[str, float] | None = None,
) -> Iterator[Conversion]:
    """`outcomes.ended` with the ledger's row of the call that brought `result`, an earlier attempt's perhaps.

    That row tells the truth also when the step was cancelled or erased meanwhile. If it is another worker's, what is
    stored is that one's to adopt.
    """
    token, (facts, names) = uuid.UUID(result.key.rsplit("-", 1)[1]), _answered(result)
    try:
        fields: dict[str, Any] = {"result": result.key}
        if claim.is_long:
            fields["begun"] = beginnings.address_of(result.key, result.size)
        if alignment is not None:
            fields["alignment"] = alignment
        with outcomes.ended(claim, status, **fields) as conversion:
            written = facts | names
            _close_with(tuple(written))(step_id=claim.step_id, token=token, **written)
            yield conversion
    except LeaseLostError:
        cancelled = Step.objects.filter(pk=OuterRef("step"), status=Step.Status.CANCELLED)
        calls = Call.objects.filter(Exists(cancelled) | Q(step=None), token=token)
        _write(calls, claim, _ANSWERED | facts, names)
        raise


def _answered(result: durable.Result) -> tuple[dict[str, object], dict[str, str]]:
    """What the ledger keeps of an answer's headers: its cost, and the names of request and history item.

    They pass the door here too: the note from which they come may be older than it.
    """
    cost = said.credits(result.headers)
    names = {"request_id": "request-id", "history_item_id": "history-item-id"}
    return (
        {} if cost is None else {"credits": cost},
        {field: said.name(result.headers.get(header)) or "" for field, header in names.items()},
    )


_ANSWERED: dict[str, object] = {"outcome": Call.Outcome.ANSWERED, "answered_at": Now(), "status_code": 200}


@cache
def _close_with(names: tuple[str, ...]) -> Update:
    return Update(
        lambda: Call.objects.filter(step=Given("step_id"), token=Given("token")),
        **_ANSWERED,
        **{name: Given(name) for name in names},
    )


def close(claim: Claim, error: Exception) -> None:
    """It is late perhaps: what another worker has found since then stays."""
    outcome = _outcome_of(error)
    facts: dict[str, object] = {"outcome": outcome, "answered_at": Now()}
    words: dict[str, object] = {"error": type(error).__name__}
    if outcome != Call.Outcome.UNCLEAR:
        facts["credits"] = 0
    if isinstance(error, EndpointError):
        facts["status_code"] = error.status_code
        words["request_id"] = error.request_id or ""
        words["error"] = said.one_line(f"{error.code or ''} {error.message}", 300)
    undecided = Call.objects.filter(token=claim.token, outcome__in=[Call.Outcome.SENT, Call.Outcome.UNCLEAR])
    _write(undecided, claim, facts, words)


def _write(calls: QuerySet[Call], claim: Claim, facts: dict[str, object], words: Mapping[str, object]) -> None:
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
