"""Assemble: from converted pieces to the result. One piece is the result as it came, to the byte."""

from __future__ import annotations

from django.utils.translation import gettext as _

from conversions.files import durable
from conversions.ground.connections import give_back
from conversions.models import Conversion, Step
from conversions.queue import outcomes
from conversions.queue.claim import Claim
from conversions.queue.failures import StepError
from conversions.queue.leases import Lease
from conversions.sound.reading import heard
from s2s.audio import AudioError
from voices.models import Endpoint


def assemble(claim: Claim, lease: Lease) -> None:
    conversion = Conversion.objects.select_related("endpoint").get(pk=claim.conversion_id)
    piece = conversion.steps.get(kind=Step.Kind.CONVERT)
    give_back()
    try:
        with durable.open_file(piece.result) as answer:
            output = heard(answer, conversion.format)
        size = durable.size(piece.result)
    except AudioError as error:
        if error.code == "decoder_lost":
            raise  # it says nothing of the answer
        if error.code == "silent":
            raise StepError("answer_silent", _silent_words(conversion.endpoint)) from error
        raise StepError(
            "answer_not_audio",
            _("The endpoint answered with something that can't be played. Your recording is safe; press Retry."),
        ) from error
    except FileNotFoundError as error:
        raise StepError("result_missing", _("The converted file is gone. Press Retry to convert again.")) from error
    lease.check()
    with outcomes.ended(claim) as conversion:
        outcomes.assembled(conversion, output=piece.result, output_bytes=size, **output)


def _silent_words(endpoint: Endpoint) -> str:
    words = _("%s answered with silence, though your recording isn’t silent.") % endpoint.name
    if endpoint.billed:
        more = _("That was billed. Your recording is safe; a Retry calls it, and bills, again.")
    else:
        more = _("Your recording is safe; press Retry.")
    return f"{words} {more}"
