"""Recordings with names that mean harm, or only look odd: shown as text on every page, saved under a sane name."""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.studio import wait_until

LONG = "a very long name " * 18
# The title that is shown; None where it isn't ours to say.
NAMES = {
    "../../x.mp3": "x",
    "say \"hello\" & 'bye'.mp3": "say \"hello\" & 'bye'",
    "first line\nsecond\tline.mp3": "first line second line",
    "🎙️ Zoë’s naïve 录音.mp3": "🎙️ Zoë’s naïve 录音",
    "abc\u202e3pm.exe\u202c \u200fשלום.mp3": "abc3pm.exe שלום",
    f"{LONG}.mp3": LONG[:200].strip(),
    "<script>alert(1)</script><img src=x onerror=alert(2)>.mp3": None,  # a folder's mark is in it
    "%2e%2e%2fetc%2fpasswd;filename=evil.html.mp3": "%2e%2e%2fetc%2fpasswd;filename=evil.html",
}


def upload(page: Page, name: str, recording: Path) -> None:
    """Browsers send only the last part of a path; a script may say anything, so this one does."""
    page.goto("/")
    page.evaluate(
        """async ([name, bytes]) => {
            const items = new DataTransfer();
            const recording = Uint8Array.from(atob(bytes), (byte) => byte.charCodeAt(0));
            items.items.add(new File([recording], name, { type: "audio/mpeg" }));
            const input = document.querySelector("input[type=file]");
            input.files = items.files;
            input.dispatchEvent(new Event("change", { bubbles: true }));
        }""",
        [name, b64encode(recording.read_bytes()).decode()],
    )


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_name_is_text_on_every_page_and_safe_as_a_file(page: Page, name: str, brief: Path) -> None:
    dialogs: list[Any] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog), dialog.dismiss()))
    upload(page, name, brief)
    fits(page)
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/conversions/*/")
    wait_until(page, "ready")
    address = page.url
    title = page.get_by_role("heading", level=1).inner_text()
    if NAMES[name]:
        assert title == NAMES[name]
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x1f]", title)
    fits(page)

    with page.expect_download() as result:
        page.get_by_role("link", name="Download MP3").click()
    with page.expect_download() as source:
        page.get_by_role("link", name="Download the original").click()
    for saved in (result.value.suggested_filename, source.value.suggested_filename):
        assert saved.endswith(".mp3")
        assert not re.search("[/\\\\\u202a-\u202e\x00-\x1f]", saved)
        assert not saved.startswith(".")
        assert len(saved) <= 255

    page.goto("/history/")
    expect(page.locator(f"a[href='{address[address.index('/conversions/') :]}']")).to_have_text(title)
    fits(page)
    page.goto(address)
    page.locator(".rename summary").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value(title)
    fits(page)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status").filter(has_text="was deleted.")).to_contain_text(title)
    fits(page)
    assert not dialogs


def fits(page: Page) -> None:
    """Also on a phone nothing sticks out."""
    page.wait_for_load_state()  # its styles may still be on their way
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
