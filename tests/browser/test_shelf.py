"""The shelf outlives neither who signs out nor a day."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.studio import change_shelved, choose, shelved, sign_in, until_shelved
from tests.support.product import Product


@pytest.mark.parametrize("way", ["menu", "page"])
def test_who_signs_out_leaves_nothing_and_takes_nothing_from_others(
    stranger: Page, product: Product, speech: Path, way: str
) -> None:
    page = stranger
    sign_in(page, product.url, product.admin_email, product.admin_password)
    choose(page, speech / "woman_prompts.flac")
    until_shelved(page, 1)
    change_shelved(page, user="somebody else")
    choose(page, speech / "interview.mp3")
    until_shelved(page, 2)
    if way == "menu":
        page.get_by_role("button", name="Your account").click()
        page.get_by_role("button", name="Sign out").click()
    else:
        page.goto("/accounts/logout/")
        page.locator("main").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in to Timbre")
    assert shelved(page) == 1


def test_after_a_day_any_page_throws_it_away(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, speech / "interview.mp3")
    until_shelved(page, 1)
    change_shelved(page, at=0)
    page.goto("/history/")
    until_shelved(page, 0)


def test_a_page_that_only_looks_makes_no_shelf(page: Page) -> None:
    page.goto("/history/")
    expect(page.get_by_role("heading", level=1)).to_have_text("History")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("indexedDB.databases()") == []
