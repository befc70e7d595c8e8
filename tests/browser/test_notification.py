"""A notification when it is ready: by choice, asked for on a press, shown to who looks elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Watch, launch
from tests.browser.stage import set_stage
from tests.support.product import Product

# What the page shows is kept in the tab, because the page is loaded anew meanwhile; a tab that says so is hidden.
CAPTURE = """
if (location.protocol === "http:") {
window.Notification = new Proxy(window.Notification, {
    construct(target, given) {
        const shown = JSON.parse(sessionStorage.getItem("shown") ?? "[]");
        sessionStorage.setItem("shown", JSON.stringify([...shown, { title: given[0], body: given[1].body }]));
        const notification = new target(...given);
        window.last = notification;
        return notification;
    },
});
if (sessionStorage.getItem("hidden")) Object.defineProperty(document, "hidden", { get: () => true });
}
"""
HIDE = """() => {
    sessionStorage.setItem("hidden", "yes");
    Object.defineProperty(document, "hidden", { get: () => true });
}"""


@pytest.fixture
def waiting(product: Product) -> str:
    return f"/conversions/{set_stage(product, 'to_watch')}/"


@pytest.fixture(scope="module")
def whole(chromium: Browser) -> Iterator[Browser]:
    """One that shows notifications."""
    browser = launch(chromium.browser_type, whole=True)
    yield browser
    browser.close()


def pages(browser: Browser, product: Product, cookies: dict[str, object], permissions: list[str]) -> Iterator[Page]:
    context = browser.new_context(base_url=product.url, storage_state=cookies)  # type: ignore[arg-type]
    context.grant_permissions(permissions)
    context.add_init_script(CAPTURE)
    watch = Watch(context, product.url)
    watch.allowed.add(404)  # what is on the stage has no sound
    yield context.new_page()
    context.close()
    watch.check()


@pytest.fixture
def allowed(whole: Browser, product: Product, cookies: dict[str, object]) -> Iterator[Page]:
    yield from pages(whole, product, cookies, ["notifications"])


@pytest.fixture
def denied(whole: Browser, product: Product, cookies: dict[str, object]) -> Iterator[Page]:
    yield from pages(whole, product, cookies, [])


def choose(page: Page) -> None:
    with page.expect_response("**/account/choices/") as kept:
        page.get_by_label("Tell me when it is ready").check(force=True)
    assert kept.value.status == 204


# When it asks, by the page's own clock, which goes on by itself; what Playwright tells of requests comes later.
SENT = "window.sent = []; document.addEventListener('htmx:beforeSend', () => window.sent.push(Date.now()))"


def shown(page: Page) -> list[dict[str, str]]:
    return page.evaluate("JSON.parse(sessionStorage.getItem('shown') ?? '[]')")  # type: ignore[no-any-return]


def test_who_looks_elsewhere_is_told_and_a_click_leads_back(allowed: Page, product: Product, waiting: str) -> None:
    page = allowed
    page.goto(waiting)
    expect(page.get_by_label("Tell me when it is ready")).not_to_be_checked()
    choose(page)
    expect(page.locator("#notify-words")).to_contain_text("A notification will come")
    page.clock.install()
    page.reload()
    expect(page.get_by_label("Tell me when it is ready")).to_be_checked()  # also next time, on any page
    page.evaluate(HIDE)
    page.evaluate(SENT)
    for number in range(1, 3):  # the answer may be to one before
        with page.expect_response("**/status/**"):
            page.clock.run_for(11_000)
        page.wait_for_function("(number) => window.sent.length >= number", arg=number)
    sent = page.evaluate("window.sent")
    assert all(later - earlier >= 10_000 for earlier, later in pairwise(sent))  # slowly
    set_stage(product, "is_ready")
    page.clock.run_for(11_000)
    expect(page).to_have_title("Ready – Chapter 9 – Timbre")
    page.wait_for_function("() => window.last")
    assert shown(page) == [{"title": "Chapter 9", "body": "Ready"}]
    page.evaluate("window.focused = false; window.focus = () => { window.focused = true; }")
    page.evaluate("window.last.dispatchEvent(new Event('click'))")
    assert page.evaluate("window.focused")
    page.reload()
    assert len(shown(page)) == 1


def test_who_watches_is_not_told_what_they_see(allowed: Page, product: Product, waiting: str) -> None:
    page = allowed
    page.goto(waiting)
    choose(page)
    set_stage(product, "is_ready")
    expect(page).to_have_title("Ready – Chapter 9 – Timbre")
    page.wait_for_load_state("networkidle")
    assert shown(page) == []


def test_a_browser_that_says_no_is_explained_and_nothing_is_kept(denied: Page, waiting: str) -> None:
    page = denied
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/choices/" in request.url else None)
    page.goto(waiting)
    page.get_by_label("Tell me when it is ready").click(force=True)
    expect(page.locator("#notify-words")).to_contain_text("Allow them in the settings of this site")
    expect(page.get_by_label("Tell me when it is ready")).not_to_be_checked()
    assert asked == []
