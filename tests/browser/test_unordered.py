"""From the Studio straight to the page of parts: a recording is sent, listened to and marked before any of it is
converted."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import Look, in_two_kinds
from tests.browser.studio import Recording, allow, choose, file_button, row, to_parts, until_shelved, wait_until
from tests.browser.test_parts import rows
from tests.support.dialogue import RATE_HZ, conversation
from tests.support.product import CHECKOUT
from tests.support.sound import as_wav

SPEECH = CHECKOUT / "tests" / "data" / "speech" / "interview.mp3"
BUTTON = "Give parts or speakers voices of their own"


@pytest.fixture(scope="module")
def interview() -> Recording:
    samples, _said = conversation(["man_librivox", "woman_prompts"], 20)
    return Recording("two at a table.wav", as_wav(samples, RATE_HZ))


def go_to_parts(page: Page, *recordings: Recording) -> str:
    """From the Studio; its path."""
    page.goto("/")
    choose(page, *(recordings or (SPEECH,)))
    return to_parts(page)


def test_two_who_speak_get_voices_and_nothing_was_converted_before(page: Page, interview: Recording) -> None:
    allow(page, 422)  # what it will cost is asked while voices are still missing
    page.goto("/")
    for box in page.locator(".voice input:checked").all():
        box.uncheck()
    choose(page, interview)
    address = to_parts(page)  # no voice is ticked
    page.get_by_role("button", name="Find speakers").click()
    # What is found fills itself in, and is said.
    expect(page.locator("#announcement")).to_have_text(
        "2 speakers were found. Listen to each, correct what isn’t right, and choose their voices. "
        "What was found is filled in below."
    )
    assert {who for _start, _end, who in rows(page)} == {"Speaker 1", "Speaker 2"}
    assert page.locator("#lane rect").count() == len(rows(page))
    expect(page.get_by_role("link", name="Begin again with what was found")).to_be_visible()
    page.get_by_role("button", name="Listen to Speaker 2").click()
    page.wait_for_function("() => document.querySelector('audio').currentTime > 2")
    page.locator("#id_speaker-0-voice").select_option(label="Lyra")
    page.locator("#id_speaker-1-voice").select_option(label="Nora")
    expect(page.locator("#summary-words")).to_contain_text("2 voices: Lyra and Nora.")
    page.get_by_role("button", name="Convert", exact=True).click()
    page.wait_for_url("**/conversions/*/")
    assert page.url.endswith(address.removesuffix("parts/"))
    wait_until(page, "ready")
    expect(page.locator("#facts")).to_contain_text("Lyra and Nora")
    page.goto("/history/")
    assert page.locator("td.what", has_text="two at a table").count() == 1


def test_where_something_is_marked_what_is_found_waits_to_be_asked_for(page: Page, interview: Recording) -> None:
    allow(page, 422)
    go_to_parts(page, interview)
    page.get_by_label("Speaker 1", exact=True).fill("Anna")
    page.get_by_role("button", name="Find speakers").click()
    expect(page.locator("#announcement")).to_contain_text("Press “Show what was found”")
    assert rows(page) == []
    page.get_by_role("link", name="Show what was found").click()
    expect(page.get_by_role("link", name="Begin again with what was found")).to_be_visible()
    page.wait_for_load_state()
    assert len(rows(page)) > 1


def test_one_is_taken_and_the_others_stay_in_the_list(page: Page, interview: Recording) -> None:
    page.goto("/")
    choose(page, interview, Recording("another.wav", interview.content[: len(interview.content) // 2]))
    until_shelved(page, 2)
    to_parts(page)
    until_shelved(page, 1)
    page.goto("/")
    expect(row(page, "another.wav")).to_be_visible()
    page.get_by_role("button", name="Remove another.wav").click()


def test_it_is_in_the_history_and_deleted_from_its_page(page: Page) -> None:
    address = go_to_parts(page)
    page.goto("/history/?state=unordered")
    found = page.locator("tr", has=page.locator(f'a[href="{address.removesuffix("parts/")}"]'))
    expect(found).to_contain_text("Not converted yet")
    found.get_by_role("link").click()
    page.wait_for_url(f"**{address}")
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url("**/history/**")
    expect(page.get_by_role("button", name="Undo")).to_be_focused()


def test_without_a_script_it_is_sent_and_marked_too(plain_page: Page) -> None:
    page = plain_page
    page.goto("/")
    file_button(page).set_input_files(SPEECH)
    page.get_by_role("button", name=BUTTON).click()
    page.wait_for_url("**/conversions/*/parts/")
    expect(page.locator("#parts")).to_be_visible(timeout=30_000)  # it reloads itself until the recording is read
    page.get_by_label("From").first.fill("0:02")
    page.get_by_label("To").first.fill("4")
    page.locator("#id_part-0-who").select_option(label="Speaker 1")
    page.locator("#id_speaker-0-voice").select_option(label="Lyra")
    page.get_by_role("button", name="Convert", exact=True).click()
    page.wait_for_url(lambda url: "/parts/" not in url)


@in_two_kinds
def test_how_it_looks(look: Look) -> None:
    page = look.page
    page.goto("/")
    choose(page, SPEECH)
    look.take("studio-for-parts")
    go_to_parts(page)
    look.take("unordered-parts")
    page.goto("/history/?state=unordered")
    look.take("history-unordered")
