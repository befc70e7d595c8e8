"""Compare: several takes on one transport, at one place and one loudness, by mouse and by keyboard."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import new_page
from tests.browser.stage import set_stage
from tests.browser.studio import convert, wait_until
from tests.support.product import CHECKOUT, Product

LENGTH_S = 17.35
SPEECH = CHECKOUT / "tests" / "data" / "speech" / "woman_prompts.flac"


@pytest.fixture(scope="module")
def takes(chromium: Browser, product: Product, cookies: dict[str, object]) -> list[str]:
    """Four takes of a recording of -14 LUFS: Nora -17, Atlas -20, Lyra -23, and Nora of whom it isn't known."""
    for page in new_page(chromium, product, storage_state=cookies):
        convert(page, SPEECH, voice="Nora")
        wait_until(page, "ready")
        # The page has the loudness measured: what is staged would be overwritten by that.
        expect(page.get_by_label("same loudness")).to_be_visible()
    return [f"/conversions/{identifier}/" for identifier in set_stage(product, "takes")]


def ids(takes: list[str]) -> list[str]:
    return [address.split("/")[2] for address in takes]


@pytest.fixture
def compared(page: Page, takes: list[str]) -> Page:
    """The first take's page, and two others on its transport."""
    _first, second, third, _fourth = ids(takes)
    page.goto(f"{takes[0]}?with={second}&with={third}")
    expect(page.get_by_role("radio")).to_have_count(4)
    page.wait_for_function("() => [...document.querySelectorAll('audio')].every((player) => player.readyState >= 1)")
    return page


def state(page: Page) -> dict[str, Any]:
    """What the players do, in their order: places, volumes, who plays, and what the transport says."""
    return page.evaluate(  # type: ignore[no-any-return]
        """() => {
            const players = [...document.querySelectorAll("#compare audio")];
            return {
                places: players.map((player) => player.currentTime),
                volumes: players.map((player) => player.volume),
                playing: players.flatMap((player, index) => (player.paused ? [] : [index])),
                chosen: [...document.querySelectorAll("[name=track]")].findIndex((radio) => radio.checked),
                position: Number(document.querySelector("#compare").dataset.position),
            };
        }"""
    )


def until_playing(page: Page, index: int) -> None:
    page.wait_for_function(
        "(index) => { const player = document.querySelectorAll('#compare audio')[index];"
        " return !player.paused && player.readyState > 2 && !player.seeking; }",
        arg=index,
    )


def seek(page: Page, seconds: float) -> None:
    page.get_by_role("slider", name="Position").fill(str(seconds))


def test_one_plays_at_a_time_and_the_next_goes_on_at_the_same_place(compared: Page) -> None:
    page = compared
    expect(page.locator("audio:visible")).to_have_count(0)  # the browser's own players have stepped back
    seek(page, 6)
    page.get_by_role("button", name="Play", exact=True).click()
    until_playing(page, 1)  # the result, not the original
    began, before = time.monotonic(), state(page)
    page.get_by_role("radio", name="Atlas, take 2").check(force=True)
    until_playing(page, 2)
    after, took_s = state(page), time.monotonic() - began
    assert after["playing"] == [2]
    assert before["places"][1] >= 6
    assert before["places"][1] <= after["places"][2] < before["places"][1] + took_s + 0.5
    page.get_by_role("button", name="Pause", exact=True).click()
    assert state(page)["playing"] == []


def test_all_play_as_loud_as_the_quietest_until_one_says_otherwise(compared: Page) -> None:
    page = compared
    gains_db = [-9, -6, -3, 0]  # to -23 LUFS
    assert state(page)["volumes"] == pytest.approx([10 ** (gain / 20) for gain in gains_db], abs=0.001)
    page.get_by_label("same loudness").uncheck()
    assert state(page)["volumes"] == [1, 1, 1, 1]
    page.get_by_label("same loudness").check()
    assert state(page)["volumes"][0] == pytest.approx(0.3548, abs=0.001)


