"""The admin site's question before something is destroyed: without a script, by keyboard, for everybody to read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import new_page, with_and_without_scripts
from tests.browser.looks import KINDS, RULES, keep_picture
from tests.browser.stage import set_stage
from tests.browser.studio import allow, convert, sign_in
from tests.support.product import Product

LIST = "/admin/conversions/conversion/"


@pytest.fixture
def refused(product: Product) -> str:
    """A recording that failed; its id."""
    found: str = set_stage(product, "failed_on_the_way")
    return found


SEEN = [*(view for kind in KINDS for view in kind), (1280, "forced")]


@pytest.fixture(params=SEEN, ids=lambda kind: f"{kind[0]}-{kind[1]}")
def seen(
    request: pytest.FixtureRequest, chromium: Browser, product: Product, cookies: dict[str, object]
) -> Iterator[Page]:
    """Alice's page as different people have it before them."""
    width, scheme = request.param
    colours = {"forced_colors": "active"} if scheme == "forced" else {"color_scheme": scheme}
    for page in new_page(chromium, product, storage_state=cookies, look=colours):
        page.set_viewport_size({"width": width, "height": 800})
        page.name = f"{width}-{scheme}"  # type: ignore[attr-defined]
        yield page


def row(page: Page, conversion: str) -> Locator:
    return page.locator("#result_list tbody tr", has=page.locator(f"a[href*='{conversion}']"))


def choose(page: Page, conversion: str, action: str) -> None:
    page.goto(f"{LIST}?q={conversion}")
    row(page, conversion).locator("input.action-select").check()
    page.get_by_label("Action:").select_option(action)
    page.get_by_role("button", name=re.compile("^(Go|Run)")).click()


@with_and_without_scripts
def test_purge_asks_and_both_answers_do_what_they_say(page: Page, refused: str) -> None:
    choose(page, refused, "purge")
    expect(page.get_by_role("heading", level=1)).to_have_text("Purge 1 recording?")
    page.get_by_role("link", name="Keep it").click()
    expect(row(page, refused)).to_have_count(1)
    assert f"q={refused}" in page.url  # where one came from
    choose(page, refused, "purge")
    page.get_by_role("button", name="Purge for good").click()
    expect(page.get_by_text("1 conversion was purged.")).to_be_visible()
    expect(row(page, refused)).to_have_count(0)


def test_enter_pressed_again_and_again_purges_nothing(page: Page, refused: str) -> None:
    choose(page, refused, "purge")
    expect(page.get_by_role("heading", level=1)).to_have_text("Purge 1 recording?")
    for _ in range(3):
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Purge 1 recording?")
    stops = []
    for _ in range(40):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.value || document.activeElement.textContent.trim()"))
        if stops[-1] == "Keep it":
            break
    assert stops[-2:] == ["Purge for good", "Keep it"]
    page.keyboard.press("Enter")
    expect(row(page, refused)).to_have_count(1)


def test_the_question_can_be_read_by_everybody(seen: Page, refused: str) -> None:
    choose(seen, refused, "purge")
    button, way_back = seen.get_by_role("button", name="Purge for good"), seen.get_by_role("link", name="Keep it")
    expect(button).to_be_visible()
    seen.wait_for_load_state()  # its styles may still be on their way
    keep_picture(seen, f"admin-purge-{seen.name}")  # type: ignore[attr-defined]
    too_wide = seen.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert too_wide <= 0
    levels = seen.evaluate("[...document.querySelectorAll('#content :is(h1, h2, h3)')].map((one) => one.localName)")
    assert levels == ["h1", "h2", "h2", "h2"]
    for one in (button, way_back):
        assert one.bounding_box()["height"] >= 24  # type: ignore[index]
        edge = one.evaluate(
            "(one) => { const style = getComputedStyle(one); return [style.borderTopStyle, style.backgroundColor] }"
        )
        assert edge[0] == "solid" or edge[1] not in (
            "rgba(0, 0, 0, 0)",
            seen.evaluate("getComputedStyle(document.body).backgroundColor"),
        )
    found = Axe().run(seen, context="#content", options=RULES).response["violations"]
    assert [violation["id"] for violation in found] == []


@with_and_without_scripts
def test_what_somebody_had_sent_is_converted_after_they_were_deleted(
    page: Page, page_kind: str, plain_page: Page, chromium: Browser, product: Product, brief: Path
) -> None:
    admin, email = {"page": page, "plain_page": plain_page}[page_kind], set_stage(product, "leaver")
    with product.frozen("calls", "cpu"):
        for theirs in new_page(chromium, product):
            sign_in(theirs, product.url, email, "a long password for tests")
            address = convert(theirs, brief)
        admin.goto(f"/admin/teams/user/?q={email}")
        admin.get_by_role("link", name=email).click()
        admin.get_by_role("link", name="Delete").click()
        expect(admin.locator("#content")).to_contain_text("1 recording stays with the team")
        expect(admin.locator("#content")).to_contain_text("1 of them is not finished yet; it will be.")
        admin.get_by_role("button", name="Delete").click()
        expect(admin.get_by_text(f"Deleted: {email}.")).to_be_visible()
    admin.goto(address)
    expect(admin.locator("main[data-state=ready]")).to_be_attached(timeout=60_000)


@with_and_without_scripts
def test_an_endpoints_delete_page_says_what_deleting_it_would_do(page: Page, product: Product) -> None:
    allow(page, 404, 410)
    set_stage(product, "every_export")
    page.goto("/admin/voices/endpoint/")
    page.get_by_role("link", name="A paused endpoint").click()
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A paused endpoint can’t be deleted")
    expect(page.locator("#content")).to_contain_text(re.compile(r"A paused endpoint stays: \d+ recordings? "))
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    page.goto("/admin/voices/endpoint/")
    expect(page.get_by_role("link", name="A paused endpoint")).to_be_visible()


@pytest.mark.parametrize(
    "address", ["/admin/", LIST, f"{LIST}?q=x", "/admin/teams/team/add/", "/admin/conversions/call/"]
)
def test_the_admin_site_has_our_icon(page: Page, address: str) -> None:
    page.goto(address)
    icon = page.locator("link[rel=icon]").get_attribute("href")
    answer = page.request.get(icon or "")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "prefers-color-scheme:dark" in answer.text()
