"""Finding what was made."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.stage import set_stage
from tests.browser.studio import allow
from tests.support.product import Product


@pytest.fixture(scope="module", autouse=True)
def bulletins(product: Product) -> int:
    return int(set_stage(product, "long_history"))


def test_search_filters_while_typing_and_the_address_can_be_shared(page: Page) -> None:
    page.goto("/history/")
    page.get_by_label("Search names").press_sequentially("bulletin 17")
    titles = page.locator("a.title")
    expect(titles).to_have_text(["Evening bulletin 17"])
    expect(page).to_have_url(re.compile(r"/history/\?q=bulletin(\+|%20)17$"))
    expect(page.locator("#announcement")).to_have_text("1 recording shown")
    page.reload()
    expect(titles).to_have_text(["Evening bulletin 17"])
    expect(page.get_by_label("Search names")).to_have_value("bulletin 17")


def test_states_and_voices_filter_and_an_empty_answer_offers_everything(page: Page) -> None:
    page.goto("/history/?q=bulletin")
    page.get_by_role("radio", name="Cancelled").check(force=True)
    expect(page.get_by_text("Nothing matches.")).to_be_visible()
    page.get_by_role("link", name="Show everything").click()
    page.wait_for_url("**/history/")
    page.get_by_label("Voice").select_option("George")
    expect(page).to_have_url(re.compile(r"/history/\?voice=\d+$"))
    expect(page.locator("td.voice-name").first).to_have_text("George")
    expect(page.locator("td.voice-name").filter(has_not_text="George")).to_have_count(0)


def test_what_was_chosen_before_the_scripts_came_is_looked_for_when_they_do(page: Page) -> None:
    late: list[Route] = []
    page.route(re.compile(r"/htmx[^/]*\.js"), lambda route: late.append(route))  # noqa: PLW0108 - no built-in
    page.goto("/history/", wait_until="commit")
    page.get_by_role("radio", name="Cancelled").check(force=True)
    while not late:
        page.wait_for_timeout(100)  # not time.sleep: routes come meanwhile
    for route in late:
        route.continue_()
    expect(page).to_have_url(re.compile(r"/history/\?state=cancelled$"))
    expect(page.get_by_role("radio", name="Cancelled")).to_be_checked()


def test_older_pages_follow_without_gap_or_repetition_and_back_returns(page: Page) -> None:
    page.goto("/history/?q=bulletin")
    first = page.locator("a.title").all_inner_texts()
    page.get_by_role("link", name="Older").click()
    expect(page.locator("a.title").first).not_to_have_text(first[0])
    second = page.locator("a.title").all_inner_texts()
    assert [*first, *second] == [f"Evening bulletin {number}" for number in range(1, 36)]
    expect(page.get_by_role("link", name="Older")).to_have_count(0)

    page.go_back()
    expect(page.locator("a.title").first).to_have_text("Evening bulletin 1")
    expect(page.get_by_role("heading", level=1)).to_have_text("History")

    page.goto("/history/?q=bulletin")
    page.get_by_role("link", name="Older").click()
    expect(page.locator("a.title").first).not_to_have_text(first[0])
    page.reload()
    page.get_by_role("link", name="Newest").click()
    expect(page.locator("a.title").first).to_have_text("Evening bulletin 1")


def test_older_rows_take_the_focus(page: Page) -> None:
    page.goto("/history/?q=bulletin")
    page.get_by_role("link", name="Older").press("Enter")
    expect(page.get_by_role("group", name="Recordings")).to_be_focused()


def test_back_from_a_conversion_shows_the_whole_page_not_the_rows_that_htmx_fetched(page: Page) -> None:
    allow(page, 404)  # the bulletins on the stage have no sound
    page.goto("/history/?q=bulletin")
    page.get_by_role("link", name="Older").click()
    page.get_by_role("link", name="Evening bulletin 35").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Evening bulletin 35")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("History")
    expect(page.locator("a.title").last).to_have_text("Evening bulletin 35")


def test_who_was_signed_out_meanwhile_meets_the_sign_in(page: Page) -> None:
    page.goto("/history/")
    page.context.clear_cookies()
    page.get_by_label("Search names").fill("bulletin")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in to Timbre")


def test_pages_turn_without_javascript(plain_page: Page) -> None:
    plain_page.goto("/history/?q=bulletin")
    plain_page.get_by_role("link", name="Older").click()
    expect(plain_page.locator("a.title").last).to_have_text("Evening bulletin 35")
    plain_page.get_by_role("link", name="Newest").click()
    expect(plain_page.locator("a.title").first).to_have_text("Evening bulletin 1")


@pytest.mark.parametrize("script", [True, False])
def test_a_row_is_deleted_where_it_stands_and_brought_back(page: Page, plain_page: Page, script: bool) -> None:
    page = page if script else plain_page
    allow(page, 404)  # the bulletins on the stage have no sound
    page.goto("/history/?q=bulletin")
    if script:
        page.get_by_role("link", name="Older").click()  # rows that htmx fetched
        expect(page.locator("a.title").last).to_have_text("Evening bulletin 35")
        name = "Evening bulletin 35"
    else:
        name = "Evening bulletin 30"
    button = page.get_by_role("button", name=f"Delete “{name}”", exact=True)
    box = button.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 44
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="was deleted")).to_contain_text(f"“{name}” was deleted.")
    expect(page.get_by_label("Search names")).to_have_value("bulletin")
    expect(page.locator("a.title").filter(has_text=re.compile(f"^{name}$"))).to_have_count(0)
    if script:
        expect(page.locator("a.title").last).to_have_text("Evening bulletin 34")  # the page, too, is the same
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status").filter(has_text="is back")).to_contain_text(f"“{name}” is back.")
    expect(page.locator("a.title").filter(has_text=re.compile(f"^{name}$"))).to_have_count(1)
    expect(page.get_by_label("Search names")).to_have_value("bulletin")


def test_the_rest_of_the_row_still_opens_the_conversion(page: Page) -> None:
    allow(page, 404)
    page.goto("/history/?q=bulletin+17")
    page.locator("tbody .length").click(force=True)  # the link lies over the row
    expect(page.get_by_role("heading", level=1)).to_have_text("Evening bulletin 17")
