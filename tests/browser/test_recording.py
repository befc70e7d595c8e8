"""The microphone: what is said into it is recorded, heard, sent, and comes back in another voice."""

from __future__ import annotations

import re
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from s2s.audio import decode
from s2s.audio.envelope import correlation, envelope
from tests.browser.conftest import launch, new_page
from tests.browser.looks import Look
from tests.browser.studio import (
    choose,
    file_button,
    open_options,
    play,
    row,
    shelved,
    sign_in,
    until_recorded,
    until_shelved,
    wait_until,
)
from tests.support.product import CHECKOUT, Product

RATE_HZ = 48_000
PAUSE_S = 1.5
FAKE_MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


def samples_of(path: Path) -> NDArray[np.float32]:
    with path.open("rb") as file:
        return np.concatenate(list(decode(file, sample_rate_hz=RATE_HZ)))


def shape_of(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return envelope([samples], RATE_HZ)


def likeness(recording: Path, spoken: NDArray[np.float32]) -> float:
    """How well the recording follows the best fitting stretch of what was spoken over and over; 1 at most."""
    heard = shape_of(samples_of(recording))[10:-10]  # without the first and last 0.2 s
    said = np.tile(shape_of(spoken), 3)
    return max(correlation(heard, said[start : start + len(heard)]) for start in range(len(said) // 2))


def write_wav(path: Path, samples: NDArray[np.floating]) -> Path:
    """Mono, 16 bit; what is beyond full scale is clipped."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture(scope="module")
def spoken() -> NDArray[np.float32]:
    return samples_of(CHECKOUT / "tests" / "data" / "speech" / "interview.mp3")


@pytest.fixture(scope="module")
def speaking(
    chromium: Browser, spoken: NDArray[np.float32], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """A browser into whose microphone someone speaks without end."""
    path = write_wav(tmp_path_factory.mktemp("microphone") / "speech.wav", spoken)
    browser = launch(chromium.browser_type, *FAKE_MICROPHONE, f"--use-file-for-fake-audio-capture={path}")
    yield browser
    browser.close()


@pytest.fixture
def speaker(speaking: Browser, product: Product, cookies: dict[str, object]) -> Iterator[Page]:
    """Alice's page in that browser, on which the level moves."""
    yield from new_page(speaking, product, storage_state=cookies, reduced_motion="no-preference")


def start_recording(page: Page, seconds: int) -> None:
    """Press Record and go on until so much is recorded."""
    page.get_by_role("button", name=re.compile("^Record$|^Record again$")).click()
    until_recorded(page, seconds)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def record_with_a_pause(page: Page) -> None:
    """What is heard of it is as long as it was recorded, and no longer."""
    began = time.monotonic()
    start_recording(page, 1)
    expect(page.get_by_role("status").filter(has_text="Recording")).to_have_count(1)
    press(page, "Pause")
    Look(page).take("studio-recording", whole=False)
    stands_at = page.get_by_role("timer").inner_text()
    page.wait_for_timeout(PAUSE_S * 1000)  # which isn't recorded
    expect(page.get_by_role("timer")).to_have_text(stands_at)
    press(page, "Go on")
    until_recorded(page, 2)
    press(page, "Stop")
    expect(page.get_by_role("button", name="Use this recording")).to_be_focused()
    took_s = time.monotonic() - began
    Look(page).take("studio-recorded", whole=False)
    heard = play(page, "Your recording")
    assert 1.7 < heard["duration"] < took_s - PAUSE_S + 0.2


def test_what_is_said_into_the_microphone_comes_back_in_another_voice(
    speaker: Page, spoken: NDArray[np.float32], tmp_path: Path
) -> None:
    page = speaker
    page.goto("/")
    record_with_a_pause(page)
    start_recording(page, 4)  # the first one is gone
    press(page, "Stop")
    press(page, "Use this recording")
    expect(page.locator(".file")).to_have_count(1)
    name = page.locator(".file .name").inner_text()
    assert re.fullmatch(r"Recording \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d", name)
    expect(row(page, name)).to_contain_text(re.compile("0:(0[4-9]|[1-5][0-9])"))
    expect(page.locator("#sentence")).to_contain_text(re.compile(rf"{re.escape(name)} \(\d+ sec\) will be spoken by"))

    open_options(page)
    page.get_by_label("Format", exact=True).select_option("wav_48000")
    press(page, "Convert")
    page.wait_for_url("**/conversions/*/")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    wait_until(page, "ready")
    for link, file in (("Download the original", "recorded.webm"), ("Download WAV", "result.wav")):
        with page.expect_download() as download:
            page.get_by_role("link", name=link).click()
        download.value.save_as(tmp_path / file)
    assert likeness(tmp_path / "recorded.webm", spoken) > 0.9
    assert likeness(tmp_path / "result.wav", spoken) > 0.8
    assert likeness(tmp_path / "result.wav", spoken[::-1].copy()) < 0.7  # it is no accident

    page.goto("/")
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_visible()
    expect(page.locator(".file")).to_have_count(0)  # what was sent isn't kept


def test_a_reload_in_the_middle_of_recording_loses_nothing_and_shows_it_to_nobody_else(
    speaking: Browser, product: Product, people: dict[str, str]
) -> None:
    for page in new_page(speaking, product):
        page.on("dialog", lambda dialog: dialog.accept())
        sign_in(page, product.url, product.admin_email, product.admin_password)
        start_recording(page, 3)
        until_shelved(page, 1)
        page.reload()
        interrupted = page.locator(".file")
        expect(interrupted).to_contain_text("The page was left while this was being recorded.")
        # A second is lost at most.
        expect(interrupted.locator(".facts")).to_have_text(re.compile(r"^0:(0[2-9]|[1-5][0-9]) · "))

        page.context.clear_cookies()
        sign_in(page, product.url, people["bob"], product.admin_password)
        expect(page.get_by_role("button", name="Record", exact=True)).to_be_visible()
        assert shelved(page) == 1  # it is still there, but not for Bob
        expect(interrupted).to_have_count(0)

        page.context.clear_cookies()
        sign_in(page, product.url, product.admin_email, product.admin_password)
        expect(interrupted).to_contain_text("The page was left while this was being recorded.")
        interrupted.get_by_role("button", name="Remove").click()
        expect(interrupted).to_have_count(0)
        assert shelved(page) == 1  # as long as it can be had back


@pytest.mark.usefixtures("at_rest")
def test_convert_takes_a_recording_that_was_listened_to_but_not_one_that_runs(speaker: Page) -> None:
    page = speaker
    page.goto("/")
    start_recording(page, 1)
    press(page, "Convert")
    expect(page.get_by_role("status").filter(has_text="Listen to it, then use it or record again.")).to_have_count(1)
    press(page, "Convert")
    page.wait_for_url("**/conversions/*/")


def test_with_zero_retention_a_running_recording_is_not_kept(speaker: Page) -> None:
    page = speaker
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/")
    open_options(page)
    start_recording(page, 2)
    until_shelved(page, 1)
    page.get_by_label("Zero retention").check()
    until_recorded(page, 4)
    until_shelved(page, 0)
    press(page, "Discard")
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.reload()
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_be_hidden()


@pytest.mark.parametrize("state", ["Pause", "Stop"])
def test_nor_is_one_that_is_paused_or_listened_to(speaker: Page, state: str) -> None:
    page = speaker
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/")
    open_options(page)
    start_recording(page, 2)
    press(page, state)
    until_shelved(page, 1)
    page.get_by_label("Zero retention").check()
    until_shelved(page, 0)
    if state == "Stop":
        press(page, "Use this recording")
        expect(page.locator(".file")).to_have_count(1)
        page.reload()
        expect(page.get_by_role("button", name="Record", exact=True)).to_be_visible()
        assert shelved(page) == 0


@pytest.mark.parametrize(
    ("gain", "words"),
    [(40.0, "Too loud: the sound is distorted."), (0.004, "Very quiet."), (0.0, "Nothing can be heard.")],
    ids=["loud", "quiet", "silent"],
)
def test_a_level_that_will_not_do_is_said_in_words(
    chromium: Browser, product: Product, cookies: dict[str, object], spoken: NDArray[np.float32], tmp_path: Path,
    gain: float, words: str,
) -> None:  # fmt: skip
    path = write_wav(tmp_path / "microphone.wav", spoken * gain)
    browser = launch(chromium.browser_type, *FAKE_MICROPHONE, f"--use-file-for-fake-audio-capture={path}")
    for page in new_page(browser, product, storage_state=cookies):
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto("/")
        start_recording(page, 1)
        expect(page.get_by_role("status").filter(has_text=words)).to_be_visible()
        press(page, "Stop")
        expect(page.get_by_role("button", name="Use this recording")).to_be_visible()
        expect(page.get_by_role("status").filter(has_text=words)).to_be_visible()
        press(page, "Discard")
    browser.close()


def test_without_a_microphone_it_says_so(page: Page) -> None:
    page.goto("/")
    press(page, "Record")
    expect(page.get_by_role("status").filter(has_text="No microphone was found.")).to_be_visible()
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_focused()


def test_a_refused_permission_says_how_to_give_it(
    chromium: Browser, product: Product, cookies: dict[str, object]
) -> None:
    browser = launch(chromium.browser_type, FAKE_MICROPHONE[0], f"{FAKE_MICROPHONE[1]}=deny")
    for page in new_page(browser, product, storage_state=cookies):
        page.goto("/")
        press(page, "Record")
        expect(page.get_by_role("status").filter(has_text="This page may not use the microphone.")).to_be_visible()
    browser.close()


@pytest.mark.usefixtures("at_rest")
def test_over_plain_http_the_microphone_says_why_it_is_off_and_files_are_kept_all_the_same(
    chromium: Browser, product: Product, speech: Path
) -> None:
    browser = launch(chromium.browser_type, "--host-resolver-rules=MAP timbre.test 127.0.0.1")
    url = f"http://timbre.test:{product.port}"
    for page in new_page(browser, product, url=url):
        sign_in(page, url, product.admin_email, product.admin_password)
        expect(page.get_by_text("The microphone is off: browsers allow it only over HTTPS")).to_be_visible()
        expect(page.get_by_role("button", name="Record", exact=True)).to_be_hidden()
        choose(page, speech / "interview.mp3")
        expect(row(page, "interview.mp3")).to_contain_text("0:06")
        until_shelved(page, 1)
        page.reload()
        expect(row(page, "interview.mp3")).to_contain_text("Kept in this browser since you left the page.")
        press(page, "Convert")
        page.wait_for_url("**/conversions/*/")
        complaints = page.watch.complaints  # type: ignore[attr-defined]
        # The browser's own remark on such addresses, at each page.
        complaints[:] = [words for words in complaints if "Cross-Origin-Opener-Policy header" not in words]
    browser.close()


def test_without_javascript_there_is_no_dead_button(plain_page: Page) -> None:
    plain_page.goto("/")
    expect(file_button(plain_page)).to_be_visible()
    expect(plain_page.get_by_role("button", name="Record", exact=True)).to_be_hidden()
    expect(plain_page.locator("#recorder")).to_be_hidden()
    expect(plain_page.get_by_role("link", name="Try it with our sample")).to_be_visible()
