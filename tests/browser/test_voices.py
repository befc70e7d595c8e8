"""Finding voices among many, ticking several, and stars."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import with_and_without_scripts
from tests.browser.studio import choose, choose_voice, named, show_all_voices, wait_until
from tests.support.product import Product


def shown(page: Page) -> Locator:
    return page.locator(".voice:visible b")


def test_among_many_a_voice_is_found_by_words_and_labels(page: Page, many_voices: None) -> None:
    page.goto("/")
    expect(shown(page)).to_have_count(12)
    page.get_by_role("button", name="Show all 43 voices").click()
    expect(shown(page)).to_have_count(43)
    search = page.get_by_label("Search voices")
    search.fill("audiobooks voice 2")
    expect(shown(page)).to_have_text(["Voice 21", "Voice 23", "Voice 25", "Voice 27", "Voice 29"])
    search.press("Enter")  # it doesn't convert
    expect(search).to_be_focused()
    search.fill("")
    labels = page.get_by_role("group", name="Labels")
    labels.get_by_role("button", name="irish").click()
    expect(shown(page)).to_have_text(["Voice 10", "Voice 20", "Voice 30"])
    labels.get_by_role("button", name="female").click()
    expect(shown(page)).to_have_text(["Voice 10", "Voice 20"])
    search.fill("nobody")
    expect(page.get_by_text("No voice is like that.")).to_be_visible()


def test_what_is_ticked_stays_in_sight_and_can_be_shown_alone(page: Page, many_voices: None) -> None:
    page.goto("/")
    page.get_by_label("Search voices").fill("Voice 30")
    page.locator(".voice", has_text="Voice 30").click()
    page.get_by_label("Search voices").fill("")
    expect(shown(page).last).to_have_text("Voice 30")
    page.get_by_role("button", name="Ticked").click()
    expect(shown(page)).to_have_count(2)
    expect(page.locator("#voices-ticked")).to_have_text("2 voices: one conversion each")


@with_and_without_scripts
def test_a_star_is_kept(page: Page, page_kind: str, many_voices: None) -> None:
    page.goto("/")
    show_all_voices(page)
    star = page.get_by_role("button", name="Otis is a favourite")
    expect(star).to_have_attribute("aria-pressed", "false")
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    page.goto("/")
    show_all_voices(page)
    expect(star).to_have_attribute("aria-pressed", "true")
    if page_kind == "page":
        page.get_by_role("button", name="Favourites").click()
        expect(shown(page)).to_have_text(["Otis"])
    star.click()
    expect(star).to_have_attribute("aria-pressed", "false") if page_kind == "plain_page" else expect(
        star
    ).to_be_hidden()


def test_two_recordings_in_two_voices_are_four_conversions_on_one_page(
    page: Page, product: Product, brief: Path
) -> None:
    page.goto("/")
    choose(page, named(brief, "interview.mp3"), named(brief, "phone_note.mp3"))
    choose_voice(page, "Nora", "Atlas")
    with product.frozen("calls", "cpu"):  # nothing is ready before it was looked at
        page.get_by_role("button", name="Convert", exact=True).click()
        page.wait_for_url("**/batches/*/")
        expect(page.get_by_role("heading", level=1)).to_have_text("2 recordings")
        expect(page.get_by_text("You can close this page.")).to_be_visible()
    wait_until(page, "ready")
    expect(page).to_have_title("All 4 ready – Timbre")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all 4 as ZIP").click()
    assert download.value.suggested_filename.endswith(".zip")
    page.get_by_role("row", name="phone note").get_by_role("link", name="Atlas").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("phone note")


@pytest.mark.usefixtures("at_rest")
def test_without_javascript_several_files_and_voices_go_in_one_form(plain_page: Page, speech: Path) -> None:
    page = plain_page
    page.goto("/")
    choose(page, speech / "interview.mp3", speech / "phone_note.m4a")
    choose_voice(page, "Lyra", "Marcus")
    page.get_by_role("button", name="Convert", exact=True).click()
    page.wait_for_url("**/batches/*/")
    expect(page.locator(".take")).to_have_count(4)
    page.get_by_role("button", name="Cancel the rest").click()
    expect(page.locator("main")).not_to_have_attribute("data-state", "converting")
