"""What was cut off is warned of in the browser: of every kind that says in front how much there is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from playwright.sync_api import Page, expect

from tests.browser.studio import Recording, choose, row
from tests.s2s.audio.conftest import tone
from tests.s2s.audio.test_promises import LIVE, PROMISING
from tests.support.written import write_recording

# They say how many samples there are, not how many bytes; of a FLAC browsers find out how many have come.
ONLY_HEARD = {"WavPack", "TTA"}
SECONDS, RATE_HZ = 6, 48_000
WARNING = "This file was cut off"


def made(kinds: dict[str, dict[str, Any]], *, live: bool = False) -> dict[str, bytes]:
    sound = np.append(tone(SECONDS / 2, RATE_HZ), tone(SECONDS / 2, RATE_HZ, hz=880))
    return {kind: write_recording(sound, RATE_HZ, live=live, **how) for kind, how in kinds.items()}


def cut(content: bytes) -> bytes:
    return content[: int(0.6 * len(content))]


def chosen(page: Page, contents: Iterable[tuple[str, bytes]], *, are_cut: bool) -> list[str]:
    """Their names in the list, once all of them were looked at: one after the other, and the last is silent."""
    page.goto("/")
    files = [Recording(kind, cut(content) if are_cut else content) for kind, content in contents]
    choose(page, *files)
    silent = write_recording(np.zeros(RATE_HZ), RATE_HZ, container="wav", codec="pcm_s16le")
    choose(page, Recording("silent.wav", silent))
    expect(row(page, "silent.wav").locator(".error")).to_be_visible()
    return [file.name for file in files]


def test_of_a_part_it_is_said(page: Page) -> None:
    known = {kind: how for kind, how in PROMISING.items() if kind not in ONLY_HEARD}
    for name in chosen(page, made(known).items(), are_cut=True):
        expect(row(page, name).locator(".note")).to_contain_text(WARNING)
        expect(row(page, name).locator(".error")).to_be_hidden()


def test_of_what_is_whole_or_was_written_live_it_is_not(page: Page) -> None:
    whole = [(f"whole {kind}", content) for kind, content in made(PROMISING).items()]
    for name in chosen(page, whole, are_cut=False):
        expect(row(page, name)).not_to_contain_text(WARNING)
        expect(row(page, name).locator(".error")).to_be_hidden()
    for name in chosen(page, made(LIVE, live=True).items(), are_cut=True):
        expect(row(page, name)).not_to_contain_text(WARNING)
