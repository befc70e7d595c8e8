"""What is done with a conversion on its page: another name, deleting and undoing it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.studio import allow, choose, convert, named, open_options, wait_until


@pytest.fixture
def made(page: Page, brief: Path) -> str:
    address = convert(page, named(brief, "voice memo 7.mp3"))
    wait_until(page, "ready")
    return address


def test_a_name_is_changed_beside_it_and_a_bad_one_gets_a_sentence(page: Page, made: str) -> None:
    allow(page, 422)
    page.locator(".rename summary").click()
    field = page.get_by_label("Name", exact=True)
    expect(field).to_have_value("voice memo 7")
    field.fill("   ")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("It needs a name.")).to_be_visible()
    expect(field).to_be_focused()
    field.fill("Weather, <b>evening</b>")
    field.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Weather, <b>evening</b>")
    expect(page).to_have_title("Ready – Weather, <b>evening</b> – Timbre")
    expect(page.locator(".timeline")).to_contain_text("renamed it to “Weather, <b>evening</b>”")
    assert page.url.endswith(made)


def test_one_press_deletes_and_one_press_brings_it_back(page: Page, made: str) -> None:
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status").filter(has_text="was deleted.")).to_contain_text("“voice memo 7” was deleted.")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("“voice memo 7” is back.")).to_be_visible()
    assert page.url.endswith(made)

    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    page.goto("/history/")  # much later, say
    expect(page.get_by_role("link", name="voice memo 7", exact=True)).to_have_count(0)
    page.get_by_role("radio", name="Deleted").check(force=True)
    page.get_by_role("button", name="Bring back “voice memo 7”").first.click()
    expect(page.get_by_text("“voice memo 7” is back.")).to_be_visible()
    page.goto(made)
    expect(page.locator(".timeline")).to_contain_text("brought it back")


def test_what_can_not_be_brought_back_asks_first(page: Page, brief: Path) -> None:
    page.goto("/")
    open_options(page)
    page.get_by_label("Zero retention").check()
    choose(page, brief)
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/conversions/*/")
    wait_until(page, "ready")
    expect(page.locator(".rename")).to_have_count(0)
    page.locator("summary", has_text="Delete").click()
    page.get_by_role("button", name="Yes, delete it").click()
    expect(page.get_by_text("“Private recording” was deleted.")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)


def test_a_retake_stands_beside_the_first_take_equally_loud(page: Page, made: str) -> None:
    page.get_by_role("link", name="Retake").click()
    open_options(page)
    page.get_by_label("Format").select_option("wav_44100")
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/conversions/*/")
    wait_until(page, "ready")
    assert not page.url.endswith(made)
    expect(page.locator(".takes li")).to_have_count(2)
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_role("radio")).to_have_count(3)
    expect(page.get_by_label("same loudness")).to_be_visible()  # else nobody has measured it yet
    expect(page.get_by_label("same loudness")).to_be_checked()
    volumes = page.evaluate("[...document.querySelectorAll('#compare audio')].map((player) => player.volume)")
    assert max(volumes) == 1
    assert min(volumes) < 1

    page.get_by_role("link", name="Another voice").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Change the voice, keep the performance")
    assert page.url.endswith("&anew=voice#voice")
