"""Presets: a press away, saved without losing what was chosen, looked after on their own page."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import with_and_without_scripts
from tests.browser.studio import allow, choose, choose_voice, open_options


@with_and_without_scripts
def test_a_preset_fills_the_options(page: Page, page_kind: str, speech: Path) -> None:
    page.goto("/")
    if page_kind == "page":
        choose(page, speech / "interview.mp3")
    page.get_by_role("link", name="Phone system").click()
    open_options(page)
    expect(page.get_by_label("Format", exact=True)).to_have_value("ulaw_8000")
    expect(page.get_by_label("Stability", exact=True)).to_have_value("0.7")
    expect(page.get_by_role("link", name="Phone system")).to_have_attribute("aria-current", "true")
    if page_kind == "page":
        expect(page.locator(".file .name")).to_have_text("interview.mp3")  # the page was not left
        expect(page.locator("#chosen-options")).to_contain_text("µ-law")
        page.get_by_role("link", name="Clean up old audio").click()
        expect(page.get_by_label("Format", exact=True)).to_have_value("wav_44100")
        expect(page.get_by_label("Change the voice's own settings")).not_to_be_checked()
        page.get_by_label("Format", exact=True).select_option("opus_48000_64")
        expect(page.get_by_role("link", name="Clean up old audio")).not_to_have_attribute("aria-current", "true")


@pytest.mark.usefixtures("at_rest", "noise_stays")
@with_and_without_scripts
def test_what_a_preset_has_and_the_voice_has_not_is_left_out_and_said(
    page: Page, page_kind: str, two_endpoints: None, speech: Path
) -> None:
    page.goto("/")
    nora = page.get_by_role("checkbox", name="Nora").get_attribute("value")
    page.goto(f"/?voice={nora}")
    noise, left_out = page.locator("[name=remove_background_noise]"), page.locator("#left-out")
    expect(left_out).to_be_hidden()
    if page_kind == "page":
        page.get_by_role("link", name="Clean up old audio").click()
    else:
        page.goto(f"/?voice={nora}&preset=cleanup")
    expect(left_out).to_have_text("Left out: Remove background noise. Not available at Local engine.")
    expect(left_out).to_be_visible()
    expect(noise).not_to_be_checked()
    expect(page.get_by_label("Format", exact=True)).to_have_value("wav_44100")
    if page_kind == "page":
        expect(page.locator("#chosen-options")).to_have_text("WAV, 44.1 kHz")
        choose_voice(page, "Ana")  # it comes back with a voice that can
        expect(noise).to_be_checked()
        expect(left_out).to_be_hidden()
        expect(page.locator("#chosen-options")).to_have_text("WAV, 44.1 kHz · noise removed")
        choose_voice(page, "Nora")
        page.get_by_role("link", name="Localisation").click()  # which has no noise to remove
        expect(left_out).to_be_hidden()
        page.goto(f"/?voice={nora}&preset=cleanup")
        expect(left_out).to_contain_text("Remove background noise")
        choose_voice(page, "Ana")
        expect(noise).to_be_checked()
        choose_voice(page, "Nora")
    choose(page, speech / "interview.mp3")
    page.get_by_role("button", name="Convert").click()  # what isn't there is refused nowhere
    page.wait_for_url("**/conversions/*/")
    expect(page.locator(".facts")).not_to_contain_text("Remove background noise")


def test_a_preset_leaves_alone_who_may_see_the_result(page: Page) -> None:
    page.goto("/")
    open_options(page)
    page.get_by_label("Only I can see it").check()
    page.get_by_label("Zero retention").check()
    page.get_by_role("link", name="Phone system").click()
    expect(page.get_by_label("Format", exact=True)).to_have_value("ulaw_8000")
    expect(page.get_by_label("Only I can see it")).to_be_checked()
    expect(page.get_by_label("Zero retention")).to_be_checked()


def test_one_is_saved_used_renamed_made_the_beginning_and_deleted(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, speech / "interview.mp3")
    open_options(page)
    page.get_by_label("Format", exact=True).select_option("opus_48000_64")
    page.get_by_label("Change the voice's own settings").check()
    page.get_by_label("Stability", exact=True).fill("0.9")
    page.locator("summary", has_text="Save as a preset").click()
    allow(page, 422)
    page.get_by_role("button", name="Save preset").click()
    expect(page.get_by_text("Give the preset a name.")).to_be_visible()
    name = page.locator("#preset_name")
    name.fill("Jingles")
    page.get_by_label("For everyone in the team").check()
    name.press("Enter")
    expect(page.get_by_text("“Jingles” was saved.")).to_be_visible()
    expect(page.get_by_role("link", name="Jingles")).to_have_attribute("aria-current", "true")
    expect(page.locator(".file .name")).to_have_text("interview.mp3")

    page.goto("/presets/")
    item = page.locator(".preset-list li", has_text="Jingles")
    expect(item).to_contain_text("For everyone in the team")
    item.get_by_role("button", name="Begin with it").press("Enter")
    expect(item.get_by_role("button", name="Your Studio begins with it")).to_be_visible()
    page.goto("/")
    expect(page.get_by_label("Stability", exact=True)).to_have_value("0.9")
    page.goto("/presets/")
    item.locator("summary").click()
    item.get_by_label("Name").fill("Short jingles")
    item.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="“Short jingles” was changed.")).to_be_focused()
    item.locator("summary").click()
    item.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status").filter(has_text="“Short jingles” was deleted.")).to_be_focused()
    page.goto("/")
    expect(page.get_by_label("Change the voice's own settings")).not_to_be_checked()


def test_a_double_press_saves_one_under_the_very_name(page: Page) -> None:
    page.goto("/")
    open_options(page)
    page.locator("summary", has_text="Save as a preset").click()
    page.locator("#preset_name").fill("Two $& more")
    sent: list[Route] = []

    def hold(route: Route) -> None:
        sent.append(route)

    page.route("**/presets/", hold)
    with page.expect_request("**/presets/"):
        page.get_by_role("button", name="Save preset").dblclick()
    page.get_by_role("button", name="Save preset").click()
    expect(page.locator("#preset_name")).to_have_value("Two $& more")
    assert len(sent) == 1
    sent[0].continue_()
    expect(page.get_by_text("“Two $& more” was saved.")).to_be_visible()
    expect(page.get_by_role("link", name="Two $& more")).to_have_count(1)


def test_without_javascript_a_preset_is_saved_too(plain_page: Page) -> None:
    page = plain_page
    page.goto("/")
    open_options(page)
    page.get_by_label("Format", exact=True).select_option("opus_48000_64")
    page.locator("summary", has_text="Save as a preset").click()
    page.locator("#preset_name").fill("Plain")
    page.get_by_role("button", name="Save preset").click()
    expect(page.get_by_role("link", name="Plain")).to_have_attribute("aria-current", "true")
    expect(page.get_by_label("Format", exact=True)).to_have_value("opus_48000_64")
