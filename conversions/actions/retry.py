"""Retry: only what failed runs again. A finished piece is never thrown away."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.db import transaction
from django.db.models import Q

from conversions.actions.paying import number_of, payer_of, require_minutes
from conversions.actions.submit import mail_is_wanted
from conversions.files import durable
from conversions.ground.clock import db_now
from conversions.ledger.usage import lock_where_limited
from conversions.models import Call, Conversion, Event, Step, log
from conversions.queue.bells import Lane, ring_on_commit
from teams.gatekeeper import require_change
from teams.models import User


def retry(conversion: Conversion, user: User) -> bool:
    """`user` pays (`paying.py`). False: it had not failed, or is deleted. Raises PermissionDenied, and OverQuotaError
    when it would be converted again and no minutes are left for that."""
    require_change(user, team_id=conversion.team_id, created_by_id=conversion.created_by_id)
    missed = _lost_answers(conversion)
    with transaction.atomic():
        payer = payer_of(conversion, user)
        lock_where_limited(payer)  # before the conversion
        conversion = Conversion.objects.select_for_update().get(pk=conversion.pk)
        again = {"error": "", "error_code": "", "finished_at": None, "mail_due": mail_is_wanted(conversion)}
        if conversion.deleted_at is not None or conversion.status != Conversion.Status.FAILED:
            return False
        lost = _still_lost(conversion, missed)
        seconds = _seconds_again(conversion, lost)
        if seconds:
            require_minutes(payer, seconds)
        after = conversion.error_code
        conversion.move(Conversion.Status.WAITING, **again)
        _reopen_steps(conversion, lost, number_of(payer, user))
        log(conversion, Event.Kind.RETRIED, actor=user, after=after)
    return True


def _seconds_again(conversion: Conversion, lost: Collection[int]) -> float:
    """Of sound that is sent once more; what its earlier calls have used stays used."""
    pieces = conversion.steps.filter(kind=Step.Kind.CONVERT)
    if not pieces.exists():
        return conversion.source_duration_s or 0.0
    there = (Step.Status.DONE, Step.Status.RUNNING)
    return sum(piece.seconds for piece in pieces if piece.status not in there or piece.pk in lost)


def _lost_answers(conversion: Conversion) -> Mapping[int, str]:
    """Steps that are done, and their answers, which can never be put together: only converting those again can help,
    which may cost again. Of several whose answers are gone: one look at what lies there, none into it."""
    if conversion.error_code not in Conversion.WORTHLESS | {"result_missing"}:
        return {}
    pieces = conversion.steps.filter(kind=Step.Kind.CONVERT, status=Step.Status.DONE)
    done = dict(pieces.values_list("pk", "result"))
    if conversion.error_code in Conversion.WORTHLESS:  # of several, each that is worthless has failed itself
        return done if conversion.pieces == 1 else {}
    try:
        there = set(durable.names_in(conversion.pk))
    except OSError:
        return {}  # nobody knows while the storage is away
    return {pk: key for pk, key in done.items() if durable.name_of(key) not in there}


def _still_lost(conversion: Conversion, missed: Mapping[int, str]) -> frozenset[int]:
    """A redo may have brought another answer while they were looked for."""
    if not missed:
        return frozenset()
    now = dict(conversion.steps.filter(pk__in=missed).values_list("pk", "result"))
    return frozenset(pk for pk, key in missed.items() if now.get(pk) == key)


def _reopen_steps(conversion: Conversion, lost: Collection[int], user_id: int) -> None:
    # Whoever presses Retry where it says "may have been billed" has decided. Of a step that failed for another reason,
    # a lost call stays an open question.
    if conversion.error_code == Conversion.UNCLEAR:
        unclear = conversion.steps.filter(status=Step.Status.UNCLEAR)
        conversion.calls.filter(outcome=Call.Outcome.UNCLEAR, step__in=unclear).update(repeat_allowed=True)
    # What is under way goes on, and what was to be redone is asked for anew.
    again = conversion.steps.exclude(kind__in=Step.ASIDE).exclude(status__in=[Step.Status.DONE, Step.Status.RUNNING])
    worthless = again.filter(kind=Step.Kind.CONVERT).exclude(result="")
    anew = conversion.steps.filter(Q(pk__in=lost) | Q(pk__in=worthless.values("pk")))
    again_ids = list(anew.values_list("pk", flat=True))
    if again_ids:
        durable.delete_results(conversion.pk, *again_ids)  # or the next attempt would adopt them
    anew.update(status=Step.Status.WAITING, result="", alignment=None)  # the next answer may lie elsewhere
    if again.filter(kind=Step.Kind.CONVERT).exists():
        again.filter(kind=Step.Kind.ASSEMBLE).delete()  # it comes when the last piece is done
    again.update(status=Step.Status.WAITING, attempt=0, not_before=db_now(), user=user_id)
    lanes = {Lane.CALLS if kind == Step.Kind.CONVERT else Lane.CPU for kind in again.values_list("kind", flat=True)}
    for lane in lanes:
        ring_on_commit(lane)
