"""By keyboard and by ear: what is said, how many stops the Tab key makes, and what a button is described by."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.studio import choose, row


def test_what_is_added_is_said_and_what_it_costs_belongs_to_convert(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, speech / "interview.mp3")
    expect(page.get_by_role("status").filter(has_text="interview.mp3 was added.")).to_have_count(1)
    choose(page, speech / "man_cards.flac", speech / "phone_note.m4a")
    expect(page.get_by_role("status").filter(has_text="2 recordings were added.")).to_have_count(1)
    expect(page.get_by_role("button", name="Convert")).to_have_accessible_description(
        re.compile("^3 recordings .*You get 3 results. It costs nothing. .*Everyone in Harbour Radio can see it.")
    )


def test_a_recordings_player_costs_one_tab_stop(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, speech / "interview.mp3")
    play = row(page, "interview.mp3").get_by_role("button", name="Play interview.mp3")
    expect(play).to_be_visible()
    play.focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Remove interview.mp3")).to_be_focused()
    expect(play).to_have_attribute("aria-pressed", "false")
    play.press("Enter")
    expect(play).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_label("Listen to interview.mp3")).to_be_visible()
    play.press("Enter")
    expect(play).to_have_attribute("aria-pressed", "false")


def test_a_preview_that_plays_is_pressed(page: Page) -> None:
    page.goto("/")
    preview = page.get_by_role("button", name="Listen to Lyra")
    expect(preview).to_have_attribute("aria-pressed", "false")
    preview.press("Enter")
    expect(preview).to_have_attribute("aria-pressed", "true")


def test_every_page_says_what_it_is(page: Page) -> None:
    page.goto("/")
    expect(page.locator("meta[name=description]")).to_have_attribute("content", re.compile("keep the performance"))
