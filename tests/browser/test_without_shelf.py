"""Sending doesn't depend on the shelf: whatever IndexedDB does, choosing, recording and sending go on."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import new_page
from tests.browser.studio import choose, named, row, sign_in, until_recorded
from tests.support.product import Product

pytestmark = pytest.mark.usefixtures("at_rest")
UNKEPT = "These recordings are kept only while this page is open"
# As WebKit does in a private window: what is put never comes to an end, neither well nor ill.
PUT_NEVER_ENDS = """
    IDBObjectStore.prototype.put = () => new EventTarget();
    for (const name of ["oncomplete", "onabort", "onerror"])
        Object.defineProperty(IDBTransaction.prototype, name, { set() {} });
"""
REFUSALS = {
    "put never ends": PUT_NEVER_ENDS,
    "put throws": "IDBObjectStore.prototype.put = () => { throw new DOMException('', 'DataCloneError'); };",
    "put is refused": """
        IDBObjectStore.prototype.put = function () {
            queueMicrotask(() => (this.transaction.refused ??= this.transaction.abort() ?? true));
            return new EventTarget();
        };
    """,
    "nothing is read": "IDBObjectStore.prototype.getAll = () => new EventTarget();" + PUT_NEVER_ENDS,
    "open never answers": "IDBFactory.prototype.open = () => new EventTarget();",
    "open throws": "IDBFactory.prototype.open = () => { throw new DOMException('', 'SecurityError'); };",
    "open is blocked": """
        IDBFactory.prototype.open = () => {
            const request = new EventTarget();
            setTimeout(() => request.onblocked?.());
            return request;
        };
    """,
    "no IndexedDB": "Object.defineProperty(window, 'indexedDB', { value: undefined });",
    "IndexedDB throws": "Object.defineProperty(window, 'indexedDB', { get() { throw new Error('disabled'); } });",
}
LATER_VERSION = """new Promise((resolve, reject) => {
    const request = indexedDB.open("timbre-shelf", 9);
    request.onerror = reject;
    request.onsuccess = () => { request.result.close(); resolve(); };
})"""


def choose_and_send(page: Page, speech: Path) -> None:
    """Two recordings, both of which arrive; that they weren't kept is said once."""
    choose(page, named(speech / "interview.mp3", "one.mp3"), named(speech / "interview.mp3", "two.mp3"))
    expect(row(page, "two.mp3")).to_contain_text("0:06")
    expect(page.get_by_role("status").filter(has_text=UNKEPT)).to_have_count(1)
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/batches/*/")
    expect(page.get_by_role("heading", level=1)).to_have_text("2 recordings")


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_the_shelf_refuses_is_sent_all_the_same(page: Page, speech: Path, refusal: str) -> None:
    page.add_init_script(REFUSALS[refusal])
    page.goto("/")
    choose_and_send(page, speech)


def test_so_is_what_a_later_version_of_the_page_keeps_from_it(page: Page, speech: Path) -> None:
    page.goto("/history/")
    page.evaluate(LATER_VERSION)
    page.goto("/")
    choose_and_send(page, speech)


def test_so_is_what_has_no_room(page: Page, product: Product, speech: Path) -> None:
    page.goto("/")
    session = page.context.new_cdp_session(page)
    session.send("Storage.overrideQuotaForOrigin", {"origin": product.url, "quotaSize": 1024})
    choose_and_send(page, speech)


def test_sending_waits_for_no_answer_of_the_shelf(page: Page, speech: Path) -> None:
    page.add_init_script(PUT_NEVER_ENDS)
    page.goto("/")
    choose(page, speech / "interview.mp3")
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/conversions/*/")


@pytest.mark.parametrize("refusal", ["put never ends", "open never answers", "no IndexedDB"])
def test_what_is_recorded_is_sent_too(
    beeping: Browser, product: Product, cookies: dict[str, object], refusal: str
) -> None:
    for page in new_page(beeping, product, storage_state=cookies):
        page.add_init_script(REFUSALS[refusal])
        page.goto("/")
        page.get_by_role("button", name="Record", exact=True).click()
        until_recorded(page, 2)
        page.get_by_role("button", name="Stop").click()
        page.get_by_role("button", name="Use this recording").click()
        expect(page.locator(".file")).to_have_count(1)
        expect(page.get_by_role("status").filter(has_text=UNKEPT)).to_have_count(1)
        page.get_by_role("button", name="Convert").click()
        page.wait_for_url("**/conversions/*/")


@pytest.mark.parametrize("refusal", ["put never ends", "open never answers", "IndexedDB throws"])
def test_nobody_stays_signed_in_for_it(stranger: Page, product: Product, speech: Path, refusal: str) -> None:
    page = stranger
    page.on("dialog", lambda dialog: dialog.accept())
    page.add_init_script(REFUSALS[refusal])
    sign_in(page, product.url, product.admin_email, product.admin_password)
    choose(page, speech / "interview.mp3")
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in to Timbre")
