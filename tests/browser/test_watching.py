"""Watching a conversion: the page follows its state by itself, and leaves the server alone while nobody looks."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stage import set_stage
from tests.support.product import Product


@pytest.fixture
def waiting(product: Product) -> str:
    return f"/conversions/{set_stage(product, 'every_state')['waiting']}/"


def test_the_page_follows_the_state_without_loading_again(page: Page, product: Product, waiting: str) -> None:
    page.goto(waiting)
    expect(page.get_by_text("You can close this page.")).to_be_visible()
    page.evaluate("window.stillHere = true")
    set_stage(product, "go_on")
    expect(page.locator("main")).to_have_attribute("data-state", "converting")
    expect(page).to_have_title("Converting – Chapter 7, rough read – Timbre")
    expect(page.locator("#announcement")).to_have_text("Converting")
    assert page.evaluate("window.stillHere")


def test_a_hidden_tab_does_not_ask(page: Page, waiting: str) -> None:
    page.goto(waiting)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    while not asked:
        page.wait_for_event("request")
    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })")
    with page.expect_request("**/healthz"):  # what was asked before has arrived when this has
        page.evaluate("fetch('/healthz')")
    asked.clear()
    page.wait_for_timeout(2500)
    assert asked == []


def test_cancel_stops_it_and_the_page_says_so(page: Page, waiting: str) -> None:
    page.goto(waiting)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("main")).to_have_attribute("data-state", "cancelled")
    expect(page.locator(".timeline")).to_contain_text("cancelled it")
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)


def test_who_was_signed_out_meanwhile_meets_the_sign_in(page: Page, waiting: str) -> None:
    page.goto(waiting)
    page.context.clear_cookies()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in to Timbre")
    assert page.url.endswith(f"?next={waiting}")
