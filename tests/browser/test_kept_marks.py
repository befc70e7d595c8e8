"""What is marked on the page of parts isn't lost: not by a reload, by leaving, nor by what was found in its place."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import Look, in_two_kinds
from tests.browser.studio import Recording, allow, choose, open_options, to_parts
from tests.browser.test_parts import rows
from tests.browser.test_unordered import SPEECH
from tests.support.dialogue import RATE_HZ, conversation
from tests.support.sound import as_wav

BACK = "What you had marked here is back."
MARKED = [("0:01", "0:03", "Anna"), ("0:04", "0:05", "Carla")]


@pytest.fixture
def address(page: Page) -> str:
    """Of a recording that nobody has converted yet, and that is open."""
    allow(page, 422)
    page.goto("/")
    choose(page, SPEECH)
    return to_parts(page)


def mark(page: Page) -> None:
    """Two parts, of the first speaker and of a third one, who is added."""
    page.get_by_label("Speaker 1", exact=True).fill("Anna")
    page.get_by_role("button", name="Add a speaker").click()
    expect(page.get_by_label("Speaker 3", exact=True)).to_be_focused()
    page.keyboard.type("Carla")
    page.locator("#id_speaker-2-voice").select_option(label="Lyra")
    for number, (start, end, who) in enumerate(MARKED):
        page.locator(f"#id_part-{number}-start").fill(start)
        page.locator(f"#id_part-{number}-end").fill(end)
        page.locator(f"#id_part-{number}-who").select_option(label=who)
    expect(page.locator("#summary-words")).to_contain_text("Lyra")


def test_a_speaker_is_added_where_one_is(page: Page, address: str) -> None:
    page.evaluate("window.stillHere = true")
    mark(page)
    assert page.evaluate("window.stillHere")
    expect(page.locator("#announcement")).to_have_text("Speaker 3 was added.")
    assert rows(page) == MARKED


def test_a_reload_and_coming_back_lose_nothing(page: Page, address: str) -> None:
    mark(page)
    expect(page.locator("#marks-kept")).to_contain_text("kept in this browser until you press Convert")
    page.reload()
    expect(page.locator("#kept-words")).to_have_text(BACK)
    assert rows(page) == MARKED
    expect(page.locator("#lane rect")).to_have_count(2)
    expect(page.locator("#id_speaker-2-voice option:checked")).to_have_text("Lyra")
    expect(page.locator("#summary-words")).to_contain_text("1 voice: Lyra")
    page.goto("/history/")
    page.goto(address)
    expect(page.locator("#kept-words")).to_have_text(BACK)
    assert rows(page) == MARKED
    page.get_by_role("button", name="Begin anew").click()
    page.wait_for_load_state()
    expect(page.locator("#kept-words")).to_be_empty()
    assert rows(page) == []


@pytest.mark.usefixtures("at_rest")
def test_what_has_become_a_take_is_not_kept(page: Page, talk: str) -> None:
    allow(page, 422)
    page.goto(talk)
    mark(page)
    page.get_by_role("button", name="Convert", exact=True).click()
    page.wait_for_url(lambda url: "/parts/" not in url)
    page.goto(talk)
    page.wait_for_load_state("networkidle")
    expect(page.locator("#kept-words")).to_be_empty()
    assert rows(page) == []


def test_who_signs_out_leaves_none(page: Page, address: str) -> None:
    mark(page)
    count = "Object.keys(localStorage).filter((name) => name.startsWith('parts ')).length"
    assert page.evaluate(count) == 1
    signed_out = {"content_type": "text/html", "body": "<title>out</title>"}  # the session is everybody's
    page.route(re.compile(r"/accounts/logout/"), lambda route: route.fulfill(**signed_out))
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_title("out")
    page.goto("/history/")
    assert page.evaluate(count) == 0


def test_of_what_is_to_leave_no_trace_nothing_is_kept(page: Page) -> None:
    allow(page, 422)
    page.goto("/")
    open_options(page)
    page.get_by_label("Zero retention").check()
    choose(page, SPEECH)
    to_parts(page)
    mark(page)
    expect(page.locator("#marks-kept")).to_have_text("What you mark is kept once you press Convert.")
    page.reload()
    page.wait_for_load_state("networkidle")
    assert rows(page) == []


def test_speakers_are_looked_for_and_what_is_marked_stays(page: Page) -> None:
    allow(page, 422)
    samples, _said = conversation(["man_librivox", "woman_prompts"], 20)
    page.goto("/")
    choose(page, Recording("at a table.wav", as_wav(samples, RATE_HZ)))
    to_parts(page)
    page.evaluate("window.stillHere = true")
    mark(page)
    page.get_by_role("button", name="Find speakers").press("Enter")
    expect(page.get_by_role("heading", name="Find speakers")).to_be_focused()
    expect(page.locator("#announcement")).to_contain_text("2 speakers were found.")
    expect(page.locator("#announcement")).to_contain_text("Press “Show what was found”")
    assert page.evaluate("window.stillHere")
    assert rows(page) == MARKED
    page.get_by_role("link", name="Show what was found").click()
    expect(page.locator("#kept-words")).to_have_text(
        "This is what was found; what you had marked isn’t shown any more."
    )
    assert {who for _start, _end, who in rows(page)} == {"Speaker 1", "Speaker 2"}
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#kept-words")).to_be_focused()
    assert rows(page) == MARKED
    page.reload()
    expect(page.locator("#kept-words")).to_have_text(BACK)
    assert rows(page) == MARKED


@in_two_kinds
def test_how_it_looks(look: Look, talk: str) -> None:
    page = look.page
    allow(page, 422)
    page.goto(talk)
    mark(page)
    page.reload()
    expect(page.locator("#kept-words")).to_have_text(BACK)
    look.take("parts-kept")
