"""Watching a conversion: the page follows its state by itself, and leaves the server alone while nobody looks."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import APIResponse, Locator, Page, Route, expect

from tests.browser.stage import set_stage
from tests.browser.studio import allow
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
    expect(page.locator("#arrival")).to_be_focused()
    expect(page.locator(".timeline")).to_contain_text("cancelled it")
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)


def delete_slowly(page: Page) -> list[tuple[Route, APIResponse]]:
    """It is deleted on the server; the browser hears of it once the route that comes back is fulfilled."""
    held: list[tuple[Route, APIResponse]] = []
    page.route("**/delete/", lambda route: held.append((route, route.fetch(max_redirects=0))))
    # click() would wait for the page that comes
    page.get_by_role("button", name="Delete").evaluate("(button) => button.click()")
    while not held:
        page.wait_for_timeout(50)
    return held


def test_who_deletes_it_while_the_page_asks_is_led_on(page: Page, waiting: str) -> None:
    allow(page, 404)
    asking: list[Route] = []

    def hold(route: Route) -> None:
        asking.append(route)

    page.route("**/status/**", hold)
    page.goto(waiting)
    while not asking:
        page.wait_for_timeout(50)
    held = delete_slowly(page)
    for question in asking:
        with page.expect_response(lambda answer: "/status/" in answer.url and answer.status == 404):
            question.continue_()
    for route, answer in held:
        route.fulfill(response=answer)
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    # htmx's own remark on the answer to who asked for what was gone
    page.watch.complaints.clear()  # type: ignore[attr-defined]


def test_the_page_asks_no_more_while_it_is_left(page: Page, waiting: str) -> None:
    page.goto(waiting)
    page.wait_for_event("requestfinished", lambda request: "/status/" in request.url)
    held = delete_slowly(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)
    assert asked == []
    for route, answer in held:
        route.fulfill(response=answer)
    expect(page.get_by_role("button", name="Undo")).to_be_visible()


def test_who_was_signed_out_meanwhile_meets_the_sign_in(page: Page, waiting: str) -> None:
    page.goto(waiting)
    page.context.clear_cookies()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in to Timbre")
    assert page.url.endswith(f"?next={waiting}")


@pytest.fixture
def reasons(product: Product) -> dict[str, str]:
    return dict(set_stage(product, "every_reason"))


def bar(page: Page) -> Locator:
    return page.get_by_role("progressbar", name="How much of the wait is over")


def test_a_bar_moves_by_itself_and_only_words_are_announced(page: Page, reasons: dict[str, str]) -> None:
    page.goto(f"/conversions/{reasons['running']}/")
    first = bar(page).get_attribute("value")
    assert first is not None
    page.evaluate("window.stillHere = true")
    expect(bar(page)).not_to_have_attribute("value", first)
    assert int(bar(page).get_attribute("value") or 0) > int(first)
    expect(page.locator("#announcement")).to_have_text("")
    assert page.evaluate("window.stillHere")


def test_without_a_script_the_bar_moves_with_the_refresh(plain_page: Page, reasons: dict[str, str]) -> None:
    plain_page.goto(f"/conversions/{reasons['running']}/")
    first = bar(plain_page).get_attribute("value")
    assert first is not None
    expect(bar(plain_page)).not_to_have_attribute("value", first)


def test_where_nothing_is_known_the_bar_only_moves_and_for_whom_it_may(page: Page, product: Product) -> None:
    motion = "(bar) => getComputedStyle(bar).animationName"
    page.emulate_media(reduced_motion="no-preference")
    page.goto(f"/conversions/{set_stage(product, 'every_state')['preparing']}/")
    expect(bar(page)).not_to_have_attribute("value", re.compile(".*"))
    assert bar(page).evaluate(motion) == "travel"
    page.emulate_media(reduced_motion="reduce")
    assert bar(page).evaluate(motion) == "none"
    expect(bar(page)).to_be_visible()


def test_what_is_held_shows_no_bar(page: Page, reasons: dict[str, str]) -> None:
    page.goto(f"/conversions/{reasons['held']}/")
    expect(page.get_by_text("You can close this page.")).to_be_visible()
    expect(bar(page)).to_have_count(0)


def test_the_page_below_follows_too(page: Page, product: Product, waiting: str) -> None:
    page.goto(waiting)
    expect(page.locator("#facts")).not_to_contain_text("48000 Hz")
    page.evaluate("window.stillHere = true")
    set_stage(product, "go_on")
    expect(page.locator("main")).to_have_attribute("data-state", "converting")
    expect(page.locator("#facts")).to_contain_text("48000 Hz")
    assert page.evaluate("window.stillHere")


def test_the_original_can_be_heard_as_soon_as_it_is_known(page: Page, product: Product, waiting: str) -> None:
    allow(page, 404, 410)  # the stage’s recordings have no sound
    page.goto(waiting)
    expect(page.locator("#compare audio")).to_have_count(0)
    set_stage(product, "is_known")
    expect(page.locator("#compare audio")).to_have_count(1)
    expect(page.locator("main")).to_have_attribute("data-state", "converting")
