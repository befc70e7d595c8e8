"""A result in another format: asked for on its page, there a moment later, with a script and without."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from s2s.audio import examine
from tests.browser.conftest import SPEECH, new_page
from tests.browser.studio import convert, wait_until
from tests.support.product import Product

PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def ready(chromium: Browser, product: Product, cookies: dict[str, object]) -> str:
    for page in new_page(chromium, product, storage_state=cookies):
        address = convert(page, SPEECH / "interview.mp3", voice="Nora")
        wait_until(page, "ready")
    return address


def downloaded(page: Page, name: str) -> tuple[str, str, float]:
    """Its file name, codec and length."""
    link = page.locator("#exports li", has_text=name).get_by_role("link", name="Download")
    expect(link).to_be_visible(timeout=PATIENCE_MS)
    with page.expect_download() as waiting:
        link.click()
    found = examine(io.BytesIO(Path(waiting.value.path()).read_bytes()))
    return waiting.value.suggested_filename, found.codec, found.duration_s


def test_it_is_made_while_one_waits(page: Page, ready: str) -> None:
    page.goto(ready)
    exports = page.locator("#exports")
    expect(exports.get_by_label("Format")).to_be_hidden()
    exports.get_by_text("Other formats").click()
    exports.get_by_label("Format").select_option("wav_16000")
    exports.get_by_role("button", name="Make it").click()
    assert downloaded(page, "WAV, 16 kHz") == ("interview – Nora.wav", "pcm_s16le", pytest.approx(6, abs=0.1))
    # Nothing was loaded anew, and nothing asks any longer.
    assert page.evaluate("performance.getEntriesByType('navigation')[0].type") == "navigate"
    expect(page.locator("#exports-made[hx-get]")).to_have_count(0)


def test_it_is_made_without_a_script(plain_page: Page, ready: str) -> None:
    plain_page.goto(ready)
    exports = plain_page.locator("#exports")
    if exports.get_attribute("open") is None:  # it is open where something was made already
        exports.locator("summary").click()
    exports.get_by_label("Format").select_option("opus_48000_64")
    exports.get_by_role("button", name="Make it").click()
    expect(exports.locator("li", has_text="Opus, 64 kbit/s")).to_be_visible()
    link = exports.locator("li", has_text="Opus, 64 kbit/s").get_by_role("link", name="Download")
    for _ in range(120):
        if link.is_visible():
            break
        plain_page.wait_for_timeout(500)
        plain_page.reload()
    assert downloaded(plain_page, "Opus, 64 kbit/s")[:2] == ("interview – Nora.opus", "opus")
