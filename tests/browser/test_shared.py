"""A result is shared by a link: somebody outside listens and comments, the team reads it, deletes it, and revokes the
link."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import new_page, with_and_without_scripts
from tests.browser.looks import Look, in_two_kinds
from tests.browser.studio import allow, convert, wait_until
from tests.support.product import CHECKOUT, Product

SPEECH = CHECKOUT / "tests" / "data" / "speech" / "woman_prompts.flac"  # of 17 seconds


@pytest.fixture(scope="module")
def ready(chromium: Browser, product: Product, cookies: dict[str, object]) -> str:
    """The page of a result."""
    for page in new_page(chromium, product, storage_state=cookies):
        address = convert(page, SPEECH, voice="Nora")
        wait_until(page, "ready")
    return address


def share(page: Page, ready: str, *, password: str = "", download: bool = False) -> str:
    """The link."""
    page.goto(ready)
    page.get_by_role("link", name="Share", exact=True).click()
    page.get_by_label("For whom").fill("ACME")
    page.get_by_label("Password").fill(password)
    if download:
        page.get_by_label("They may download it").check()
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_text("The link is made.")).to_be_visible()
    return page.locator(".share-list input").first.input_value()


@with_and_without_scripts
def test_somebody_outside_comments_and_the_team_reads_it(
    page: Page, page_kind: str, chromium: Browser, product: Product, ready: str
) -> None:
    has_scripts = page_kind == "page"
    link, name = share(page, ready), f"Clara {page_kind}"
    for outside in new_page(chromium, product, java_script_enabled=has_scripts):
        outside.set_viewport_size({"width": 390, "height": 800})
        outside.goto(link)
        if has_scripts:
            listen_and_go_to_one(outside)
        else:
            expect(outside.locator("audio[controls]")).to_have_count(2)
            outside.get_by_label("At", exact=True).fill("0:01")
        outside.get_by_label("Your name").fill(name)
        outside.get_by_label("Comment", exact=True).fill("Too soft here")
        outside.get_by_role("button", name="Send the comment").click()
        said = outside.locator(".comments li")
        expect(said).to_contain_text("Too soft here")
        expect(said.get_by_role("link")).to_have_text("0:01")
        if has_scripts:
            outside.wait_for_load_state()
            said.get_by_role("link").click()
            expect(outside.locator("#compare")).to_have_attribute("data-position", "1.00")
            expect(outside.get_by_label("Your name")).to_have_value(name)  # who says one thing says another
        assert outside.context.cookies() == []
    page.goto(ready)
    said = page.locator(".comments li", has_text=name)
    expect(said).to_contain_text("Too soft here")
    if has_scripts:
        said.get_by_role("link", name="0:01").click()
        expect(page.locator("#compare")).to_have_attribute("data-position", "1.00")
    said.get_by_role("button", name=f"Delete what {name} wrote").click()
    expect(page.get_by_text("The comment was deleted.")).to_be_visible()
    expect(said).to_have_count(0)
    page.goto("/shares/")
    expect(page.locator(".share-list li").first).to_contain_text("opened 2 times")
    page.get_by_role("button", name=re.compile("Revoke")).first.click()
    expect(page.get_by_text("Nobody gets in by that link any more.")).to_be_visible()
    for outside in new_page(chromium, product):
        allow(outside, 404)
        outside.goto(link)
        expect(outside.get_by_role("heading", name="This link leads nowhere")).to_be_visible()


def listen_and_go_to_one(page: Page) -> None:
    """Plays the result, switches to the original, and stops at 0:01."""
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => [...document.querySelectorAll('audio')].some((player) => player.currentTime > 0.1)")
    page.get_by_role("radio", name="Original").check()
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("slider", name="Position").fill("1")
    expect(page.get_by_label("At", exact=True)).to_have_value("0:01")


def test_the_link_is_copied(chromium: Browser, product: Product, cookies: dict[str, object], ready: str) -> None:
    given = ["clipboard-read", "clipboard-write"]
    for page in new_page(chromium, product, storage_state=cookies, permissions=given):
        link = share(page, ready)
        page.get_by_role("button", name=re.compile("Copy")).first.click()
        expect(page.locator(".share-list").get_by_role("status").first).to_have_text("Copied")
        assert page.evaluate("() => navigator.clipboard.readText()") == link
        page.get_by_role("button", name=re.compile("Revoke")).first.click()


@in_two_kinds
def test_how_it_looks(look: Look, ready: str) -> None:
    page = look.page
    allow(page, 404, 422)
    page.goto("/shares/")
    look.take("shares-none")
    link = share(page, ready, download=True)
    locked = share(page, ready, password="open sesame")
    page.wait_for_load_state()
    look.take("shares")
    page.goto(locked)
    look.take("shared-password")
    page.get_by_label("Password").fill("open sesam")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_text("This isn’t the password.")).to_be_visible()
    look.take("shared-password-wrong")
    page.get_by_label("Password").fill("open sesame")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("woman prompts")
    page.goto(link)
    page.get_by_role("button", name="Send the comment").click()
    expect(page.get_by_text("Say who you are.")).to_be_visible()
    look.take("shared-refused")
    page.get_by_label("At", exact=True).fill("0:07")
    page.get_by_label("Your name").fill("Clara of ACME")
    page.get_by_label("Comment", exact=True).fill(
        "Too soft here.\nCould she sound a little happier, as in the original?"
    )
    page.get_by_role("button", name="Send the comment").click()
    expect(page.locator(".comments li")).to_have_count(1)
    look.take("shared")
    page.goto(ready)
    look.take("shared-comments")
    page.goto("/shares/")
    look.take("shares-of-team")
    for _ in range(2):
        page.get_by_role("button", name=re.compile("Revoke")).first.click()
        page.wait_for_load_state()
    page.goto(link)
    look.take("shared-gone")
    page.goto(ready)
    page.get_by_role("button", name="Delete what Clara of ACME wrote").click()
    expect(page.get_by_text("The comment was deleted.")).to_be_visible()
