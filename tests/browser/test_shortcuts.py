"""The list of shortcuts, and turning them off for good."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stage import set_stage
from tests.support.product import Product


@pytest.fixture(scope="module")
def address(product: Product) -> str:
    return f"/conversions/{set_stage(product, 'to_watch')}/"


def test_a_question_mark_lists_them_and_a_switch_turns_them_off(page: Page, address: str) -> None:
    page.goto(address)
    listed = page.get_by_role("dialog", name="Keyboard shortcuts")
    page.keyboard.press("?")
    expect(listed).to_contain_text("Switch to the next voice, at the same place")
    page.keyboard.press("Escape")
    expect(listed).to_be_hidden()

    page.keyboard.press("?")
    with page.expect_response("**/account/choices/") as kept:
        listed.get_by_label("Use these shortcuts").uncheck()
    assert kept.value.status == 204
    listed.get_by_role("button", name="Close").click()
    page.keyboard.press("?")
    expect(listed).to_be_hidden()

    page.goto("/history/")  # everywhere, and next time too
    page.keyboard.press("?")
    expect(listed).to_be_hidden()
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(listed.get_by_label("Use these shortcuts")).not_to_be_checked()
    with page.expect_response("**/account/choices/"):
        listed.get_by_label("Use these shortcuts").check()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(listed).to_be_visible()


def test_a_question_mark_that_is_typed_stays_one(page: Page) -> None:
    page.goto("/history/")
    page.get_by_label("Search names").press_sequentially("why?")
    expect(page.get_by_label("Search names")).to_have_value("why?")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_what_could_not_be_kept_is_not_shown_as_chosen(page: Page, address: str) -> None:
    page.goto(address)
    page.keyboard.press("?")
    page.route("**/account/choices/", lambda route: route.abort())
    page.watch.complaints.clear()  # type: ignore[attr-defined]
    page.get_by_label("Use these shortcuts").click()
    expect(page.get_by_label("Use these shortcuts")).to_be_checked()
