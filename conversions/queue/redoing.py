"""A piece is converted once more, while everything else stays as it is.

The answer to such a `redo` step takes the place of the piece's, which the step keeps until the pieces are joined anew.
The result that there was stays until then, and for good where anything of it fails.
"""

from __future__ import annotations

from functools import partial

from django.db import transaction
from django.db.models import Max, QuerySet
from django.db.models.functions import Now

from conversions.files import durable
from conversions.models import Conversion, Event, Export, Failure, Step, log
from conversions.queue.bells import Lane, ring_on_commit
from conversions.queue.claim import NO_LEASE

_WAITS: dict[str, object] = {"status": Step.Status.WAITING, "attempt": 0, "result": "", "not_before": Now(), **NO_LEASE}
_ANSWER = ("result", "output_format", "alignment")


def unjoined(conversion: Conversion) -> QuerySet[Step]:
    """Redone, and not in the result yet; each keeps what its piece was before."""
    return conversion.steps.filter(kind=Step.Kind.REDO, status=Step.Status.DONE).exclude(result="")


def redone(step_id: int, conversion: Conversion) -> None:
    """The answer is there: it is its piece's. Within a transaction that holds the conversion."""
    redo = Step.objects.get(pk=step_id)
    piece = _piece_of(redo)
    if piece is None:
        _forget([redo])  # a Retry found the piece gone, and converts it itself
        return
    _swap(redo, piece)
    if conversion.status in (Conversion.Status.READY, Conversion.Status.ASSEMBLING):
        # Whoever is joining them finds its lease gone.
        conversion.steps.filter(kind=Step.Kind.ASSEMBLE).update(**_WAITS)
        ring_on_commit(Lane.CPU)
    if conversion.status != Conversion.Status.READY:
        _forget([redo])  # there is no result yet that the piece's old answer is in


def joined_anew(conversion: Conversion, **output: object) -> None:
    """The result of one that is ready is another one now. Within a transaction that holds it."""
    rows = Conversion.objects.filter(pk=conversion.pk, status=Conversion.Status.READY)
    before = rows.values_list("output", flat=True).first()
    rows.update(**{"output_lufs": None, **output})
    redone = list(unjoined(conversion).order_by("position"))
    for redo in redone:
        log(conversion, Event.Kind.REDONE, piece=redo.position + 1)
    _forget(redone)
    if before:
        _discard(before)
    _make_exports_anew(conversion)


def failed(conversion: Conversion, failure: Failure, step: Step | None = None) -> None:
    """Of one redo `step`, or where joining fails of all that are to be in the result: it stays as it was."""
    redone = [step] if step else list(unjoined(conversion).order_by("position"))
    for redo in redone:
        piece = None if step else _piece_of(redo, done=False)
        if piece is not None and not _is_needed(piece, redo):
            _swap(redo, piece)
            Step.objects.filter(pk=piece.pk).update(status=Step.Status.DONE)
            Step.objects.filter(pk=redo.pk).update(status=Step.Status.FAILED)
        log(conversion, Event.Kind.REDO_FAILED, piece=redo.position + 1, code=failure.code, words=failure.words)
    if step is None:
        _forget(redone)
        # One that is no audio any more can be redone like any other.
        conversion.steps.filter(kind=Step.Kind.CONVERT, status=Step.Status.FAILED).update(status=Step.Status.DONE)


def _is_needed(piece: Step, redo: Step) -> bool:
    """Whether the answer that was there before is gone, and the new one isn't: several that are lost are redone one
    after the other, and each but the last is joined in vain."""
    try:
        return piece.status == Step.Status.DONE and durable.exists(piece.result) and not durable.exists(redo.result)
    except OSError:
        return False  # nobody knows while the storage is away


def _piece_of(redo: Step, *, done: bool = True) -> Step | None:
    pieces = Step.objects.filter(conversion=redo.conversion_id, kind=Step.Kind.CONVERT, position=redo.position)
    return (pieces.filter(status=Step.Status.DONE) if done else pieces).select_for_update().first()


def _swap(redo: Step, piece: Step) -> None:
    """Whose answer is whose; `redo` is as it is in the database then."""
    for one, other in ((piece, redo), (redo, piece)):
        Step.objects.filter(pk=one.pk).update(**{name: getattr(other, name) for name in _ANSWER})
    for name in _ANSWER:
        setattr(redo, name, getattr(piece, name))


def _forget(redone: list[Step]) -> None:
    """The rows stay, for the ledger; what they kept is gone when the transaction is through."""
    for redo in redone:
        _discard(redo.result)
    Step.objects.filter(pk__in=[redo.pk for redo in redone]).update(result="", alignment=None)


def _discard(key: str) -> None:
    transaction.on_commit(partial(durable.discard_result, key), robust=True)


def _make_exports_anew(conversion: Conversion) -> None:
    """They are of the result as it was. Each gets a step of its own: an earlier one's would adopt what it made."""
    exports = list(conversion.exports.select_related("step"))
    if not exports:
        return
    last = conversion.steps.filter(kind=Step.Kind.EXPORT).order_by().aggregate(last=Max("position"))["last"]
    for position, export in enumerate(exports, start=last + 1):
        old = export.step
        step = Step.objects.create(
            conversion_id=conversion.pk,
            kind=Step.Kind.EXPORT,
            position=position,
            team_id=old.team_id,
            user_id=old.user_id,
            priority=old.priority,
        )
        Export.objects.filter(pk=export.pk).update(step=step, file="", size=None, error="")
        Step.objects.filter(pk=old.pk).delete()
        transaction.on_commit(partial(durable.delete_results, conversion.pk, old.pk), robust=True)
    ring_on_commit(Lane.CPU)
