"""A clip that is sent while a long recording is converted in pieces: it is next, and doesn't wait for all of them."""

from __future__ import annotations

import numpy as np
import pytest

from conversions.models import Conversion, Step
from conversions.queue.bells import Lane
from conversions.queue.claim import Claim, claim
from conversions.upkeep.worker import work
from tests.conversions.conftest import Submit, done, work_one
from tests.conversions.pieces import RATE, Samples, wav_of
from tests.support.cast import Cast
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)

LONG_S, CLIP_S = 90, 3


def under_way(slots: int) -> list[Claim]:
    """All that may begin now, as so many workers hold it, and as many more in vain."""
    return [found for found in (claim(Lane.CALLS) for _ in range(2 * slots)) if found is not None]


@pytest.mark.parametrize("sender", ["alice", "bob"])
@pytest.mark.parametrize(
    ("billed", "pieces_at_once"), [pytest.param(True, 2, id="billed"), pytest.param(False, 1, id="free")]
)
def test_a_clip_waits_for_one_piece_at_most(
    ten_seconds: Endpoint,
    submit: Submit,
    speech: Samples,
    scripted: ScriptedEndpoint,
    cast: Cast,
    sender: str,
    billed: bool,
    pieces_at_once: int,
) -> None:
    """Of two slots one is kept for clips where nothing is paid; else pieces take both."""
    Endpoint.objects.update(billed=billed, slots=2)
    long = submit(cast.alice, data=wav_of(np.resize(speech, LONG_S * RATE)))
    work_one(Lane.CPU)
    pieces = under_way(2)
    assert [piece.conversion_id for piece in pieces] == [long.pk] * pieces_at_once
    clip = submit(getattr(cast, sender), data=wav_of(speech[: CLIP_S * RATE]))
    work_one(Lane.CPU)
    if pieces_at_once == 2:
        assert claim(Lane.CALLS) is None
        work(pieces.pop())
    (short,) = under_way(2)
    assert short.conversion_id == clip.pk
    work(short)
    clip.refresh_from_db()
    assert clip.status == Conversion.Status.READY
    statuses = [step.status for step in long.steps.filter(kind=Step.Kind.CONVERT)]
    assert statuses.count(Step.Status.WAITING) >= 7
    work(pieces.pop())
    done(long)
    assert scripted.calls == len(statuses) + 1
