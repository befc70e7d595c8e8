"""Restoration, one of the four uses, without a key: a noisy recording comes back clean in its own voice."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, expect

from s2s.audio import decode
from tests.browser.conftest import with_and_without_scripts
from tests.browser.studio import Recording, convert, wait_until
from tests.s2s.engine.noise import in_noise, si_snr_db
from tests.support.product import CHECKOUT
from tests.support.sound import as_wav

RATE_HZ = 48_000
SPEECH = CHECKOUT / "tests" / "data" / "speech" / "woman_prompts.flac"


def samples_of(path: Path) -> np.ndarray:
    with path.open("rb") as file:
        return np.concatenate(list(decode(io.BytesIO(file.read()), sample_rate_hz=RATE_HZ)))


@with_and_without_scripts
def test_a_noisy_recording_is_cleaned_and_stands_beside_the_original(page: Page) -> None:
    speech = samples_of(SPEECH)[: 4 * RATE_HZ]
    noisy = Recording("street.wav", as_wav(in_noise(speech, RATE_HZ, 5), RATE_HZ))
    convert(page, noisy, voice="Your own voice, cleaned up", output_format="wav_48000")
    wait_until(page, "ready")
    expect(page.locator("audio")).to_have_count(2)  # the original, and what became of it
    with page.expect_download() as download:
        page.get_by_role("link", name="Download WAV").click()
    cleaned = samples_of(download.value.path())
    assert len(cleaned) == len(speech)
    assert si_snr_db(cleaned, speech) >= 5 + 8
