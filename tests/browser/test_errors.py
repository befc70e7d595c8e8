"""What goes wrong is said where it went wrong, and nothing that was chosen is lost."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import with_and_without_scripts
from tests.browser.stage import set_stage
from tests.browser.studio import Recording, allow, choose, choose_voice, convert, file_button, wait_until
from tests.support.product import Product

EMPTY = Recording("empty.mp3", b"")
DAMAGED = Recording("notes.mp3", random.Random(1).randbytes(5000))
TOO_LARGE = Recording("long.wav", bytes(8 * 1024**2))


@with_and_without_scripts
def test_no_file_is_said_at_the_field(page: Page) -> None:
    allow(page, 422)
    page.goto("/")
    page.get_by_role("button", name="Convert").click()
    field = file_button(page)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(
        "Up to 6 hours and 5.0 MB each. Any format will do. Choose a recording first."
    )
    expect(field).to_be_focused()


@pytest.mark.usefixtures("at_rest")
def test_an_empty_file_is_refused_and_what_was_chosen_stays(page: Page, speech: Path) -> None:
    allow(page, 422)
    page.goto("/")
    choose_voice(page, "Lyra")
    choose(page, EMPTY)
    page.get_by_role("button", name="Convert").click()
    expect(page.get_by_text("This file is empty.")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Lyra")).to_be_checked()
    assert file_button(page).evaluate("(input) => input.files[0].name") == "empty.mp3"

    page.get_by_role("button", name="Remove empty.mp3").click()
    choose(page, speech / "interview.mp3")
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/conversions/*/")


def test_a_voice_that_has_gone_meanwhile_is_said_above_the_voices(
    page: Page, two_endpoints: None, product: Product, speech: Path
) -> None:
    allow(page, 422)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/")
    choose_voice(page, "Ana")
    choose(page, speech / "interview.mp3")
    set_stage(product, "no_second_endpoint")
    page.get_by_role("button", name="Convert").click()
    expect(page.get_by_text("This voice is no longer offered.")).to_be_in_viewport()


def test_a_file_that_is_too_large_is_not_even_sent(page: Page) -> None:
    page.goto("/")
    choose(page, TOO_LARGE)
    page.get_by_role("button", name="Convert").click()
    expect(page.get_by_role("alert")).to_contain_text("too large: at most 5.0 MB")
    expect(page.get_by_role("button", name="Convert")).to_be_visible()


def test_without_javascript_the_server_refuses_what_is_too_large(plain_page: Page) -> None:
    allow(plain_page, 413)
    plain_page.goto("/")
    choose(plain_page, TOO_LARGE)
    plain_page.get_by_role("button", name="Convert").click()
    expect(plain_page.get_by_role("alert")).to_contain_text("too large: at most 5.0 MB")


def test_an_upload_says_how_far_it_is_and_can_be_stopped(page: Page) -> None:
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 300_000}
    page.goto("/")
    choose(page, Recording("slow.wav", bytes(4 * 1024**2)))
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    page.get_by_role("button", name="Convert").click()
    expect(page.get_by_role("status").filter(has_text="Sending your recording.")).to_be_visible()
    expect(page.locator("#sending .percent")).to_have_text(re.compile(r"^([1-9]|[1-8][0-9])%$"))
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("alert")).to_contain_text("Stopped. It isn’t converted.")
    expect(page.locator("#sentence")).to_contain_text("slow.wav")


def test_what_nobody_can_read_fails_with_a_sentence_and_the_way_to_another_recording(page: Page) -> None:
    convert(page, DAMAGED)
    wait_until(page, "failed")
    expect(page.get_by_role("alert")).to_contain_text("It could not be converted.")
    expect(page).to_have_title("Failed – notes – Timbre")
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)  # it would fail again
    page.get_by_role("link", name="Choose another recording").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Change the voice, keep the performance")


def test_what_failed_on_the_way_can_be_tried_again(page: Page, product: Product) -> None:
    page.goto(f"/conversions/{set_stage(product, 'failed_on_the_way')}/")
    expect(page.get_by_role("alert")).to_contain_text("The endpoint refused it.")
    page.get_by_role("button", name="Retry").click()
    expect(page.locator(".timeline")).to_contain_text("pressed Retry")
    expect(page.locator("#arrival")).to_be_focused()


@pytest.mark.usefixtures("at_rest")
def test_a_lost_connection_keeps_the_file(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, speech / "interview.mp3")
    page.route("**/", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    page.get_by_role("button", name="Convert").click()
    expect(page.get_by_role("alert")).to_contain_text("The connection was lost")
    page.unroute("**/")
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/conversions/*/")
