"""What may become of a running step. Each outcome is one transaction, and writes only under the step's token.

Locks: team, endpoint, conversion, step, in this order everywhere.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cache

from django.db.models import Exists, Max, QuerySet
from django.db.models.functions import Now

from conversions.ground.clock import db_now
from conversions.ground.connections import written_in_turn
from conversions.models import Conversion, Diarization, Event, Export, Failure, Happened, Step, log, log_all
from conversions.queue import redoing
from conversions.queue.bells import Lane, ring_on_commit
from conversions.queue.claim import NO_LEASE, Claim, LeaseLostError
from conversions.queue.plan import Planned
from conversions.words.formats import format_words
from statements import Given, Insert, Select, Update
from voices.breaker import is_told_something
from voices.models import Endpoint

logger = logging.getLogger(__name__)


@Select
def _locked() -> QuerySet[Conversion]:
    # Whether a good answer is news to its endpoint: asked here, it takes no statement of its own.
    told = Endpoint.objects.filter(is_told_something(trial=False), pk=Given("endpoint_id"))
    conversions = Conversion.objects.select_for_update().filter(pk=Given("pk")).order_by()
    return conversions.only(
        *(
            "status",
            "team_id",
            "source_samples",
            "source_duration_s",
            "source_pictures",
            "voice_name",
            "in_regions",
            "enable_logging",
            "audition_of_id",
            "created_by_id",
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
    *("conversion_id", "kind", "position", "start_sample", "end_sample", "seconds", "channel"),
    *("voice_id", "endpoint_id", "team_id", "user_id", "priority"),
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
    claim: Claim, status: Step.Status = Step.Status.DONE, *, if_expired: bool = False, **fields: object
) -> Iterator[Conversion]:
    """The transaction that ends the lease, and says what that means. Raises LeaseLostError, and nothing is written.

    `if_expired`: not if it has been renewed meanwhile.
    """
    with written_in_turn():
        conversion = _lock(claim)
        if status == Step.Status.WAITING and is_over(claim, conversion):
            status = Step.Status.CANCELLED
        leave(claim, status, if_expired=if_expired, **fields)
        yield conversion


def is_over(claim: Claim, conversion: Conversion) -> bool:
    """Whether its conversion has come to an end without it: another of its pieces has failed."""
    if claim.kind is Step.Kind.ASSEMBLE and conversion.status == Conversion.Status.READY:
        return False  # it is joined anew
    return conversion.finished and claim.kind not in Step.ASIDE


def piece_of(claim: Claim) -> int | None:
    """Which piece of the recording a call is about, for the timeline: counted from 1. Of one that is whole, 1."""
    return claim.position + 1 if claim.kind in (Step.Kind.CONVERT, Step.Kind.REDO) else None


def answer_is_news(conversion: Conversion) -> bool:
    """To the endpoint of the claim, as it was when the conversion was locked by `ended`."""
    return bool(vars(conversion)["answer_is_news"])


def _lock(claim: Claim) -> Conversion:
    conversion = _locked.first(Conversion, pk=claim.conversion_id, endpoint_id=claim.endpoint_id)
    if conversion is None:
        raise LeaseLostError
    return conversion


def _leased() -> QuerySet[Step]:
    leased = Step.objects.filter(pk=Given("step_id"), lease_token=Given("token"), status=Step.Status.RUNNING)
    return leased.order_by()


def leave(claim: Claim, status: Step.Status, *, if_expired: bool = False, **fields: object) -> None:
    """Ends the lease. Raises LeaseLostError if it was not ours any more: the transaction is rolled back."""
    leave_as = _leave_as(status, if_expired, tuple(sorted(fields)))
    if leave_as(step_id=claim.step_id, token=claim.token, **fields) != 1:
        raise LeaseLostError


@cache
def _leave_as(status: Step.Status, if_expired: bool, names: tuple[str, ...]) -> Update:
    steps = (lambda: _leased().filter(lease_until__lt=Now())) if if_expired else _leased
    return Update(steps, status=status, **NO_LEASE, **{name: Given(name) for name in names})


def prepared(conversion: Conversion, user_id: int, planned: Sequence[Planned]) -> None:
    """The recording is understood: its pieces wait for the endpoint. Within `ended`, or as it begins."""
    for position, piece in enumerate(planned):
        _add_piece(
            conversion_id=conversion.pk,
            kind=Step.Kind.CONVERT,
            position=position,
            start_sample=piece.start_sample,
            end_sample=piece.end_sample,
            seconds=piece.seconds,
            channel=piece.channel,
            voice_id=piece.speaker.voice_id,
            endpoint_id=piece.speaker.endpoint.pk,
            team_id=conversion.team_id,
            user_id=user_id,
            priority=_priority(conversion),
        )
    conversion.move(Conversion.Status.CONVERTING, **({"pieces": len(planned)} if len(planned) > 1 else {}))
    ring_on_commit(Lane.CALLS)


def held_back(conversion: Conversion) -> None:
    """The recording is understood, and nobody has ordered anything of it yet. Within `ended`, or as it begins."""
    conversion.move(Conversion.Status.UNORDERED)


def _priority(conversion: Conversion) -> int:
    if conversion.audition_of_id:
        return Step.AUDITION
    return Step.LONG if conversion.is_long else Step.NORMAL


def converted(claim: Claim, conversion: Conversion) -> None:
    """A piece has its result. Whoever finishes the last one opens the next stage. Within `ended`."""
    if claim.kind is Step.Kind.REDO:
        redoing.redone(claim.step_id, conversion)
        return
    if _unfinished_pieces.rows(conversion_id=conversion.pk):
        return
    if conversion.move(Conversion.Status.ASSEMBLING):
        add_step(conversion, Step.Kind.ASSEMBLE, claim.user_id, _priority(conversion))


def add_step(conversion: Conversion, kind: Step.Kind, user_id: int, priority: int) -> None:
    """Work for a cpu worker, who is rung for. In the caller's transaction."""
    _add_step(conversion_id=conversion.pk, kind=kind, team_id=conversion.team_id, user_id=user_id, priority=priority)
    ring_on_commit(Lane.CPU)


