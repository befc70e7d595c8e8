"""What may become of a running step. Each outcome is one transaction, and writes only under the step's token.

Locks: team, endpoint, conversion, step, in this order everywhere.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from conversions.ground.clock import db_now
from conversions.ground.connections import written_in_turn
from conversions.models import Conversion, Event, Export, Failure, Happened, Step, log, log_all
from conversions.queue.bells import Lane, ring_on_commit
from conversions.queue.claim import Claim, LeaseLostError
from conversions.words.formats import format_words
from statements import Given, Insert, Select, Update
from voices.breaker import is_told_something
from voices.models import Endpoint

logger = logging.getLogger(__name__)

NO_LEASE: dict[str, Any] = {"lease_token": None, "lease_until": None}


@Select
def _locked() -> QuerySet[Conversion]:
    # Whether a good answer is news to its endpoint: asked here, it takes no statement of its own.
    told = Endpoint.objects.filter(is_told_something(trial=False), pk=OuterRef("endpoint_id"))
    conversions = Conversion.objects.select_for_update().filter(pk=Given("pk")).order_by()
    return conversions.only(
        *(
            "team_id",
            "source_samples",
            "source_duration_s",
            "endpoint_id",
            "voice_id",
            "voice_name",
            "enable_logging",
            "audition_of_id",
        )
    ).annotate(answer_is_news=Exists(told))


# Both rows are locked, so that both are looked at as they are when the locks are there.
_leased_conversion = Select(
    lambda: (
        Conversion.objects.select_for_update()
        .filter(
            pk=Given("pk"),
            steps__pk=Given("step_id"),
            steps__lease_token=Given("token"),
            steps__status=Step.Status.RUNNING,
        )
        .order_by()
        .values_list("pk")
    )
)
_unfinished_pieces = Select(
    lambda: (
        Step.objects.filter(conversion=Given("conversion_id"), kind=Step.Kind.CONVERT)
        .exclude(status=Step.Status.DONE)
        .order_by()
        .values_list("pk")[:1]
    )
)
_add_piece = Insert(
    Step,
    *("conversion_id", "kind", "end_sample", "seconds", "voice_id", "endpoint_id", "team_id", "user_id", "priority"),
)
_add_step = Insert(Step, "conversion_id", "kind", "team_id", "user_id", "priority")


@contextlib.contextmanager
def held(claim: Claim) -> Iterator[None]:
    """A transaction in which the claim is known to hold its lease. Raises LeaseLostError, and nothing is written."""
    with written_in_turn():
        if not _leased_conversion.rows(pk=claim.conversion_id, step_id=claim.step_id, token=claim.token):
            raise LeaseLostError
        yield


@contextlib.contextmanager
def ended(
    claim: Claim, status: Step.Status = Step.Status.DONE, *, if_expired: bool = False, **fields: Any
) -> Iterator[Conversion]:
    """The transaction that ends the lease, and says what that means. Raises LeaseLostError, and nothing is written.

    `if_expired`: not if it has been renewed meanwhile.
    """
    with written_in_turn():
        conversion = _lock(claim)
        leave(claim, status, if_expired=if_expired, **fields)
        yield conversion


def answer_is_news(conversion: Conversion) -> bool:
    """To its endpoint, as it was when the conversion was locked by `held` or `ended`."""
    return bool(vars(conversion)["answer_is_news"])


def _lock(claim: Claim) -> Conversion:
    conversion = _locked.first(Conversion, pk=claim.conversion_id)
    if conversion is None:
        raise LeaseLostError
    return conversion


def _leased() -> QuerySet[Step]:
    leased = Step.objects.filter(pk=Given("step_id"), lease_token=Given("token"), status=Step.Status.RUNNING)
    return leased.order_by()


def leave(claim: Claim, status: Step.Status, *, if_expired: bool = False, **fields: Any) -> None:
    """Ends the lease. Raises LeaseLostError if it was not ours any more: the transaction is rolled back."""
    leave_as = _leave_as(status, if_expired, tuple(sorted(fields)))
    if leave_as(step_id=claim.step_id, token=claim.token, **fields) != 1:
        raise LeaseLostError


@cache
def _leave_as(status: Step.Status, if_expired: bool, names: tuple[str, ...]) -> Update:
    steps = (lambda: _leased().filter(lease_until__lt=Now())) if if_expired else _leased
    return Update(steps, status=status, **NO_LEASE, **{name: Given(name) for name in names})


def prepared(conversion: Conversion, user_id: int) -> None:
    """The recording is understood: its one piece waits for the endpoint. Within `ended`, or as it begins."""
    _add_piece(
        conversion_id=conversion.pk,
        kind=Step.Kind.CONVERT,
        end_sample=conversion.source_samples,
        seconds=conversion.source_duration_s or 0.0,
        voice_id=conversion.voice_id,
        endpoint_id=conversion.endpoint_id,
        team_id=conversion.team_id,
        user_id=user_id,
        priority=_priority(conversion),
    )
    conversion.move(Conversion.Status.CONVERTING)
    ring_on_commit(Lane.CALLS)


def _priority(conversion: Conversion) -> int:
    if conversion.audition_of_id:
        return Step.AUDITION
    return Step.LONG if conversion.is_long else Step.NORMAL


def converted(claim: Claim, conversion: Conversion) -> None:
    """A piece has its result. Whoever finishes the last one opens the next stage. Within `ended`."""
    if _unfinished_pieces.rows(conversion_id=conversion.pk):
        return
    if conversion.move(Conversion.Status.ASSEMBLING):
        _add_step(
            conversion_id=conversion.pk,
            kind=Step.Kind.ASSEMBLE,
            team_id=conversion.team_id,
            user_id=claim.user_id,
            priority=_priority(conversion),
        )
        ring_on_commit(Lane.CPU)


def assembled(conversion: Conversion, *before: Happened, **output: Any) -> None:
    """The result is complete and can be listened to, which follows what happened `before`. Within `ended`."""
    is_ready = conversion.move(Conversion.Status.READY, error="", error_code="", **output)
    log_all(conversion, *before, *([Happened(Event.Kind.READY)] if is_ready else []))


def exported(claim: Claim, conversion: Conversion, result_key: str, size: int) -> None:
    """The result exists in another format too. Within `ended`."""
    made = Export.objects.select_related("created_by").get(step=claim.step_id)
    Export.objects.filter(pk=made.pk).update(file=result_key, size=size, error="")
    log(conversion, Event.Kind.EXPORTED, actor=made.created_by, format=format_words(made.output_format))


def wait_again(claim: Claim, delay_s: float, failure: Failure, *, counted: bool = True) -> None:
    """Nothing is lost: the step is tried again by itself after `delay_s`. `counted`: as an attempt of its own."""
    attempt, then = claim.attempt if counted else claim.attempt - 1, db_now() + timedelta(seconds=delay_s)
    with ended(claim, Step.Status.WAITING, not_before=then, attempt=attempt) as conversion:
        log(conversion, Event.Kind.DELAYED, code=failure.code, words=failure.words, delay_s=round(delay_s, 1))


def fail(claim: Claim, failure: Failure, *, status: Step.Status = Step.Status.FAILED) -> None:
    """The step needs a person. What is done stays done; the rest of the conversion stops.

    An export that fails changes nothing but itself: the result is there.
    """
    with ended(claim, status) as conversion:
        failed(claim, conversion, failure)


def failed(claim: Claim, conversion: Conversion, failure: Failure) -> None:
    """Within `ended`."""
    if claim.kind is Step.Kind.EXPORT:
        Export.objects.filter(step=claim.step_id).update(error=failure.words)
        logger.warning("an export of conversion %s failed: %s", _named(conversion), failure.code)
    else:
        fail_conversion(conversion, failure)


def fail_conversion(conversion: Conversion, failure: Failure) -> None:
    """Within a transaction that holds the conversion."""
    if conversion.move(Conversion.Status.FAILED, error=failure.words, error_code=failure.code):
        conversion.steps.filter(status=Step.Status.WAITING).update(status=Step.Status.CANCELLED)
        log(conversion, Event.Kind.FAILED, code=failure.code, words=failure.words)
        logger.warning("conversion %s failed: %s", _named(conversion), failure.code)


def _named(conversion: Conversion) -> str:
    """For the log, which keeps nothing of a zero retention one, not even its id."""
    return str(conversion.pk) if conversion.enable_logging else "(zero retention)"
