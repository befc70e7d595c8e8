"""A film is watched on its page: by itself, and with its pictures following the transport, while one compares."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import Look, in_two_kinds

PATIENCE_MS = 60_000


@pytest.fixture
def shown(page: Page, filmed: str) -> Page:
    page.goto(filmed)
    page.wait_for_function("() => document.querySelector('#film video').readyState >= 2")
    page.wait_for_function(
        "() => [...document.querySelectorAll('#compare audio')].every((player) => player.readyState >= 1)"
    )
    return page


def film(page: Page) -> dict[str, object]:
    return page.evaluate(  # type: ignore[no-any-return]
        """() => {
            const video = document.querySelector("#film video");
            return { paused: video.paused, muted: video.muted, controls: video.controls, width: video.videoWidth };
        }"""
    )


def test_it_is_seen_and_downloaded_and_the_sound_alone_too(shown: Page) -> None:
    assert film(shown)["width"] == 96
    with shown.expect_download() as waiting:
        shown.get_by_role("link", name="Download film").click()
    assert waiting.value.suggested_filename == "harbour – Nora.webm"
    assert Path(waiting.value.path()).read_bytes()[:4] == b"\x1a\x45\xdf\xa3"
    with shown.expect_download() as waiting:
        shown.get_by_role("link", name="Sound alone").click()
    assert waiting.value.suggested_filename == "harbour – Nora.mp3"


def test_its_pictures_follow_the_transport_and_leave_the_sound_to_it(shown: Page) -> None:
    shown.get_by_role("slider", name="Position").fill("2")
    shown.wait_for_function("() => Math.abs(document.querySelector('#film video').currentTime - 2) < 0.2")
    assert film(shown)["paused"]
    shown.get_by_role("button", name="Play", exact=True).click()
    shown.wait_for_function(
        """() => {
            const [video, compare] = [document.querySelector("#film video"), document.querySelector("#compare")];
            const behind = Math.abs(video.currentTime - Number(compare.dataset.position));
            return !video.paused && compare.dataset.position > 2.3 && behind < 0.2;
        }"""
    )
    assert (film(shown)["muted"], film(shown)["controls"]) == (True, False)
    shown.get_by_role("button", name="Pause", exact=True).click()
    shown.wait_for_function("() => document.querySelector('#film video').paused")
    assert (film(shown)["muted"], film(shown)["controls"]) == (False, True)


def test_played_by_itself_it_sounds_alone(shown: Page) -> None:
    shown.get_by_role("button", name="Play", exact=True).click()
    shown.wait_for_function("() => !document.querySelector('#film video').paused")
    shown.get_by_role("button", name="Pause", exact=True).click()
    shown.wait_for_function("() => document.querySelector('#film video').paused")
    shown.evaluate("document.querySelector('#film video').play()")
    shown.wait_for_function("() => !document.querySelector('#film video').paused")
    assert film(shown)["muted"] is False
    assert shown.evaluate("[...document.querySelectorAll('#compare audio')].every((player) => player.paused)")


def test_without_a_script_it_is_watched_and_downloaded(plain_page: Page, filmed: str) -> None:
    plain_page.goto(filmed)
    expect(plain_page.locator("#film video[controls]")).to_be_visible()
    expect(plain_page.get_by_role("link", name="Download film")).to_be_visible()


@in_two_kinds
def test_how_it_looks(look: Look, filmed: str) -> None:
    look.page.goto(filmed)
    look.page.wait_for_function("() => document.querySelector('#film video').readyState >= 2")
    look.take("conversion-film")
