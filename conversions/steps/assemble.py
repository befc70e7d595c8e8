"""Assemble: from converted pieces to the result. One piece is the result as it came, to the byte."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversions.files import durable
from conversions.ground.connections import give_back
from conversions.models import Conversion, Step
from conversions.queue import outcomes
from conversions.queue.claim import Claim
from conversions.queue.failures import StepError
from conversions.queue.leases import Lease
from conversions.sound.reading import heard
from conversions.steps import joining
from conversions.steps.cutting import worthless
from conversions.steps.loading import is_whole
from s2s.audio import AudioError


def assemble(claim: Claim, lease: Lease) -> None:
    conversion = Conversion.objects.get(pk=claim.conversion_id)
    steps = conversion.steps.select_related("endpoint", "voice").filter(kind=Step.Kind.CONVERT)
    pieces = list(steps.order_by("position"))
    give_back()
    try:
        if len(pieces) == 1 and is_whole(pieces[0], conversion):
            output = _as_it_came(conversion, pieces[0])
        else:
            output = joining.join(claim, lease, conversion, pieces)
    except FileNotFoundError as error:
        raise StepError("result_missing", _gone_words(conversion, pieces)) from error
    lease.check()
    with outcomes.ended(claim) as conversion:
        outcomes.assembled(claim, conversion, **output)


def _as_it_came(conversion: Conversion, piece: Step) -> dict[str, object]:
    try:
        with durable.open_file(piece.result) as answer:
            output = heard(answer, conversion.format)
    except AudioError as error:
        if error.code == "decoder_lost":
            raise  # it says nothing of the answer
        assert piece.endpoint is not None  # of a call
        failure = worthless(error, piece.endpoint)
        raise StepError(failure.code, failure.words) from error
    return {"output": piece.result, "output_bytes": durable.size(piece.result), **output}


def _gone_words(conversion: Conversion, pieces: Sequence[Step]) -> str:
    """Of one that is ready and joined anew there is nothing to retry: what is gone is redone."""
    if conversion.status != Conversion.Status.READY:
        return _("The converted file is gone. Press Retry to convert again.")
    gone = [str(piece.position + 1) for piece in pieces if not durable.exists(piece.result)]
    if not gone:
        return _("A file that the result is joined from is gone from the server.")
    words = ngettext(
        "The sound of piece %s is gone from the server. Redo that one first.",
        "The sound of the pieces %s is gone from the server. Redo those first.",
        len(gone),
    )
    return words % get_text_list(gone, _("and"))
