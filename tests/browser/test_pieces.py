"""A long recording in pieces: what has come is heard while the rest is converted, and polling disturbs nobody."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import Look, in_two_kinds
from tests.browser.stage import set_stage
from tests.support.product import Product

PLAYS = "() => !document.querySelector('#piece-player audio').paused"
# Its words may be wider than they have room for: only a range says how far they reach.
STATE_ENDS_BEFORE_BUTTONS = """(row) => {
    const words = document.createRange();
    words.selectNodeContents(row.querySelector(".state"));
    return words.getBoundingClientRect().right + 8 <= row.querySelector(".row .button").getBoundingClientRect().left;
}"""
NEAR_ITS_END = "document.querySelector('#piece-player audio').currentTime = 11.8"


@pytest.fixture
def talk(product: Product) -> str:
    return f"/conversions/{set_stage(product, 'in_pieces')}/"


def test_a_piece_plays_on_while_the_others_come(page: Page, product: Product, talk: str) -> None:
    page.goto(talk)
    expect(page.locator("#pieces .state")).to_have_text(["Finished", "Being converted", "Waiting", "Waiting"])
    page.get_by_role("link", name="Listen to piece 1").focus()
    page.keyboard.press("Enter")
    page.wait_for_function(PLAYS)
    page.evaluate("document.querySelector('#piece-player audio').loop = true")  # however slow the machine is
    page.evaluate("window.stillHere = true")
    assert set_stage(product, "a_piece_more") == 2
    expect(page.locator("#pieces .state")).to_have_text(["Finished", "Finished", "Waiting", "Waiting"])
    expect(page.locator("#pieces-count")).to_have_text("2 of 4 finished")
    expect(page.locator("#pieces-map .ready")).to_have_count(2)
    assert page.evaluate(PLAYS)
    expect(page.locator("#listen-1")).to_be_focused()
    # The result is there: whoever listens is told so, and the page is loaded anew when they have finished.
    set_stage(product, "joined")
    expect(page.locator("#status .state")).to_have_text("Ready")
    expect(page.locator("#announcement")).to_have_text("Ready")
    assert page.evaluate(PLAYS)
    assert page.evaluate("window.stillHere")
    page.evaluate("document.querySelector('#piece-player audio').pause()")
    expect(page.locator("main")).to_have_attribute("data-state", "ready")
    expect(page.locator("#pieces-count")).to_have_text("all 4 finished")


def test_the_map_is_pressed_too_and_one_sounds_at_a_time(page: Page, product: Product, talk: str) -> None:
    set_stage(product, "a_piece_more")
    page.goto(talk)
    page.locator("#pieces-map [data-of-piece='2']").click()
    page.wait_for_function(PLAYS)
    expect(page.locator("#piece-player b")).to_have_text("Piece 2")
    page.get_by_role("link", name="Listen to piece 1").click()
    expect(page.locator("#piece-player b")).to_have_text("Piece 1")
    page.wait_for_function(PLAYS)


def test_the_beginning_is_heard_and_goes_on_as_it_comes(page: Page, product: Product, talk: str) -> None:
    page.goto(talk)
    page.get_by_role("button", name="Listen from the beginning").click()
    page.wait_for_function(PLAYS)
    page.evaluate(NEAR_ITS_END)
    expect(page.locator("#piece-awaited")).to_have_text("Piece 2 is played as soon as it is there.")
    set_stage(product, "a_piece_more")
    expect(page.locator("#piece-player b")).to_have_text("Piece 2")
    page.wait_for_function(PLAYS)
    set_stage(product, "a_piece_more")
    expect(page.locator("#listen-3")).to_be_visible()
    page.evaluate(NEAR_ITS_END)
    expect(page.locator("#piece-player b")).to_have_text("Piece 3")
    page.get_by_role("link", name="Listen to piece 1").click()  # who wants a single one hears that alone
    page.wait_for_function(PLAYS)
    page.evaluate(NEAR_ITS_END)
    page.wait_for_function("() => document.querySelector('#piece-player audio').ended")
    expect(page.locator("#piece-player b")).to_have_text("Piece 1")


def test_what_stays_as_it_is_is_heard_in_its_place(page: Page, product: Product) -> None:
    page.goto(f"/conversions/{set_stage(product, 'partly_kept')}/")
    names = ["Left as it is", "Piece 1", "Left as it is", "Piece 2", "Left as it is"]
    expect(page.locator(".pieces b")).to_have_text(names)
    page.get_by_role("button", name="Listen from the beginning").click()
    heard = page.locator("#piece-player b")
    for name, near_its_end in zip(names, (5.8, 11.8, 23.8, 11.8, 47.8), strict=True):
        expect(heard).to_have_text(name)
        page.wait_for_function(PLAYS)
        page.evaluate(f"document.querySelector('#piece-player audio').currentTime = {near_its_end}")
    page.wait_for_function("() => document.querySelector('#piece-player audio').paused")
    page.locator(".pieces li").nth(2).get_by_role("link", name="Listen").click()
    page.wait_for_function("() => document.querySelector('#piece-player audio').currentTime >= 18")
    page.evaluate("document.querySelector('#piece-player audio').currentTime = 23.8")
    page.wait_for_function("() => document.querySelector('#piece-player audio').paused")
    assert page.evaluate("document.querySelector('#piece-player audio').currentTime") < 25
    expect(heard).to_have_text("Left as it is")


def test_the_joins_are_marked_in_the_result_and_jumped_to(page: Page, product: Product, talk: str) -> None:
    set_stage(product, "joined")
    page.goto(talk)
    expect(page.locator("#compare .joins line")).to_have_count(3)
    expect(page.locator("#compare .joins line title").first).to_have_text("Joined at 0:12")
    for place in ("10.00", "22.00", "34.00", "10.00"):
        page.keyboard.press("j")
        expect(page.locator("#compare")).to_have_attribute("data-position", place)
        expect(page.locator("#announcement")).to_have_text(f"Joined at 0:{int(float(place)) + 2}")
    page.evaluate("document.querySelectorAll('.joins title').forEach((title) => title.remove())")  # as of hundreds
    page.locator("#compare .joins line").nth(2).hover(force=True)
    expect(page.locator("#compare .joins line title")).to_have_text(["Joined at 0:36"])
    page.locator("#compare .joins line").nth(1).click(force=True)
    expect(page.locator("#compare")).to_have_attribute("data-position", "22.00")


def test_a_piece_is_redone_and_left_again_while_the_page_stays(page: Page, product: Product, talk: str) -> None:
    set_stage(product, "joined")
    page.goto(talk)
    page.locator("#pieces > summary").click()
    page.get_by_role("link", name="Listen to piece 1").click()
    page.wait_for_function(PLAYS)
    page.evaluate("document.querySelector('#piece-player audio').loop = true")
    page.evaluate("window.stillHere = true")
    page.locator("#redo-2").press("Enter")
    expect(page.locator("#piece-2 .state")).to_have_text("Finished, waits to be redone")
    assert page.locator("#piece-2").evaluate(STATE_ENDS_BEFORE_BUTTONS)
    expect(page.locator("#announcement")).to_have_text(
        "Piece 2 is converted again. The result stays as it is until that is there."
    )
    expect(page.locator("#cancel-2")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#piece-2 .state")).to_have_text("Finished")
    expect(page.locator("#announcement")).to_have_text("Piece 2 stays as it is. What was sent already may be billed.")
    expect(page.locator("#redo-2")).to_be_focused()
    assert page.evaluate("window.stillHere")
    assert page.evaluate(PLAYS)


def test_whose_result_changes_is_told_and_stays_where_they_were(page: Page, product: Product, talk: str) -> None:
    set_stage(product, "joined")
    page.goto(talk)
    page.locator("#pieces > summary").click()
    page.locator("#redo-2").press("Enter")
    expect(page.locator("#cancel-2")).to_be_focused()
    page.evaluate("window.stillHere = true")
    set_stage(product, "redone")
    expect(page.locator("#announcement")).to_have_text("Ready, and the result has changed")
    assert not page.evaluate("window.stillHere")
    expect(page.locator("#redo-2")).to_be_visible()
    expect(page.locator("#listen-2")).to_be_focused()


def test_without_a_script_each_is_a_link_to_its_sound(plain_page: Page, talk: str) -> None:
    plain_page.goto(talk)
    link = plain_page.get_by_role("link", name="Listen to piece 1")
    expect(link).to_be_visible()
    answer = plain_page.request.get(str(link.evaluate("(link) => link.href")))
    assert answer.headers["content-type"] == "audio/wav"
    assert len(answer.body()) > 44


@in_two_kinds
def test_how_it_looks(look: Look, talk: str) -> None:
    page = look.page
    page.goto(talk)
    page.locator("#listen-1").click()
    expect(page.locator("#piece-player")).to_be_visible()
    look.take("conversion-pieces")
