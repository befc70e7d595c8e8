"""One's own account, and what the browser has to agree to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import new_page
from tests.support.product import Product


@pytest.fixture
def allowing(chromium: Browser, product: Product, cookies: dict[str, object]) -> Iterator[Page]:
    yield from new_page(chromium, product, storage_state=cookies, permissions=["notifications"])


def test_name_and_choices_are_kept(allowing: Page) -> None:
    page = allowing
    page.goto("/history/")
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("link", name="Account", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")
    page.get_by_label("Name").fill("Alice Harbour")
    page.get_by_label("Show a notification of the browser").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("Alice Harbour")
    expect(page.get_by_label("Show a notification of the browser")).to_be_checked()
    page.get_by_label("Show a notification of the browser").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Show a notification of the browser")).not_to_be_checked()


def test_a_browser_that_says_no_unticks_the_box_and_says_why(page: Page) -> None:
    page.add_init_script("Notification.requestPermission = async () => 'denied'")
    page.goto("/account/")
    box = page.get_by_label("Show a notification of the browser")
    box.click()
    expect(page.get_by_text("This browser doesn’t let Timbre show notifications.")).to_be_visible()
    expect(box).not_to_be_checked()


def test_where_no_e_mail_is_sent_the_choice_says_so(page: Page) -> None:
    page.goto("/account/")
    box = page.get_by_label("Send me an e-mail")
    expect(box).to_be_disabled()
    expect(box).to_have_accessible_description(
        "Not possible yet: this site sends no e-mail. Your admin can set that up."
    )
