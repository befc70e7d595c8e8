"""A long recording at an endpoint that takes little at once, from the Studio to what is heard: nothing of it is a
stand-in but the endpoint, and a worker dies on the way."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from s2s.audio import decode
from tests.browser.conftest import new_page
from tests.browser.studio import Recording, choose, open_options, sign_in, wait_until
from tests.conversions.pieces import RATE, Samples, wav_of
from tests.faults.promises import ids_of
from tests.faults.stage import KEYS, Stage, running_stage
from tests.support.dialogue import conversation
from tests.support.endpoint import Behaviour
from tests.support.joins import MOST, heard_at
from tests.support.product import wait_for

# Minutes of speech at seconds a call stand for an hour at minutes a call.
LENGTH_S, MOST_S = 150.0, 20.0
SPEAKS = Behaviour(speaks=True, most_s=MOST_S)
LATE, SOFT = replace(SPEAKS, late_s=0.08), replace(SPEAKS, stretch=1.003, louder_db=-3.0)
OTHER = replace(SPEAKS, louder_db=3.0, tone_hz=151.0)
REDONE = 4
AT_S = "document.querySelector('#compare .target audio').currentTime"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with running_stage(tmp_path_factory.mktemp("hour") / "data", {}) as stage:
        stage.inside.ask("take_at_most", KEYS["paid"], MOST_S)
        yield stage


@pytest.fixture
def page(chromium: Browser, stage: Stage) -> Iterator[Page]:
    for page in new_page(chromium, stage.product):
        sign_in(page, stage.product.url, stage.product.admin_email, stage.product.admin_password)
        yield page


def test_it_survives_a_worker_is_heard_across_its_joins_and_one_piece_of_it_is_redone(page: Page, stage: Stage) -> None:
    source, _said = conversation(["man_librivox", "woman_prompts"], LENGTH_S)
    stage.paid.script(SOFT, SOFT, default=replace(LATE, hold_body=True))
    address = send(page, stage, Recording("an hour.wav", wav_of(source)))
    status = page.locator("#status .state")
    expect(status).to_have_text(re.compile(r"^Converting: 2 of \d+ pieces$"))
    pieces = ends_of(stage, address)
    expect(status).to_have_text(f"Converting: 2 of {len(pieces)} pieces")
    wait_for(lambda: stage.paid.held > 1, "others are under way")
    stage.paid.script(default=LATE)
    stage.kill("calls")
    stage.release()
    wait_until(page, "ready")
    expect(page.locator("#pieces-count")).to_have_text(f"all {len(pieces)} finished")
    assert stage.paid.calls == len(pieces)  # what was lost with the worker is in its history
    assert paid_s(stage, address) == pytest.approx(sum(end - start for start, end in pieces) / RATE)

    joins = [(end + start) // 2 for (_, end), (start, _) in pairwise(pieces)]
    first = result(page, address)
    assert len(first) == len(source)
    heard_there = heard_at(joins, source, first)
    assert {name: value for name, value in heard_there.items() if value > MOST[name]} == {}
    plays_across(page, joins[0] / RATE)

    stage.paid.script(default=OTHER)
    redo(page, REDONE)
    start, end = pieces[REDONE - 1]
    changed = np.flatnonzero(result(page, address) != first)
    assert start <= changed[0] <= changed[-1] < end
    assert len(changed) > 0.9 * (joins[REDONE - 1] - joins[REDONE - 2])
    assert stage.paid.calls == len(pieces) + 1
    assert paid_s(stage, address) == pytest.approx(
        sum(end - start for start, end in [*pieces, pieces[REDONE - 1]]) / RATE
    )


def send(page: Page, stage: Stage, recording: Recording) -> str:
    """By the Studio's form, to the endpoint that bills; the path of its page."""
    choose(page, recording)
    page.get_by_role("button", name=re.compile("^Show all")).click()
    key = str(stage.inside.ask("voices", KEYS["paid"])["v0"])  # the other endpoint's have the same names
    for box in page.locator(".voice input").all():
        box.set_checked(box.get_attribute("value") == key)
    open_options(page)
    page.get_by_label("Format").select_option("wav_16000")
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/conversions/*/")
    return page.url[page.url.index("/conversions/") :]


def plays_across(page: Page, join_s: float) -> None:
    page.keyboard.press("j")
    page.wait_for_function(f"() => {AT_S} > {join_s - 3} && {AT_S} < {join_s}")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(f"() => {AT_S} > {join_s + 0.5} && {AT_S} < {join_s + 60}")
    page.get_by_role("button", name="Pause", exact=True).click()


def redo(page: Page, number: int) -> None:
    page.locator("#pieces > summary").click()
    page.locator(f"#redo-{number}").click()
    expect(page.locator("#announcement")).to_have_text("Ready, and the result has changed")


def result(page: Page, address: str) -> Samples:
    answer = page.request.get(f"{address}download/")
    assert answer.status == 200
    return np.concatenate(list(decode(io.BytesIO(answer.body()), sample_rate_hz=RATE)))


def fact_of(stage: Stage, address: str) -> dict[str, Any]:
    (fact,) = stage.inside.ask("survey", ids_of([address]))
    return dict(fact)


def ends_of(stage: Stage, address: str) -> list[tuple[int, int]]:
    """What each piece has of the recording, in samples."""
    steps = fact_of(stage, address)["steps"]
    return sorted((step["start_sample"], step["end_sample"]) for step in steps if step["kind"] == "convert")


def paid_s(stage: Stage, address: str) -> float:
    return sum(call["seconds"] for call in fact_of(stage, address)["calls"])
