"""A recording that is one call: its result is heard from the beginning while the rest of it still comes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import Look, in_two_kinds
from tests.browser.stage import set_stage
from tests.support.product import Product

PLAYS = "() => !document.querySelector('#beginning audio').paused"
LENGTH_S = "document.querySelector('#beginning audio').duration"  # NaN until it has read the beginning
AT_S = "document.querySelector('#beginning audio').currentTime"
AWAITED = "What comes next is played as soon as it is there."
LOST = "The call that brought this broke off. What its next try brings can be heard from the beginning."


@pytest.fixture
def talk(product: Product) -> str:
    return f"/conversions/{set_stage(product, 'on_its_way')}/"


def listen(page: Page, talk: str) -> None:
    page.goto(talk)
    page.get_by_role("link", name="Listen from the beginning").focus()
    page.keyboard.press("Enter")
    page.wait_for_function(PLAYS)


def come_to_its_end(page: Page) -> None:
    page.evaluate(f"{AT_S} = 29.5")
    page.wait_for_function("() => document.querySelector('#beginning audio').ended")


def test_it_goes_on_where_it_was_once_more_has_come(page: Page, product: Product, talk: str) -> None:
    listen(page, talk)
    expect(page.locator("#begun")).to_contain_text("About 0:30 of the result has come.")
    page.wait_for_function(f"() => {LENGTH_S} > 29.9 && {LENGTH_S} < 30.1")
    come_to_its_end(page)
    expect(page.locator("#begun-said")).to_have_text(AWAITED)
    set_stage(product, "more_has_come")
    expect(page.locator("#begun")).to_contain_text("About 0:40 of the result has come.")
    page.wait_for_function(f"() => {AT_S} > 30.2")
    assert page.evaluate(f"{AT_S} < 40.1")
    expect(page.locator("#begun-said")).to_have_text("")
    expect(page.locator("#listen-begun")).to_be_focused()


def test_what_has_come_meanwhile_is_gone_on_with_without_a_wait(page: Page, product: Product, talk: str) -> None:
    listen(page, talk)
    set_stage(product, "more_has_come")
    expect(page.locator("#begun")).to_contain_text("About 0:40 of the result has come.")
    assert page.evaluate(PLAYS)
    page.evaluate(f"{AT_S} = 29.5")
    page.wait_for_function(f"() => {AT_S} > 30.2")


def test_a_call_that_is_lost_is_said_and_the_next_one_is_heard_from_its_beginning(
    page: Page, product: Product, talk: str
) -> None:
    listen(page, talk)
    come_to_its_end(page)
    set_stage(product, "call_is_lost")
    expect(page.locator("#begun-said")).to_have_text(LOST)
    expect(page.locator("#listen-begun")).to_have_count(0)
    set_stage(product, "call_is_made_again")
    expect(page.locator("#begun")).to_contain_text("About 0:20 of the result has come.")
    page.locator("#listen-begun").click()
    page.wait_for_function(f"() => {AT_S} > 0.2 && {AT_S} < 20")
    expect(page.locator("#begun-said")).to_have_text("")


def test_it_shows_on_a_page_that_was_opened_before(page: Page, product: Product, talk: str) -> None:
    set_stage(product, "call_is_lost")
    page.goto(talk)
    expect(page.locator("#beginning")).to_be_hidden()
    set_stage(product, "call_is_made_again")
    expect(page.get_by_role("link", name="Listen from the beginning")).to_be_visible()


def test_without_a_script_it_is_a_link_to_the_sound(plain_page: Page, talk: str) -> None:
    plain_page.goto(talk)
    link = plain_page.get_by_role("link", name="Listen from the beginning")
    expect(link).to_be_visible()
    answer = plain_page.request.get(str(link.evaluate("(link) => link.href")))
    assert answer.headers["content-type"] == "audio/wav"
    assert len(answer.body()) == 44 + 30 * 2 * 16_000


@in_two_kinds
def test_how_it_looks(look: Look, talk: str) -> None:
    listen(look.page, talk)
    look.page.evaluate("document.querySelector('#beginning audio').pause()")
    look.take("conversion-beginning")
