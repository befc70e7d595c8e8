"""The main path: from a file to its copy in another voice, with and without JavaScript."""

from __future__ import annotations

import re
from pathlib import Path

import av
import pytest
from playwright.sync_api import Page, expect

from tests.browser.studio import allow, choose, choose_voice, convert, named, play, wait_until


def seconds_of(path: Path) -> float:
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    return sum(frame.samples for frame in frames) / frames[0].sample_rate


@pytest.mark.parametrize(("file", "title"), [("interview.mp3", "morning show"), ("phone_note.m4a", "note to myself")])
def test_a_recording_is_converted_heard_downloaded_found_and_deleted(
    page: Page, speech: Path, tmp_path: Path, file: str, title: str
) -> None:
    length_s = seconds_of(speech / file)

    address = convert(page, named(speech / file, f"{title}{Path(file).suffix}"), voice="Nora")
    wait_until(page, "ready")  # nobody pressed reload
    expect(page).to_have_title(f"Ready – {title} – Timbre")

    for player in ("Original", "Nora"):
        heard = play(page, player)
        assert heard["duration"] == pytest.approx(length_s, abs=0.15)
        assert heard["others"] == 0  # the first one stopped when the second began

    with page.expect_download() as download:
        page.get_by_role("link", name="Download MP3").click()
    assert download.value.suggested_filename == f"{title} – Nora.mp3"
    download.value.save_as(tmp_path / "result.mp3")
    assert seconds_of(tmp_path / "result.mp3") == pytest.approx(length_s, abs=0.1)

    page.get_by_role("navigation", name="Main").get_by_role("link", name="History").click()
    row = page.get_by_role("row", name=title)
    expect(row).to_contain_text("Ready")
    expect(row).to_contain_text("Nora")
    row.get_by_role("link", name=title).click()

    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text(f"“{title}” was deleted.")).to_be_visible()
    expect(page.get_by_role("link", name=title, exact=True)).to_have_count(0)
    allow(page, 404)
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing here")


def test_the_same_path_works_without_javascript(plain_page: Page, speech: Path, tmp_path: Path) -> None:
    page = plain_page
    convert(page, named(speech / "interview.mp3", "plain.mp3"), output_format="wav_44100")
    wait_until(page, "ready")  # by the noscript refresh
    expect(page.get_by_label("Original", exact=True)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download WAV").click()
    download.value.save_as(tmp_path / "result.wav")
    assert seconds_of(tmp_path / "result.wav") == pytest.approx(seconds_of(speech / "interview.mp3"), abs=0.1)

    page.get_by_role("navigation", name="Main").get_by_role("link", name="History").click()
    page.get_by_label("Search names").fill("plai")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("link", name="plain", exact=True)).to_have_count(1)
    page.get_by_role("link", name="plain", exact=True).click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("“plain” was deleted.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("“plain” is back.")).to_be_visible()
    expect(page.get_by_role("link", name="Download WAV")).to_be_visible()


def test_the_sentence_says_what_will_happen_before_it_happens(page: Page, speech: Path) -> None:
    page.goto("/")
    sentence = page.locator("#sentence")
    expect(page.locator(".voice input:checked")).to_have_count(1)
    expect(sentence).to_contain_text("Choose a recording")
    choose(page, speech / "phone_note.m4a")
    choose_voice(page, "Lyra")
    words = re.compile(
        r"^phone_note\.m4a \(6 sec\) will be spoken by Lyra, as MP3\. It costs nothing\. "
        r"(Ready in about \d+ sec\. )?"  # once it has been seen how fast the endpoint is
        r"Everyone in Harbour Radio can see it\.\s*$"
    )
    expect(sentence).to_have_text(words, use_inner_text=True)
    expect(page.locator("#files")).to_contain_text("0:06")


def test_a_file_can_be_dropped_anywhere_on_the_studio(page: Page) -> None:
    page.goto("/")
    page.evaluate(
        """() => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File(["x"], "dropped.wav", { type: "audio/wav" }));
            const drop = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
            document.querySelector("h1").dispatchEvent(drop);
        }"""
    )
    expect(page.locator("#sentence")).to_contain_text("dropped.wav")