def test_nothing_is_claimed_where_the_loudness_is_not_known(page: Page, takes: list[str]) -> None:
    page.route("**/loudness/**", lambda route: route.fulfill(json={"lufs": None}))  # as of a file that is gone
    with page.expect_response("**/loudness/**") as asked:
        page.goto(takes[3])
    asked.value.finished()
    page.evaluate("new Promise((done) => setTimeout(done))")  # what the page makes of the answer is made of it
    expect(page.get_by_role("radio")).to_have_count(2)
    expect(page.get_by_label("same loudness")).to_be_hidden()
    assert state(page)["volumes"] == [1, 1]


def test_everything_goes_by_keyboard(compared: Page) -> None:
    page = compared
    place = page.locator("#compare")
    for key, seconds in (
        ("ArrowRight", "5.00"),
        ("ArrowRight", "10.00"),
        ("Shift+ArrowRight", "11.00"),
        (".", "12.00"),
        (",", "11.00"),
        ("Shift+ArrowLeft", "10.00"),
        ("ArrowLeft", "5.00"),
        ("End", "17.35"),
        ("ArrowRight", "17.35"),
        ("Home", "0.00"),
        ("ArrowLeft", "0.00"),
    ):
        page.keyboard.press(key)
        expect(place).to_have_attribute("data-position", seconds)
    for key, chosen in (("x", 2), ("X", 3), ("x", 0), ("4", 3), ("1", 0), ("9", 0), ("2", 1)):
        page.keyboard.press(key)
        assert state(page)["chosen"] == chosen, key
    page.keyboard.press("Space")
    until_playing(page, 1)
    page.keyboard.press("Space")
    assert state(page)["playing"] == []


def test_the_slider_says_where_it_is_and_keeps_its_keys_without_shortcuts(compared: Page) -> None:
    page = compared
    page.evaluate("document.body.dataset.shortcuts = 'off'")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    assert (state(page)["position"], state(page)["chosen"]) == (0, 1)
    slider = page.get_by_role("slider", name="Position")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "6 sec of 17 sec")
    page.keyboard.press("x")
    assert state(page)["chosen"] == 1


def test_keys_keep_their_own_meaning_where_one_types_or_chooses(compared: Page) -> None:
    page = compared
    page.locator(".rename summary").click()
    field = page.get_by_label("Name", exact=True)
    field.fill("")
    field.press_sequentially("x 1.,")
    expect(field).to_have_value("x 1.,")
    page.get_by_role("radio", name="Original").focus()
    page.keyboard.press("ArrowRight")  # to the next of the group, as radios do
    assert (state(page)["chosen"], state(page)["position"]) == (1, 0)
    page.get_by_role("link", name="Retake").focus()
    page.keyboard.press("Control+x")
    assert state(page)["chosen"] == 1


def test_a_click_on_a_waveform_goes_there_and_zoomed_in_it_goes_finer(compared: Page) -> None:
    page = compared
    wave = page.locator(".track.target .waveform").first
    box = wave.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 20)
    assert state(page)["position"] == pytest.approx(LENGTH_S / 2, abs=0.05)

    coarse = wave.locator("path").get_attribute("d")
    for _ in range(2):
        page.get_by_role("button", name="Zoom in").click()
    expect(page.locator("#compare")).to_have_attribute("data-zoom", "4.00")
    expect(wave.locator("path")).not_to_have_attribute("d", str(coarse))
    # What was in the middle still is, and a quarter of the whole is seen.
    begin = float(str(page.locator("#compare").get_attribute("data-from")))
    assert begin == pytest.approx(LENGTH_S / 2 - LENGTH_S / 8, abs=0.05)
    expect(page.locator("#zoomed")).to_have_text("0:07 – 0:11")
    page.mouse.click(box["x"], box["y"] + 20)
    assert state(page)["position"] == pytest.approx(begin, abs=0.05)
    shown = page.evaluate(
        """() => [...document.querySelectorAll(".waveform")].map((svg) => {
            const box = svg.viewBox.baseVal;
            return (Number(svg.querySelector(".head").getAttribute("x1")) - box.x) / box.width;
        })"""
    )
    assert shown == pytest.approx([0, 0, 0, 0], abs=0.01)

    page.keyboard.press("End")  # the window follows
    assert float(str(page.locator("#compare").get_attribute("data-from"))) == pytest.approx(LENGTH_S * 0.75, abs=0.05)
    for _ in range(9):
        page.keyboard.press("+")
    assert float(str(page.locator("#compare").get_attribute("data-zoom"))) == pytest.approx(LENGTH_S / 4, abs=0.01)
    expect(page.get_by_role("button", name="Zoom in")).to_have_attribute("aria-disabled", "true")
    page.get_by_role("button", name="Show all of it").click()
    expect(wave.locator("path")).to_have_attribute("d", str(coarse))


