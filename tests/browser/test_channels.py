"""An interview with one person on each channel: each side gets a voice of its own."""

from __future__ import annotations

import av
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import new_page
from tests.browser.looks import Look, in_two_kinds
from tests.browser.studio import Recording, allow, choose, to_parts, wait_until
from tests.support.dialogue import RATE_HZ, speech_of
from tests.support.product import Product
from tests.support.sound import as_wav

LENGTH_S = 6


@pytest.fixture(scope="module")
def interview(chromium: Browser, product: Product, cookies: dict[str, object]) -> str:
    """The page of parts of one that nobody has converted yet."""
    sides = np.zeros((2, LENGTH_S * RATE_HZ), np.float32)
    half = sides.shape[1] // 2
    sides[0, :half] = np.resize(speech_of("man_librivox"), half)
    sides[1, half:] = np.resize(speech_of("woman_prompts"), half)
    for page in new_page(chromium, product, storage_state=cookies):
        page.goto("/")
        choose(page, Recording("left and right.wav", as_wav(sides, RATE_HZ)))
        address = to_parts(page)
    return address


def by_channels(page: Page, address: str) -> None:
    allow(page, 422)  # until a voice is chosen
    page.goto(address)
    expect(page.locator(".by-channels")).to_be_hidden()
    page.get_by_label("Left and right channel").check()
    page.get_by_label("Left channel", exact=True).select_option(label="Lyra")
    page.get_by_label("Right channel", exact=True).select_option(label="Nora")
    expect(page.locator("#summary-words")).to_contain_text("Two channels of 0:06 make 0:12 that is converted.")


def test_what_both_channels_cost_is_said_in_credits_before_anything_is_sent(
    page: Page, interview: str, two_endpoints: None
) -> None:
    allow(page, 422)
    page.goto(interview)
    page.get_by_label("Left and right channel").check()
    page.get_by_label("Left channel", exact=True).select_option(label="Ana")
    expect(page.locator("#summary-words")).to_contain_text("It costs about 100 credits.")
    page.get_by_label("Right channel", exact=True).select_option(label="Otis")
    expect(page.locator("#summary-words")).to_contain_text(
        "Two channels of 0:06 make 0:12 that is converted. It costs about 200 credits."
    )
    expect(page.get_by_role("button", name="Convert", exact=True)).to_be_visible()


@in_two_kinds
def test_how_it_looks(look: Look, interview: str) -> None:
    by_channels(look.page, interview)
    look.take("parts-channels")


def test_the_keyboard_chooses_channels_and_takes_it_back(page: Page, interview: str) -> None:
    allow(page, 422)
    page.goto(interview)
    page.get_by_label("Parts of it").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".by-channels")).to_be_visible()
    expect(page.locator(".by-parts")).to_be_hidden()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".by-parts")).to_be_visible()
    expect(page.get_by_label("Left channel", exact=True)).to_be_hidden()


MARKING = ("#lane", "#marking", "#search")


def test_what_marks_parts_is_there_for_parts_alone(page: Page, interview: str) -> None:
    allow(page, 422)
    page.goto(interview)
    for place in MARKING:
        expect(page.locator(place)).to_be_visible()
    page.get_by_label("Left and right channel").check()
    for place in MARKING:
        expect(page.locator(place)).to_be_hidden()
    page.locator("#seek").focus()
    page.keyboard.press("b")
    page.keyboard.press("e")
    expect(page.locator("#announcement")).to_have_text("")
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_contain_text("Play, pause")
    expect(page.locator("dialog[open]")).not_to_contain_text("A part begins where the player is", use_inner_text=True)
    page.keyboard.press("Escape")
    page.get_by_label("Parts of it").check()
    for place in MARKING:
        expect(page.locator(place)).to_be_visible()
    assert page.locator("[data-part] input[type=text]").evaluate_all("(all) => all.every((one) => !one.value)")


def test_who_chooses_channels_stays_where_they_are(page: Page, interview: str) -> None:
    allow(page, 422)
    page.goto(interview)
    choice = page.get_by_label("Left and right channel")
    choice.scroll_into_view_if_needed()
    choice.check()
    expect(page.locator("#search")).to_be_hidden()
    expect(choice).to_be_in_viewport()


def test_without_a_script_what_marks_parts_is_not_there_either(plain_page: Page, interview: str) -> None:
    plain_page.goto(interview)
    expect(plain_page.get_by_role("button", name="Find speakers")).to_be_visible()
    plain_page.get_by_label("Left and right channel").check()
    expect(plain_page.get_by_role("button", name="Find speakers")).to_be_hidden()


def test_without_a_script_what_it_comes_to_is_asked_for(plain_page: Page, interview: str) -> None:
    page = plain_page
    page.goto(interview)
    page.get_by_label("Left and right channel").check()
    page.get_by_label("Left channel", exact=True).select_option(label="Lyra")
    page.get_by_role("button", name="What will it cost?").click()
    expect(page.locator("#summary-words")).to_contain_text("1 voice: Lyra.")
    expect(page.get_by_label("Left channel", exact=True)).to_be_visible()  # what was chosen is chosen still


def test_both_sides_are_converted_and_come_back_stereo(page: Page, interview: str) -> None:
    by_channels(page, interview)
    page.get_by_role("button", name="Convert", exact=True).click()
    page.wait_for_url(lambda url: "/parts/" not in url)
    wait_until(page, "ready")
    facts = page.locator("#facts")
    expect(facts).to_contain_text("Left channel")
    expect(facts).to_contain_text("Right channel")
    expect(page.locator("#pieces-map rect")).to_have_count(2)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download MP3").click()
    with av.open(str(download.value.path())) as result:
        assert result.streams.audio[0].channels == 2
