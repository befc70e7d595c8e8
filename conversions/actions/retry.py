"""Retry: only what failed runs again. A finished piece is never thrown away."""

from __future__ import annotations

from django.db import transaction

from conversions.actions.submit import mail_is_wanted
from conversions.files import durable
from conversions.ground.clock import db_now
from conversions.ledger.usage import OverQuotaError, lock_where_limited, over_quota
from conversions.models import Call, Conversion, Event, Step, log
from conversions.queue.bells import Lane, ring_on_commit
from teams.gatekeeper import require_change
from teams.models import Membership, User


def retry(conversion: Conversion, user: User) -> bool:
    """False: it had not failed, or is deleted. Raises PermissionDenied, and OverQuotaError when it would be converted
    again and no minutes are left for that."""
    require_change(user, team_id=conversion.team_id, created_by_id=conversion.created_by_id)
    answer_is_lost = _answer_is_lost(conversion)
    with transaction.atomic():
        member = _payer(conversion, user)
        lock_where_limited(member)  # before the conversion
        conversion = Conversion.objects.select_for_update().get(pk=conversion.pk)
        again = {"error": "", "error_code": "", "finished_at": None, "mail_due": mail_is_wanted(conversion)}
        if conversion.deleted_at is not None or conversion.status != Conversion.Status.FAILED:
            return False
        if member and (answer_is_lost or not _is_converted(conversion)):
            _require_minutes(conversion, member)
        after = conversion.error_code
        conversion.move(Conversion.Status.WAITING, **again)
        _reopen_steps(conversion, answer_is_lost)
        log(conversion, Event.Kind.RETRIED, actor=user, after=after)
    return True


def _payer(conversion: Conversion, user: User) -> Membership | None:
    """Whose minutes it uses: its creator's, whoever presses Retry, or of one who is gone, those of who does."""
    members = Membership.objects.select_related("team")
    return members.filter(team=conversion.team_id, user=conversion.created_by_id or user.pk).first()


def _is_converted(conversion: Conversion) -> bool:
    return conversion.steps.filter(kind=Step.Kind.CONVERT, status=Step.Status.DONE).exists()


def _require_minutes(conversion: Conversion, member: Membership) -> None:
    """For all of it once more; what its earlier calls have used stays used."""
    over = over_quota(member, seconds=conversion.source_duration_s or 0.0)
    if over:
        raise OverQuotaError(over)


def _answer_is_lost(conversion: Conversion) -> bool:
    """The pieces are done and can never be put together: only converting again, which may cost again, can help."""
    if conversion.error_code in Conversion.WORTHLESS:
        return True
    if conversion.error_code != "result_missing":
        return False
    try:
        pieces = conversion.steps.filter(kind=Step.Kind.CONVERT, status=Step.Status.DONE)
        return any(durable.find_result(conversion.pk, piece.pk) is None for piece in pieces)
    except OSError:
        return False  # nobody knows while the storage is away


def _reopen_steps(conversion: Conversion, answer_is_lost: bool) -> None:
    # Whoever presses Retry where it says "may have been billed" has decided. Of a step that failed for another reason,
    # a lost call stays an open question.
    unclear = conversion.steps.filter(status=Step.Status.UNCLEAR)
    conversion.calls.filter(outcome=Call.Outcome.UNCLEAR, step__in=unclear).update(repeat_allowed=True)
    again = conversion.steps.exclude(status=Step.Status.DONE)
    kinds = set(again.values_list("kind", flat=True))
    if kinds == {Step.Kind.ASSEMBLE} and answer_is_lost:
        again.delete()
        again = conversion.steps.filter(kind=Step.Kind.CONVERT)
        for step in again:
            durable.delete_results(conversion.pk, step.pk)  # or the next attempt would adopt them
        again.update(status=Step.Status.WAITING, result="")
    again.update(status=Step.Status.WAITING, attempt=0, not_before=db_now())
    lanes = {Lane.CALLS if kind == Step.Kind.CONVERT else Lane.CPU for kind in again.values_list("kind", flat=True)}
    for lane in lanes:
        ring_on_commit(lane)
