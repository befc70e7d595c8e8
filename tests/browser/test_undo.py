"""What is removed, discarded or recorded again can be had back, and Enter pressed again and again destroys nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import new_page
from tests.browser.studio import (
    change_shelved,
    choose,
    open_options,
    row,
    shelved,
    until_recorded,
    until_removed,
    until_shelved,
)
from tests.support.product import Product


def test_nothing_lies_over_the_page_before_something_is_removed(page: Page) -> None:
    page.goto("/")
    step = page.locator("#recording header .n")
    expect(step).to_have_text("1")
    on_top = "(step) => { const { x, y, width, height } = step.getBoundingClientRect();"
    on_top += " return document.elementFromPoint(x + width / 2, y + height / 4) === step; }"
    assert step.evaluate(on_top)


@pytest.fixture
def speaker(beeping: Browser, product: Product, cookies: dict[str, object]) -> Iterator[Page]:
    """Alice's page in a browser with a microphone."""
    yield from new_page(beeping, product, storage_state=cookies)


def record(page: Page, button: str = "Record") -> None:
    page.get_by_role("button", name=button, exact=True).press("Enter")
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_focused()
    until_recorded(page, 1)


def said(page: Page, words: str) -> None:
    expect(page.get_by_role("status").filter(has_text=words)).to_have_count(1)


def test_enter_again_and_again_keeps_the_recording(speaker: Page) -> None:
    page = speaker
    page.goto("/")
    record(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Use this recording")).to_be_focused()
    for _ in range(4):
        page.keyboard.press("Enter")
    expect(page.locator(".file")).to_have_count(1)
    expect(page.locator(".file")).to_be_focused()


@pytest.mark.usefixtures("at_rest")
def test_enter_at_remove_again_and_again_ends_with_the_recording(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, speech / "interview.mp3", speech / "phone_note.m4a")
    page.get_by_role("button", name="Remove interview.mp3").press("Enter")
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    expect(page.get_by_role("button", name="Undo")).to_have_accessible_description("“interview.mp3” was removed.")
    said(page, "“interview.mp3” was removed.")
    expect(page.locator("#sentence")).to_contain_text("phone_note.m4a (6 sec)", use_inner_text=True)
    page.keyboard.press("Enter")
    expect(row(page, "interview.mp3")).to_be_focused()
    said(page, "interview.mp3 is back in the list.")
    page.keyboard.press("Enter")
    assert page.locator(".file .name").all_inner_texts() == ["interview.mp3", "phone_note.m4a"]
    expect(page.locator("#sentence")).to_contain_text("2 recordings (12 sec)", use_inner_text=True)
    expect(page.get_by_role("button", name="Undo")).to_be_hidden()
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/batches/*/")


@pytest.mark.usefixtures("at_rest")
@pytest.mark.parametrize("state", ["recording", "paused", "review"])
def test_what_was_discarded_comes_back_into_the_list(speaker: Page, state: str) -> None:
    page = speaker
    page.goto("/")
    record(page)
    if state != "recording":
        page.get_by_role("button", name={"paused": "Pause", "review": "Stop"}[state], exact=True).click()
    page.get_by_role("button", name="Discard").press("Enter")
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    expect(page.locator(".file")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.locator(".file")).to_be_focused()
    expect(page.locator(".file .facts")).to_contain_text("0:0")
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/conversions/*/")


# What the timer says when the recorder says that it records.
SAID_FIRST = """() => {
    const [panel, timer] = ["#recorder", "[role=timer]"].map((name) => document.querySelector(name));
    window.saidFirst = "";
    new MutationObserver(() => {
        if (panel.dataset.state === "recording") window.saidFirst ||= timer.textContent;
    }).observe(panel, { attributeFilter: ["data-state"] });
}"""


def test_a_recording_again_begins_at_nothing(speaker: Page) -> None:
    page = speaker
    page.goto("/")
    record(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Record again")).to_be_visible()
    page.evaluate(SAID_FIRST)
    record(page, "Record again")
    assert page.evaluate("window.saidFirst") == "0:00"


def test_a_recording_again_keeps_the_first_one(speaker: Page) -> None:
    page = speaker
    page.goto("/")
    record(page)
    page.keyboard.press("Enter")
    record(page, "Record again")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Use this recording").press("Enter")
    expect(page.locator(".file")).to_have_count(1)
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.locator(".file")).to_have_count(2)
    until_shelved(page, 2)
    until_removed(page, 0)
    page.reload()
    expect(page.locator(".file")).to_have_count(2)


def test_after_a_reload_it_can_be_had_back_for_ten_minutes(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, speech / "interview.mp3", speech / "phone_note.m4a")
    until_shelved(page, 2)
    page.get_by_role("button", name="Remove interview.mp3").click()
    until_removed(page, 1)
    page.reload()
    expect(page.locator(".file .name")).to_have_text("phone_note.m4a")
    said(page, "“interview.mp3” was removed.")
    page.get_by_role("button", name="Undo").click()
    expect(row(page, "interview.mp3")).to_contain_text("0:06")
    until_removed(page, 0)
    page.reload()
    expect(page.locator(".file")).to_have_count(2)

    for name in ("interview.mp3", "phone_note.m4a"):
        page.get_by_role("button", name=f"Remove {name}").click()
    until_removed(page, 2)
    change_shelved(page, removed=1)  # long ago
    page.goto("/history/")
    until_shelved(page, 0)
    page.goto("/")
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_be_hidden()


def test_what_went_from_the_shelf_meanwhile_comes_back_there_too(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, speech / "interview.mp3")
    until_shelved(page, 1)
    page.get_by_role("button", name="Remove interview.mp3").click()
    until_removed(page, 1)
    change_shelved(page, removed=1)
    other = page.context.new_page()
    other.goto("/history/")
    until_shelved(other, 0)
    page.get_by_role("button", name="Undo").click()
    until_shelved(page, 1)


def test_zero_retention_takes_what_was_removed_from_the_browser(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, speech / "interview.mp3")
    until_shelved(page, 1)
    page.get_by_role("button", name="Remove interview.mp3").click()
    open_options(page)
    page.get_by_label("Zero retention").check()
    until_shelved(page, 0)
    page.get_by_role("button", name="Undo").click()
    expect(row(page, "interview.mp3")).to_be_visible()
    assert shelved(page) == 0