def assembled(claim: Claim, conversion: Conversion, *before: Happened, **output: object) -> None:
    """The result is complete and can be listened to, which follows what happened `before`. Within `ended`.

    To a film it is the new sound: that is made next, by itself.
    """
    if conversion.status == Conversion.Status.READY:
        redoing.joined_anew(conversion, **output)
        return
    is_ready = conversion.move(Conversion.Status.READY, error="", error_code="", **output)
    log_all(conversion, *before, *([Happened(Event.Kind.READY)] if is_ready else []))
    if is_ready and conversion.is_film and conversion.audition_of_id is None:
        add_export(conversion, Export.FILM, claim.user_id, conversion.created_by_id)


def add_export(conversion: Conversion, output_format: str, user_id: int, created_by_id: int | None) -> Export:
    """The result in another format waits to be made. In a transaction that has the conversion locked."""
    of_this_kind = conversion.steps.filter(kind=Step.Kind.EXPORT).order_by()
    last = of_this_kind.aggregate(last=Max("position"))["last"]
    step = Step.objects.create(
        conversion=conversion,
        kind=Step.Kind.EXPORT,
        position=0 if last is None else last + 1,
        team_id=conversion.team_id,
        user_id=user_id,
        priority=Step.LONG if conversion.is_long else Step.NORMAL,
    )
    ring_on_commit(Lane.CPU)
    return Export.objects.create(
        conversion=conversion, output_format=output_format, step=step, created_by_id=created_by_id
    )


def exported(
    claim: Claim, conversion: Conversion, result_key: str, size: int, facts: Mapping[str, object] | None = None
) -> None:
    """The result exists in another format too. Within `ended`."""
    made = Export.objects.select_related("created_by").get(step=claim.step_id)
    Export.objects.filter(pk=made.pk).update(file=result_key, size=size, error="", facts=facts or {})
    log(conversion, Event.Kind.EXPORTED, actor=made.created_by, format=format_words(made.output_format))


def wait_again(claim: Claim, delay_s: float, failure: Failure, *, counted: bool = True) -> None:
    """Nothing is lost: the step is tried again by itself after `delay_s`. `counted`: as an attempt of its own."""
    attempt, then = claim.attempt if counted else claim.attempt - 1, db_now() + timedelta(seconds=delay_s)
    with ended(claim, Step.Status.WAITING, not_before=then, attempt=attempt) as conversion:
        if is_over(claim, conversion):
            return
        of, delay_s = piece_of(claim), round(delay_s, 1)
        log(conversion, Event.Kind.DELAYED, code=failure.code, words=failure.words, delay_s=delay_s, piece=of)


def fail(claim: Claim, failure: Failure, *, status: Step.Status = Step.Status.FAILED) -> None:
    """The step needs a person. What is done stays done; the rest of the conversion stops.

    An export that fails, or a search for speakers, changes nothing but itself.
    """
    with ended(claim, status) as conversion:
        failed(claim, conversion, failure)


def failed(claim: Claim, conversion: Conversion, failure: Failure) -> None:
    """Within `ended`."""
    if claim.kind is Step.Kind.SPEAKERS:
        Diarization.objects.filter(step=claim.step_id).update(error=failure.words)
        logger.warning("the speakers of conversion %s were not found: %s", _named(conversion), failure.code)
    elif claim.kind is Step.Kind.EXPORT:
        Export.objects.filter(step=claim.step_id).update(error=failure.words)
        logger.warning("an export of conversion %s failed: %s", _named(conversion), failure.code)
    elif claim.kind is Step.Kind.REDO:
        redoing.failed(conversion, failure, Step.objects.get(pk=claim.step_id))
    elif claim.kind is Step.Kind.ASSEMBLE and conversion.status == Conversion.Status.READY:
        redoing.failed(conversion, failure)
    else:
        fail_conversion(conversion, failure, piece=piece_of(claim))


def fail_conversion(conversion: Conversion, failure: Failure, *, piece: int | None = None) -> None:
    """Within a transaction that holds the conversion. `piece`: see `piece_of`."""
    if conversion.move(Conversion.Status.FAILED, error=failure.words, error_code=failure.code):
        waiting = conversion.steps.filter(status=Step.Status.WAITING).exclude(kind__in=Step.ASIDE)
        waiting.update(status=Step.Status.CANCELLED)
        log(conversion, Event.Kind.FAILED, code=failure.code, words=failure.words, piece=piece)
        logger.warning("conversion %s failed: %s", _named(conversion), failure.code)
    elif failure.code == Conversion.UNCLEAR:
        # Another of its pieces had failed before, with words that say nothing of a bill.
        failed_before = Conversion.objects.filter(pk=conversion.pk, status=Conversion.Status.FAILED)
        failed_before.update(error=failure.words, error_code=failure.code)


def _named(conversion: Conversion) -> str:
    """For the log, which keeps nothing of a zero retention one, not even its id."""
    return str(conversion.pk) if conversion.enable_logging else "(zero retention)"
