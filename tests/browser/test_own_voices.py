"""A voice of one's own: given half a minute of speech, it is made by the real engine, speaks for its team, and goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import new_page, with_and_without_scripts
from tests.browser.looks import Look
from tests.browser.studio import allow, choose, sign_in, until_recorded, wait_until
from tests.support.product import Product

PASSWORD = "a long password for tests"


def give(page: Page, sample: Path, name: str) -> None:
    """On the page of voices."""
    page.get_by_label("Name", exact=True).last.fill(name)  # that of the form, below those of the voices
    page.get_by_label("Recording of the voice").set_input_files(sample)
    page.get_by_label("This is my own voice, or I may use it").check()
    page.get_by_role("button", name="Make the voice").click()
    page.wait_for_url("**/voices/")


def card(page: Page, name: str) -> Locator:
    return page.locator(".voice-list > li", has=page.get_by_role("heading", name=name, exact=True))


def until(page: Page, name: str, state: str, *, by_itself: bool) -> None:
    """`by_itself`: the page is not loaded anew."""
    if by_itself:
        expect(card(page, name).locator(".state")).to_have_text(state, timeout=60_000)
        return
    for _ in range(120):
        page.goto("/voices/")
        if card(page, name).locator(".state").inner_text() == state:
            return
        page.wait_for_timeout(500)
    raise AssertionError(f"{name} never is {state}")


def delete(page: Page, name: str) -> None:
    page.goto("/voices/")
    card(page, name).locator("summary").click()
    expect(card(page, name)).to_contain_text("What was made with it stays")
    page.get_by_role("button", name=f"Delete this voice {name}").click()
    expect(page.get_by_text(f"“{name}” was deleted.")).to_be_visible()


@with_and_without_scripts
def test_it_is_made_speaks_for_its_team_alone_and_goes(
    page: Page, page_kind: str, chromium: Browser, product: Product, people: dict[str, str], speech: Path, brief: Path
) -> None:
    name = f"Reader {page_kind}"
    page.goto("/")
    page.get_by_role("link", name="Make a voice of your own").click()
    give(page, speech / "man_librivox.flac", name)
    until(page, name, "Ready", by_itself=page_kind == "page")
    expect(card(page, name)).to_contain_text("gave the recording and said that it may be used")
    card(page, name).get_by_role("link", name=f"Use it {name}").click()
    expect(page.get_by_role("checkbox", name=name)).to_be_checked()
    choose(page, brief)
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/conversions/*/")
    made = page.url
    if page_kind == "page":
        wait_until(page, "ready")
    for theirs in new_page(chromium, product):
        sign_in(theirs, product.url, people["mallory"], PASSWORD)
        for address in ("/", "/voices/", "/history/"):
            theirs.goto(address)
            expect(theirs.locator("body")).not_to_contain_text("Reader")
    for viewers in new_page(chromium, product):
        sign_in(viewers, product.url, people["victor"], PASSWORD)
        viewers.goto("/voices/")
        expect(card(viewers, name)).to_contain_text("Ready")
        expect(viewers.get_by_role("button", name="Make the voice")).to_have_count(0)
        expect(card(viewers, name).locator("summary")).to_have_count(0)
    for _ in range(120):
        page.goto(made)
        if page.locator("main[data-state=ready]").count():
            break
        page.wait_for_timeout(500)
    delete(page, name)
    page.goto("/")
    expect(page.get_by_role("checkbox", name=name)).to_have_count(0)
    page.goto(made)
    expect(page.locator("main[data-state=ready]")).to_contain_text(name)


def test_it_becomes_ready_while_another_name_is_typed(page: Page, product: Product, speech: Path) -> None:
    page.goto("/voices/")
    with product.frozen("calls"):
        give(page, speech / "man_librivox.flac", "Before")
        card(page, "Before").locator("summary").click()
        name = card(page, "Before").get_by_label("Name", exact=True)
        name.fill("Afterwards")
    until(page, "Before", "Ready", by_itself=True)
    expect(page.get_by_role("status").filter(has_text="Before: Ready")).to_have_count(1)
    expect(name).to_be_focused()
    expect(name).to_have_value("Afterwards")
    name.press("Enter")
    expect(page.get_by_role("status").filter(has_text="It is called “Afterwards” now.")).to_be_focused()
    delete(page, "Afterwards")
    expect(page.get_by_role("status").filter(has_text="“Afterwards” was deleted.")).to_be_focused()


def test_its_preview_is_heard(page: Page, speech: Path) -> None:
    page.goto("/voices/")
    give(page, speech / "woman_prompts.flac", "Allison")
    until(page, "Allison", "Ready", by_itself=True)
    page.reload()  # the preview is fetched when the voice is there
    listen = card(page, "Allison").get_by_role("button", name="Listen to Allison")
    listen.click()
    expect(listen).to_have_attribute("aria-pressed", "true")
    delete(page, "Allison")


def test_a_sample_is_recorded_there(beeping: Browser, product: Product, cookies: dict[str, object]) -> None:
    for page in new_page(beeping, product, storage_state=cookies):
        page.goto("/voices/")
        page.get_by_role("button", name="Record", exact=True).click()
        until_recorded(page, 1)
        expect(page.get_by_role("button", name="Stop")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_label("Your recording", exact=True)).to_be_visible()
        expect(page.get_by_role("button", name="Record", exact=True)).to_be_focused()
        page.get_by_label("Name", exact=True).last.fill("Too short")
        page.get_by_label("This is my own voice, or I may use it").check()
        page.get_by_role("button", name="Make the voice").click()
        page.wait_for_url("**/voices/")
        until(page, "Too short", "Refused", by_itself=True)
        expect(card(page, "Too short")).to_contain_text("at least 10 seconds of clear speech are needed")
        delete(page, "Too short")


def test_how_it_looks(look: Look, two_endpoints: None, product: Product, speech: Path, brief: Path) -> None:
    page = look.page
    allow(page, 422)
    page.goto("/voices/")
    expect(page.get_by_text("At ElevenLabs: it is made in the account there")).to_be_visible()
    look.take("voices-none")
    page.get_by_role("button", name="Make the voice").click()
    expect(page.get_by_text("It needs a name.")).to_be_visible()
    look.take("voices-refused")
    page.goto("/voices/")
    give(page, speech / "man_librivox.flac", "The reader")
    until(page, "The reader", "Ready", by_itself=True)
    give(page, brief, "A voice whose name is as long as names may be, of somebody who likes to say all of it")
    until(
        page,
        "A voice whose name is as long as names may be, of somebody who likes to say all of it",
        "Refused",
        by_itself=True,
    )
    with product.frozen("calls"):
        give(page, speech / "man_librivox.flac", "Still to be made")
        until(page, "Still to be made", "Being made", by_itself=True)
        page.locator(".voice-list summary").first.click()
        look.take("voices")
    for name in ("Still to be made", "The reader"):
        until(page, name, "Ready", by_itself=False)
        delete(page, name)
    delete(page, "A voice whose name is as long as names may be, of somebody who likes to say all of it")


@pytest.mark.usefixtures("two_endpoints")
def test_where_it_bills_it_is_confirmed(page: Page, speech: Path) -> None:
    allow(page, 422)
    page.goto("/voices/")
    page.get_by_label("Name", exact=True).fill("Dear")
    page.get_by_label("Made by").select_option("ElevenLabs")
    page.get_by_label("Recording of the voice").set_input_files(speech / "man_librivox.flac")
    page.get_by_label("This is my own voice, or I may use it").check()
    page.get_by_role("button", name="Make the voice").click()
    expect(page.get_by_text("The voice would be made in the account at ElevenLabs.")).to_be_visible()
    expect(page.get_by_label("Made by")).to_have_value(
        page.locator("option", has_text="ElevenLabs").get_attribute("value") or ""
    )
