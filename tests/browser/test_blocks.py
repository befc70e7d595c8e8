"""Hundreds of pieces: blocks that open, what needs somebody's eyes above them, and all of it heard in its order."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import Look, in_two_kinds
from tests.browser.stage import set_stage
from tests.browser.test_pieces import NEAR_ITS_END, PLAYS
from tests.support.product import Product


@pytest.fixture
def talk(product: Product) -> str:
    return f"/conversions/{set_stage(product, 'in_hundreds')}/"


def test_a_block_opens_with_its_pieces_and_follows_what_becomes_of_them(
    page: Page, product: Product, talk: str
) -> None:
    page.goto(talk)
    expect(page.locator("#pieces-count")).to_have_text("55 of 120 finished")
    expect(page.locator("#pieces-now .state")).to_have_text(["Being converted", "Failed", "Being converted"])
    expect(page.locator(".block .state")).to_have_text(
        ["all 50 finished", "5 of 50 finished, 1 failed", "0 of 20 finished"]
    )
    expect(page.locator(".block li")).to_have_count(0)
    summary = page.locator("#block-2 > summary")
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#block-2 li")).to_have_count(50)
    expect(page.locator("#piece-56 .state")).to_have_text("Being converted")
    assert set_stage(product, "a_piece_more") == 56
    expect(page.locator("#piece-56 .state")).to_have_text("Finished")
    expect(page.locator("#block-2-state")).to_have_text("6 of 50 finished, 1 failed")
    expect(page.locator("#pieces-now .state")).to_have_text(["Failed", "Being converted"])
    expect(summary).to_be_focused()
    assert page.locator("#pieces-map rect").count() == 60


def test_a_list_that_scrolls_makes_the_page_no_longer(page: Page, talk: str) -> None:
    page.goto(talk)
    page.locator("#block-1 > summary").click()
    expect(page.locator("#block-1 li")).to_have_count(50)
    ends = "document.querySelector('main').getBoundingClientRect().bottom"
    assert page.evaluate(f"document.documentElement.scrollHeight - scrollY - {ends}") < 100


def test_a_piece_of_a_block_is_redone_and_left_again_while_the_page_stays(page: Page, talk: str) -> None:
    page.goto(talk)
    page.locator("#block-1 > summary").click()
    page.get_by_role("link", name="Listen to piece 1", exact=True).click()
    page.wait_for_function(PLAYS)
    page.evaluate("document.querySelector('#piece-player audio').loop = true")
    page.evaluate("window.stillHere = true")
    page.locator("#redo-2").press("Enter")
    expect(page.locator("#piece-2 .state")).to_have_text("Finished, waits to be redone")
    expect(page.locator("#cancel-2")).to_be_focused()
    expect(page.locator("#now-piece-2 .state")).to_have_text("Finished, waits to be redone")
    expect(page.locator("#timeline")).to_contain_text("Piece 2 of 120: ")
    page.locator("#now-cancel-2").press("Enter")
    expect(page.locator("#announcement")).to_contain_text("Piece 2 stays as it is.")
    expect(page.locator("#now-piece-2")).to_have_count(0)
    expect(page.locator("#piece-2 .state")).to_have_text("Finished")
    assert page.evaluate("window.stillHere")
    # It is given back a moment after the row that had it has gone.
    page.wait_for_function("() => document.activeElement !== document.body")
    assert page.evaluate(PLAYS)


def test_from_the_beginning_it_is_heard_across_blocks(page: Page, talk: str) -> None:
    page.goto(talk)
    page.get_by_role("button", name="Listen from the beginning").click()
    heard = page.locator("#piece-player b")
    expect(heard).to_have_text("Piece 1")
    page.wait_for_function(PLAYS)
    page.evaluate(NEAR_ITS_END)
    expect(heard).to_have_text("Piece 2")
    page.locator("#pieces-map [data-of-piece='49']").click(force=True)
    expect(heard).to_have_text("Piece 49")
    page.locator("#pieces-map [data-of-piece='55']").click(force=True)  # of a block that isn't open
    expect(heard).to_have_text("Piece 55")
    expect(page.locator("#block-2")).to_have_attribute("open", "")


def test_from_the_end_of_a_block_it_goes_on_with_the_next(page: Page, talk: str) -> None:
    page.goto(talk)
    page.get_by_role("button", name="Listen from the beginning").click()
    heard = page.locator("#piece-player b")
    expect(heard).to_have_text("Piece 1")
    # Of the block the last alone is left: nobody waits for fifty.
    page.evaluate("document.querySelectorAll('#block-1 li:not(#piece-1, #piece-50)').forEach((row) => row.remove())")
    for number in (50, 51):
        page.wait_for_function(PLAYS)
        page.evaluate(NEAR_ITS_END)
        expect(heard).to_have_text(f"Piece {number}")
    expect(page.locator("#block-2")).to_have_attribute("open", "")


def test_without_a_script_a_block_is_a_page(plain_page: Page, talk: str) -> None:
    plain_page.goto(talk)
    plain_page.locator("#block-3 > summary").click()
    plain_page.locator("#block-3").get_by_role("link", name="Show them").click()
    expect(plain_page.locator("#block-3 li")).to_have_count(20)
    expect(plain_page.locator("#piece-120 .state")).to_have_text("Waiting")


@in_two_kinds
def test_how_it_looks(look: Look, talk: str) -> None:
    look.page.goto(talk)
    look.page.locator("#block-2 > summary").click()
    expect(look.page.locator("#block-2 li")).to_have_count(50)
    look.take("conversion-blocks")
