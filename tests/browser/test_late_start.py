"""A recording whose sound begins late is compared in step with its result: both begin with the same silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.studio import convert, wait_until
from tests.support.lag import speechlike
from tests.support.written import write_recording

RATE = 48_000
LATE_S, SECONDS = 1.5, 4
HEARD = """async () => Promise.all([...document.querySelectorAll("#compare audio")].map(async (player) => {
    const file = await (await fetch(player.currentSrc)).arrayBuffer();
    const sound = await new OfflineAudioContext(1, 1, 48000).decodeAudioData(file);
    const samples = sound.getChannelData(0);
    const loud = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0) / 10;
    return { begins: samples.findIndex((sample) => Math.abs(sample) > loud) / 48000, lasts: player.duration };
}))"""


@pytest.mark.parametrize("video_s", [0, 6])
def test_original_and_result_begin_and_end_together(page: Page, tmp_path: Path, video_s: int) -> None:
    path = tmp_path / f"late {video_s}.mp4"
    sound = speechlike(SECONDS * RATE, RATE)
    path.write_bytes(write_recording(sound, RATE, container="mp4", codec="aac", video_s=video_s, late_s=LATE_S))
    convert(page, path, voice="Nora")
    wait_until(page, "ready")
    expect(page.get_by_text("Its sound begins 1.5 s after its start").first).to_be_visible()
    page.wait_for_function(
        "() => [...document.querySelectorAll('#compare audio')].every((player) => player.readyState >= 1)"
    )
    original, result = page.evaluate(HEARD)
    assert original["begins"] == pytest.approx(LATE_S, abs=0.25)
    assert result["begins"] == pytest.approx(original["begins"], abs=0.1)
    assert original["lasts"] == pytest.approx(LATE_S + SECONDS, abs=0.05)
    assert result["lasts"] == pytest.approx(original["lasts"], abs=0.05)
