"""A long call says how far it is, by how much of its answer has come; a short one costs nobody a statement for it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from conversions import actions
from conversions.models import Conversion, Step
from conversions.pages.progress import Progress, progress_of, with_progress
from conversions.queue import shares as queue_shares
from conversions.queue.bells import Lane
from conversions.queue.claim import Claim, claim
from conversions.queue.leases import Lease
from conversions.steps import STEPS
from conversions.upkeep.worker import work
from tests.conversions.conftest import Submit, client_of, work_all
from tests.conversions.pieces import SPEAKS, Samples, wav_of
from tests.conversions.steps.band import Band
from tests.conversions.steps.halfway import HALF, begin, step_of
from tests.support.cast import Cast
from tests.support.dialogue import speech_of
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.product import wait_for
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_shares, "NOTE_EVERY_S", 0.0)


def test_of_a_long_one_the_page_shows_how_much_and_how_long_yet(
    submit: Submit, speech: Samples, scripted: ScriptedEndpoint, cast: Cast, settings: object
) -> None:
    settings.LONG_SECONDS = 10.0  # type: ignore[attr-defined]
    scripted.script(default=HALF)
    conversion = submit(data=wav_of(speech))
    worker = begin(scripted)
    wait_for(lambda: (step_of(conversion).share or 0) > 0.4, "it is written down")
    page = client_of(cast.alice).get(f"/conversions/{conversion.pk}/").content.decode()
    assert re.search(r"Ready in (a few seconds|less than a minute|about)", page)
    shown = re.search(r'<progress max="100" value="(\d+)"', page)
    assert shown is not None
    assert 40 <= int(shown[1]) < 100  # nobody knew the pace of this endpoint
    scripted.release()
    worker.join()
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY


def test_of_a_side_that_is_one_long_call_the_page_shows_as_much(
    band: Band, speech: Samples, scripted: ScriptedEndpoint, settings: object
) -> None:
    """One of two: the bar neither waits for the end of it, nor is the time that is left unknown until then."""
    settings.LONG_SECONDS = 10.0  # type: ignore[attr-defined]
    scripted.script(voices={"marcus": [HALF], "nora": [replace(SPEAKS, most_s=None)]})
    sides = [actions.RegionOrder(0, channel=side, voice=voice) for side, voice in enumerate((band.marcus, band.nora))]
    conversion = band.send(np.stack([speech, speech]), *sides)
    worker = begin(scripted)
    pieces = conversion.steps.filter(kind=Step.Kind.CONVERT)
    wait_for(lambda: (pieces.get(voice=band.marcus).share or 0) > 0.4, "it is written down")
    progress = progress_of(with_progress(Conversion.objects.all()).get(pk=conversion.pk))
    assert progress.words == "Converting: 0 of 2 pieces"
    assert progress.percent is not None
    assert 20 <= progress.percent < 50
    assert progress.aside.startswith("Ready in ")  # nobody knew the pace of this endpoint
    scripted.release()
    worker.join()
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY


def test_a_few_bytes_are_no_pace_and_no_sound(
    submit: Submit, speech: Samples, scripted: ScriptedEndpoint, cast: Cast, settings: object
) -> None:
    settings.LONG_SECONDS = 10.0  # type: ignore[attr-defined]
    scripted.script(default=HALF)
    conversion = submit(data=wav_of(speech))
    worker = begin(scripted)
    wait_for(lambda: step_of(conversion).begun, "something can be heard")
    step = step_of(conversion)
    address = f"/conversions/{conversion.pk}/"
    assert "listen-begun" in client_of(cast.alice).get(address).content.decode()
    # What keeps a connection open while an endpoint still thinks.
    Step.objects.filter(pk=step.pk).update(share=0.0001, begun=f"{step.begun.rsplit('-', 1)[0]}-58")
    page = client_of(cast.alice).get(address).content.decode()
    assert "listen-begun" not in page
    assert '<progress max="100" value' not in page
    scripted.release()
    worker.join()
    work_all()


@pytest.mark.one_database
def test_of_a_call_of_the_local_engine_it_goes_on_all_the_while(
    real: Endpoint, submit: Submit, monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    """Looked at each time that more is written down."""
    settings.LONG_SECONDS = 10.0  # type: ignore[attr-defined]
    conversion = submit(data=wav_of(np.tile(speech_of("man_librivox"), 3)))
    seen: list[Progress] = []
    shares: list[float] = []
    note = queue_shares.note

    def noted(claim: Claim, **fields: Any) -> None:
        note(claim, **fields)
        if "share" in fields:
            shares.append(fields["share"])
            seen.append(progress_of(with_progress(Conversion.objects.all()).get(pk=conversion.pk)))

    monkeypatch.setattr(queue_shares, "note", noted)
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0, abs=0.01)
    known = [progress for progress in seen if progress.percent is not None]
    assert len({progress.percent for progress in known}) >= 5
    assert (known[0].percent or 0) < 40
    assert (known[-1].percent or 0) > 60
    assert all(progress.aside.startswith("Ready in ") for progress in known)


def test_of_pieces_that_are_joined_the_page_shows_how_far_that_is(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, cast: Cast
) -> None:
    conversion = submit(data=wav_of(speech))
    seen: list[int | None] = []

    class Watched(Lease):
        def check(self) -> None:
            progress = progress_of(with_progress(Conversion.objects.all()).get(pk=conversion.pk))
            assert progress.words == "Finishing"
            seen.append(progress.percent)
            super().check()

    while (found := claim(Lane.CPU) or claim(Lane.CALLS)) is not None:
        if found.kind is Step.Kind.ASSEMBLE:
            STEPS[found.kind](found, Watched(found))
        else:
            work(found)
    assert seen[0] is None
    known = [percent for percent in seen if percent is not None]
    assert known == sorted(known)
    assert known[0] < 20
    assert known[-1] == 99


def test_of_a_short_one_nothing_is_written(submit: Submit, speech: Samples, scripted: ScriptedEndpoint) -> None:
    scripted.script(default=HALF)
    conversion = submit(data=wav_of(speech))
    worker = begin(scripted)
    scripted.release()
    worker.join()
    assert step_of(conversion).share is None
