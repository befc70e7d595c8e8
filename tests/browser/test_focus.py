"""By keyboard and by ear: what is said, what a button is described by, the stops of the Tab key, and the focus."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import new_page
from tests.browser.stage import set_stage
from tests.browser.studio import allow, choose, choose_voice, until_recorded, wait_until
from tests.support.product import Product


def test_what_is_added_is_said_and_what_it_costs_belongs_to_convert(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, speech / "interview.mp3")
    expect(page.get_by_role("status").filter(has_text="interview.mp3 was added.")).to_have_count(1)
    choose(page, speech / "man_cards.flac", speech / "phone_note.m4a")
    expect(page.get_by_role("status").filter(has_text="2 recordings were added.")).to_have_count(1)
    expect(page.get_by_role("button", name="Convert")).to_have_accessible_description(
        re.compile("^3 recordings .*You get 3 results. It costs nothing. .*Everyone in Harbour Radio can see it.")
    )


def test_a_preview_that_plays_is_pressed(page: Page) -> None:
    page.goto("/")
    preview = page.get_by_role("button", name="Listen to Lyra")
    expect(preview).to_have_attribute("aria-pressed", "false")
    preview.press("Enter")
    expect(preview).to_have_attribute("aria-pressed", "true")


def test_convert_is_described_in_sentences_as_the_browser_itself_has_it(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, speech / "interview.mp3")
    choose_voice(page, "Atlas", "Nora")
    expect(page.locator("#sentence")).to_contain_text("interview.mp3 (6 sec)")
    expect(page.locator("#sentence")).to_contain_text("You get 2 results.")
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    seen = [one for one in tree if not one["ignored"]]
    [convert] = [one for one in seen if (one["role"]["value"], one["name"]["value"]) == ("button", "Convert")]
    # How long it takes is said once the endpoint has converted something.
    assert re.fullmatch(
        r"interview\.mp3 \(6 sec\) will be spoken by Atlas and Nora, as MP3\. You get 2 results\. It costs nothing\. "
        r"(Ready in about [^.]*\. )?Everyone in Harbour Radio can see it\.",
        convert["description"]["value"],
    )


def test_a_voice_that_is_tried_is_one_stop_of_the_tab_key(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, speech / "interview.mp3")
    choose_voice(page, "Nora")
    page.locator("summary", has_text="Not sure which?").click()
    page.get_by_role("button", name="Try the ticked voices").click()
    page.wait_for_url("**/auditions/*/")
    wait_until(page, "ready")
    play = page.get_by_role("button", name="Play Original")
    play.focus()
    stops = [("checkbox", "Nora"), ("button", "Play Nora"), ("button", "Convert all of it in the ticked voices")]
    stops += [("link", "Change options first"), ("button", "Play the whole recording"), ("spinbutton", "From second")]
    through(page, stops)
    page.get_by_role("button", name="Play Nora").press("Enter")
    expect(page.get_by_role("button", name="Play Nora")).to_have_attribute("aria-pressed", "true")
    play.press("Enter")  # one at a time
    expect(play).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Play Nora")).to_have_attribute("aria-pressed", "false")
    through(page, stops)  # the browser's own players are there now


def test_what_was_recorded_is_one_stop_of_the_tab_key(
    beeping: Browser, product: Product, cookies: dict[str, object]
) -> None:
    for page in new_page(beeping, product, storage_state=cookies):
        page.goto("/")
        page.get_by_role("button", name="Record", exact=True).click()
        until_recorded(page, 1)
        page.get_by_role("button", name="Stop", exact=True).click()
        page.get_by_role("button", name="Play your recording").press("Enter")
        expect(page.get_by_role("button", name="Play your recording")).to_be_focused()
        through(page, [("button", "Use this recording")])


def test_what_has_come_is_one_stop_of_the_tab_key(page: Page, product: Product) -> None:
    conversion = set_stage(product, "on_its_way")
    page.goto(f"/conversions/{conversion}/")
    page.get_by_role("link", name="Listen from the beginning").press("Enter")
    play = page.get_by_role("button", name="Play what has come of the result")
    expect(play).to_be_visible()
    through(page, [("button", "Play what has come of the result")])
    page.keyboard.press("Tab")
    assert not page.evaluate("document.querySelector('#beginning').contains(document.activeElement)")


def test_a_piece_is_one_stop_of_the_tab_key(page: Page, product: Product) -> None:
    page.goto(f"/conversions/{set_stage(product, 'in_pieces')}/")
    page.locator(".pieces [data-listen]").first.press("Enter")
    play = page.get_by_role("button", name="Play this piece")
    expect(play).to_be_visible()
    play.focus()
    page.keyboard.press("Tab")
    assert not page.evaluate("document.querySelector('#piece-player').contains(document.activeElement)")


def through(page: Page, stops: list[tuple[Any, str]]) -> None:
    """The Tab key leads from here to these, one after the other."""
    for role, name in stops:
        page.keyboard.press("Tab")
        expect(page.get_by_role(role, name=name)).to_be_focused()


def said(page: Page, words: str) -> Locator:
    return page.get_by_role("status").filter(has_text=words)


def test_once_it_is_ready_the_focus_is_at_the_state(page: Page, product: Product) -> None:
    allow(page, 404, 410)  # the stage's recordings have no sound
    page.goto(f"/conversions/{set_stage(product, 'to_watch')}/")
    set_stage(product, "is_ready")
    wait_until(page, "ready")  # the page was loaded anew
    expect(page.locator("#arrival")).to_be_focused()
    expect(page.locator("#arrival")).to_have_text("Ready")


def test_in_a_batch_it_stays_where_it_was(page: Page, product: Product) -> None:
    page.goto(f"/batches/{set_stage(product, 'batch_to_watch')}/")
    page.locator(".take").last.focus()
    conversion = set_stage(product, "is_ready")
    wait_until(page, "ready")  # the page was loaded anew
    expect(page.locator(f"#take-{conversion}")).to_be_focused()

    page.goto(f"/batches/{set_stage(product, 'batch_to_watch')}/")
    page.get_by_role("button", name="Cancel the rest").focus()  # it goes
    set_stage(product, "is_ready")
    expect(page.locator("#arrival")).to_be_focused()


def test_after_rename_delete_and_undo_the_focus_is_at_what_is_said(page: Page, product: Product) -> None:
    allow(page, 404, 410)
    set_stage(product, "to_watch")
    page.goto(f"/conversions/{set_stage(product, 'is_ready')}/")
    page.locator(".rename summary").press("Enter")
    page.locator(".rename input[name=title]").fill("Chapter 9, renamed")
    page.locator(".rename input[name=title]").press("Enter")
    expect(said(page, "It is called “Chapter 9, renamed” now.")).to_be_focused()

    page.get_by_role("button", name="Delete", exact=True).press("Enter")
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    expect(undo).to_have_accessible_description(re.compile("^“Chapter 9, renamed” was deleted."))
    undo.press("Enter")
    expect(said(page, "“Chapter 9, renamed” is back.")).to_be_focused()

    page.goto("/history/?q=Chapter+9,+renamed")  # in the list, too
    page.get_by_role("button", name="Delete “Chapter 9, renamed”").press("Enter")
    expect(undo).to_be_focused()
    undo.press("Enter")
    expect(said(page, "“Chapter 9, renamed” is back.")).to_be_focused()


@pytest.mark.parametrize(("stage", "place"), [("every_export", "#exports-made"), ("film_that_failed", "#film")])
def test_what_is_made_once_more_has_the_focus(page: Page, product: Product, stage: str, place: str) -> None:
    allow(page, 404, 410)
    page.goto(f"/conversions/{set_stage(product, stage)}/")
    with product.frozen("cpu"):  # there is nothing to make it of
        page.get_by_role("button", name="Try again").press("Enter")  # it goes
        expect(page.locator(place)).to_be_focused()
        page.get_by_role("button", name="Delete", exact=True).click()
        expect(page.get_by_role("button", name="Undo")).to_be_focused()


def test_while_voices_come_it_stays_at_the_one_that_is_ticked(page: Page, product: Product, speech: Path) -> None:
    page.goto("/")
    choose(page, speech / "interview.mp3")
    choose_voice(page, "Nora", "Atlas")
    page.locator("summary", has_text="Not sure which?").click()
    with product.frozen("calls", "cpu"):
        page.get_by_role("button", name="Try the ticked voices").click()
        page.wait_for_url("**/auditions/*/")
        box = page.get_by_role("checkbox", name="Nora")
        box.focus()
    expect(page.locator("#announcement")).to_have_text("All voices can be heard", timeout=60_000)
    expect(box).to_be_focused()


def test_every_page_says_what_it_is(page: Page) -> None:
    page.goto("/")
    expect(page.locator("meta[name=description]")).to_have_attribute("content", re.compile("keep the performance"))