def test_the_window_scrolls_with_the_playhead_and_the_wheel(compared: Page) -> None:
    page = compared
    page.emulate_media(reduced_motion="no-preference")
    wave = page.locator(".waveform").first
    wave.hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -400)
    page.keyboard.up("Control")
    expect(page.locator("#compare")).to_have_attribute("data-zoom", "4.00")
    page.mouse.wheel(300, 0)
    page.wait_for_function("() => Number(document.querySelector('#compare').dataset.from) > 7")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("() => Number(document.querySelector('#compare').dataset.from) < 1")  # where it sounds


def test_takes_stand_side_by_side_and_one_more_is_heard_from_where_one_was(page: Page, takes: list[str]) -> None:
    page.goto(takes[2])
    listed = page.locator(".takes li")
    expect(listed).to_have_count(4)
    expect(listed.nth(2)).to_contain_text("Lyra, take 3 this one")
    expect(listed.nth(1)).to_contain_text("Seed: 7")
    expect(listed.nth(3)).to_contain_text("Format: MP3, small (64 kbit/s)")
    expect(page.get_by_role("radio")).to_have_count(2)
    seek(page, 8.5)
    page.get_by_role("link", name="Compare Atlas, take 2").click()
    expect(page.get_by_role("radio", name="Atlas, take 2")).to_be_attached()
    expect(page.locator("#compare")).to_have_attribute("data-position", "8.50")
    for name in ("Nora, take 1", "Nora, take 4"):
        page.get_by_role("link", name=f"Compare {name}").click()
        expect(page.get_by_role("radio", name=name)).to_be_attached()  # else its script doesn't know yet where one was
    expect(page.get_by_role("radio")).to_have_count(5)
    page.get_by_role("link", name="Leave out Atlas, take 2").click()
    expect(page.get_by_role("radio")).to_have_count(4)
    expect(page.locator("#compare")).to_have_attribute("data-position", "8.50")
    page.get_by_role("link", name="Nora, take 1", exact=True).click()
    expect(page.locator(".takes .here")).to_contain_text("Nora, take 1")


def test_without_javascript_the_players_stand_one_below_the_other(plain_page: Page, takes: list[str]) -> None:
    page = plain_page
    page.goto(f"{takes[0]}?with={ids(takes)[1]}")
    expect(page.locator("audio:visible")).to_have_count(3)
    expect(page.get_by_role("slider", name="Position")).to_be_hidden()
    page.get_by_role("link", name="Leave out Atlas, take 2").click()
    expect(page.locator("audio:visible")).to_have_count(2)


def test_what_the_browser_can_not_play_says_so_and_the_other_plays(page: Page, speech: Path) -> None:
    convert(page, speech / "interview.mp3", voice="Nora", output_format="ulaw_8000")
    wait_until(page, "ready")
    expect(page.get_by_text("Browsers can’t play µ-law.")).to_be_visible()
    expect(page.get_by_role("group", name="Listen to")).to_be_hidden()
    page.get_by_role("link", name="To listen here, make it in another format.").click()
    expect(page.get_by_role("combobox", name="Format")).to_be_visible()
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("Space")
    until_playing(page, 0)
