"""An editor's afternoon: twenty clips in two voices, listened to side by side, and one of them made again."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
from playwright.sync_api import Page, expect

from s2s.audio import decode, encode
from tests.browser.studio import Recording, choose, choose_voice, open_options, wait_until

CLIPS, RATE_HZ = 20, 16_000


def clips(recording: Path) -> list[Recording]:
    """As many short passages of a recording, each a file of its own."""
    with recording.open("rb") as file:
        speech = np.concatenate(list(decode(file, sample_rate_hz=RATE_HZ)))
    found: list[Recording] = []
    for number in range(CLIPS):
        passage, sink = speech[number * RATE_HZ // 2 :][: RATE_HZ * 3 // 2], io.BytesIO()
        encode([passage], sink, "wav", RATE_HZ, None, input_rate_hz=RATE_HZ)
        found.append(Recording(f"clip {number + 1:02}.wav", sink.getvalue()))
    return found


def test_twenty_clips_in_two_voices_are_compared_and_one_is_made_again(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, *clips(speech / "man_librivox.flac"))
    choose_voice(page, "Nora", "Lyra")
    expect(page.locator("#sentence")).to_contain_text("You get 40 results.", use_inner_text=True)
    page.get_by_role("button", name="Convert", exact=True).click()
    page.wait_for_url("**/batches/*/")
    expect(page.get_by_role("heading", level=1)).to_have_text("20 recordings")
    expect(page.locator(".take")).to_have_count(40)
    wait_until(page, "ready")
    expect(page).to_have_title("All 40 ready – Timbre")

    page.get_by_role("row", name="clip 07").get_by_role("link", name="Nora").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("clip 07")
    page.get_by_role("link", name="Compare").click()  # puts the other voice on the transport
    expect(page.get_by_role("radio")).to_have_count(3)
    page.get_by_role("button", name="Play").click()
    page.keyboard.press("x")
    playing = page.evaluate("() => [...document.querySelectorAll('#compare audio')].filter((p) => !p.paused).length")
    assert playing <= 1

    page.get_by_role("link", name="Retake").click()
    open_options(page)
    page.get_by_label("Format", exact=True).select_option("wav_44100")
    page.get_by_role("button", name="Convert", exact=True).click()
    page.wait_for_url("**/conversions/*/")
    wait_until(page, "ready")
    expect(page.get_by_role("heading", level=1)).to_have_text("clip 07")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download WAV").click()
    with av.open(str(download.value.path())) as container:
        assert container.streams.audio[0].rate == 44_100
