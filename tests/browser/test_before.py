"""What can be known in the browser is said before anything is sent."""

from __future__ import annotations

import struct
import wave as waves
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from s2s.audio import AudioError
from s2s.audio.mistakes import FOREIGN
from tests.browser.stage import set_stage
from tests.browser.studio import Recording, choose, choose_voice, row, until_shelved
from tests.s2s.audio.conftest import tone
from tests.support.no_recordings import NO_RECORDINGS
from tests.support.product import Product
from tests.support.written import write_recording

pytestmark = pytest.mark.usefixtures("at_rest")


def refuse_to_send(page: Page) -> None:
    """Nothing may leave the page: a request that sends something fails the test by the page's own watch."""
    page.route("**/", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    page.evaluate("() => { XMLHttpRequest.prototype.send = () => { throw new Error('sent'); }; }")


def press_convert_in_vain(page: Page, first: str) -> None:
    """What stands in the list was refused there: the focus goes to the first of it, and nothing is sent."""
    page.get_by_role("button", name="Convert").click()
    expect(page.get_by_role("button", name=f"Remove {first}")).to_be_focused()
    expect(page.locator("#sending")).to_be_hidden()


def wave(promised: int, there: int, sound: bytes = b"\0\x10\0\xf0") -> bytes:
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", promised + 36, b"WAVE", b"fmt ", 16, 1, 1, 16000, 32000, 2, 16)
    return head + struct.pack("<4sI", b"data", promised) + (sound * there)[:there]


def box(kind: bytes, content: bytes, more: int = 0) -> bytes:
    return struct.pack(">I4s", len(content) + 8 + more, kind) + content


BRAND = box(b"ftyp", b"M4A \0\0\0\0")


def test_no_voice_is_said_before_anything_is_sent(page: Page, speech: Path) -> None:
    page.goto("/")
    refuse_to_send(page)
    choose(page, speech / "interview.mp3")
    choose_voice(page)
    page.get_by_role("button", name="Convert").click()
    expect(page.locator("#id_voice_error")).to_have_text("Choose a voice.")
    expect(page.get_by_role("checkbox", name="Atlas")).to_be_focused()
    page.get_by_text("Not sure which?").click()
    page.get_by_role("button", name="Try the ticked voices").click()
    expect(page.locator("#id_voice_error")).to_have_text("Choose a voice.")
    expect(page.locator("#sending")).to_be_hidden()
    invalid = page.locator("#voice [aria-invalid], #voice[aria-invalid]")
    expect(invalid).to_have_count(1)
    choose_voice(page, "Nora")
    page.get_by_role("button", name="Remove interview.mp3").click()
    page.get_by_role("button", name="Convert").click()
    expect(page.locator("#id_audio_error")).to_have_text("Choose a recording first.")
    expect(invalid).to_have_count(0)


def test_no_voice_is_said_where_one_recording_is_sent_again(page: Page, speech: Path) -> None:
    page.goto("/")
    page.route("**/", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    choose(page, speech / "interview.mp3")
    choose_voice(page, "Nora")
    page.get_by_role("button", name="Convert").click()
    again = row(page, "interview.mp3").get_by_role("button", name="Send again")
    expect(again).to_be_visible()
    refuse_to_send(page)
    choose_voice(page)
    again.click()
    expect(page.locator("#id_voice_error")).to_have_text("Choose a voice.")
    expect(page.locator("#sending")).to_be_hidden()


@pytest.fixture
def used_up(product: Product) -> Iterator[None]:
    set_stage(product, "quota_is_used_up")
    yield
    set_stage(product, "no_quota")


def test_a_quota_that_is_used_up_is_said_until_it_is_raised(
    page: Page, product: Product, speech: Path, used_up: None
) -> None:
    page.goto("/")
    expect(page.locator("#problem")).to_contain_text("of its 0 minutes this month")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    choose(page, speech / "interview.mp3")
    choose_voice(page, "Nora")
    page.get_by_role("button", name="Convert").click()
    notice = page.locator("#problem").get_by_role("alert")
    expect(notice).to_be_focused()
    expect(notice).to_contain_text("of its 0 minutes this month")
    assert not sent
    set_stage(product, "no_quota")
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/conversions/*/")


def test_no_recording_and_no_voice_are_said_at_once(page: Page) -> None:
    page.goto("/")
    refuse_to_send(page)
    choose_voice(page)
    page.get_by_role("button", name="Convert").click()
    expect(page.locator("#id_audio_error")).to_have_text("Choose a recording first.")
    expect(page.locator("#id_voice_error")).to_have_text("Choose a voice.")


@pytest.mark.parametrize(
    ("recording", "words"),
    [
        (Recording("a.mp3", b""), "This file is empty. Choose one with sound in it."),
        (Recording("b.wav", wave(9000, 0)), "This file is empty. Choose one with sound in it."),
        (Recording("c.m4a", BRAND + box(b"mdat", bytes(99))), "This file was never finished"),
        (Recording("d.m4a", BRAND + box(b"mdat", bytes(99), more=5000)), "its end, where the index is, didn't arrive"),
        (Recording("f.mxf", FOREIGN["mxf"][0][0][1] + bytes(900)), "This file is MXF, which we can't read."),
        (Recording("e.m4a", BRAND + box(b"moov", bytes(20), more=500)), "its end, where the index is, didn't arrive"),
    ],
    ids=lambda value: value.name if isinstance(value, Recording) else "",
)
def test_what_nobody_can_read_is_not_sent(page: Page, recording: Recording, words: str) -> None:
    page.goto("/")
    refuse_to_send(page)
    choose(page, recording)
    expect(row(page, recording.name).locator(".error")).to_contain_text(words)
    press_convert_in_vain(page, recording.name)


def test_what_is_no_recording_is_named_as_the_server_names_it(page: Page) -> None:
    page.goto("/")
    refuse_to_send(page)
    choose(page, *(Recording(name, content) for name, (_code, content) in NO_RECORDINGS.items()))
    for name, (code, _content) in NO_RECORDINGS.items():
        expect(row(page, name).locator(".error")).to_have_text(str(AudioError(code)))
    press_convert_in_vain(page, next(iter(NO_RECORDINGS)))


SILENCE = {
    "a.wav": wave(64_000, 64_000, b"\0"),
    "b.flac": write_recording(np.zeros((2, 96_000)), 48_000, container="flac", codec="flac"),
    "c.mp3": write_recording(np.zeros(96_000), 48_000, container="mp3", codec="libmp3lame"),
}
HEARD = {
    "hardly.wav": wave(64_000, 64_000, b"\1\0\0\0"),
    "left.flac": write_recording(np.stack([tone(2, 48_000), np.zeros(96_000)]), 48_000, container="flac", codec="flac"),
    "cancel.flac": write_recording(
        0.002 * np.stack([tone(2, 48_000), -tone(2, 48_000)]), 48_000, container="flac", codec="flac"
    ),
    "late.flac": write_recording(np.append(np.zeros(96_000), tone(1, 48_000)), 48_000, container="flac", codec="flac"),
}


def test_what_is_silent_is_said_in_the_server_s_words_and_not_sent(page: Page) -> None:
    page.goto("/")
    refuse_to_send(page)
    choose(page, *(Recording(name, content) for name, content in SILENCE.items()))
    for name in SILENCE:
        expect(row(page, name).locator(".error")).to_have_text(str(AudioError("silent")))
    until_shelved(page, 0)  # where they would come back to the next list
    press_convert_in_vain(page, "a.wav")


def test_what_can_be_heard_or_is_too_long_to_know_is_not_said_to_be_silent(page: Page) -> None:
    page.goto("/")
    long = wave(2 * 16_000 * 61, 2 * 16_000 * 61, b"\0")
    names = [*HEARD, "long.wav"]
    choose(page, *(Recording(name, content) for name, content in HEARD.items()), Recording("long.wav", long))
    for name in names:
        expect(row(page, name)).to_contain_text(":0")  # its length is known
    choose(page, Recording("silent.wav", SILENCE["a.wav"]))
    expect(row(page, "silent.wav").locator(".error")).to_be_visible()  # after the others
    for name in names:
        expect(row(page, name).locator(".error")).to_be_hidden()


def test_what_was_cut_off_behind_its_index_is_warned_of_and_a_stand_in_is_not(page: Page) -> None:
    page.goto("/")
    begun = BRAND + box(b"moov", bytes(20)) + box(b"mdat", bytes(99), more=5000)
    streamed = {f"streamed {said:x}.wav": wave(said, 64_000) for said in (0x7FFFF000, 0x80000000 - 36, 0xFFFFFFFF - 36)}
    choose(page, *(Recording(name, content) for name, content in streamed.items()), Recording("begun.mov", begun))
    expect(row(page, "begun.mov").locator(".note")).to_contain_text("This file was cut off")
    expect(row(page, "begun.mov").locator(".error")).to_be_hidden()
    for name in streamed:
        expect(row(page, name)).to_contain_text(":0")
        expect(row(page, name)).not_to_contain_text("cut off")


def test_a_wav_that_was_cut_off_is_warned_of_and_can_be_sent(page: Page) -> None:
    page.goto("/")
    choose(page, Recording("cut.wav", wave(320_000, 64_000)))
    expect(row(page, "cut.wav").locator(".note")).to_contain_text("This file was cut off")
    expect(row(page, "cut.wav").locator(".error")).to_be_hidden()
    until_shelved(page, 1)
    page.reload()
    both = "Kept in this browser since you left the page. This file was cut off"
    expect(row(page, "cut.wav").locator(".note")).to_contain_text(both)
    choose_voice(page, "Nora")
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/conversions/*/")


@pytest.mark.parametrize(
    "recording",
    [
        Recording("streamed.wav", wave(0, 64_000)),
        Recording("sound.amr", b"#!AMR\n" + bytes(500)),
        Recording("raw.pcm", bytes(3200)),
        Recording("fragments.mp4", BRAND + box(b"moof", bytes(20)) + box(b"mdat", bytes(99))),
    ],
    ids=lambda value: value.name,
)
def test_what_only_the_browser_cannot_play_is_not_refused(page: Page, recording: Recording) -> None:
    page.goto("/")
    choose(page, recording)
    choose_voice(page, "Nora")
    found = row(page, recording.name)
    expect(found.locator("audio")).to_be_hidden() if "wav" not in recording.name else None
    expect(found.locator(".error")).to_be_hidden()
    expect(page.locator("#sentence")).to_contain_text("will be spoken by Nora", use_inner_text=True)


def test_without_a_script_convert_is_there_once_a_voice_is_ticked(plain_page: Page, speech: Path) -> None:
    page, sent = plain_page, []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.goto("/")
    choose(page, speech / "interview.mp3")
    choose_voice(page)
    page.locator("summary", has_text="Not sure which?").click()
    expect(page.get_by_role("button", name="Convert")).to_be_hidden()
    expect(page.get_by_role("button", name="Try the ticked voices")).to_be_hidden()
    page.get_by_role("link", name="Choose a voice").press("Enter")
    expect(page.locator("#voice")).to_be_in_viewport()
    assert not sent
    choose_voice(page, "Nora")
    expect(page.get_by_role("link", name="Choose a voice")).to_be_hidden()
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/conversions/*/")


def test_with_scripts_convert_says_what_is_missing(page: Page) -> None:
    page.goto("/")
    choose_voice(page)
    expect(page.get_by_role("link", name="Choose a voice")).to_be_hidden()
    expect(page.get_by_role("button", name="Convert")).to_be_visible()


@pytest.fixture
def takes_little(product: Product, two_endpoints: None) -> None:
    """ElevenLabs takes four seconds at once."""
    set_stage(product, "takes_little_at_once")


@pytest.mark.usefixtures("takes_little")
def test_how_many_pieces_a_long_recording_is_cut_into_is_said_with_its_price(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, speech / "phone_note.m4a")
    choose_voice(page, "Ana")
    sentence = page.locator("#sentence")
    said = "ElevenLabs takes 4 sec at once: it is cut at pauses into about 3 pieces and joined again. It costs about "
    expect(sentence).to_contain_text(said, use_inner_text=True)
    choose_voice(page, "Nora")
    expect(sentence).not_to_contain_text("pieces")
    choose_voice(page, "Nora", "Ana")
    choose(page, speech / "interview.mp3")
    said = "what is longer is cut at pauses, into about 6 pieces in all, and joined again."
    expect(sentence).to_contain_text(said, use_inner_text=True)


@pytest.mark.usefixtures("takes_little")
def test_more_pieces_than_are_made_are_refused_before_anything_is_sent(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    with waves.open(str(path), "wb") as file:
        file.setparams((1, 1, 8000, 0, "NONE", ""))
        file.writeframes(bytes([96, 160]) * (4000 * 601))
    page.goto("/")
    refuse_to_send(page)
    page.evaluate(
        "() => { for (const voice of document.querySelectorAll('#voice input')) voice.dataset.most &&= 600; }"
    )
    choose(page, path)
    expect(page.locator("#sentence")).to_contain_text("10 min", use_inner_text=True)
    choose_voice(page, "Ana")
    page.get_by_role("button", name="Convert").click()
    expect(page.locator("#id_voice_error")).to_have_text(
        "“long.wav” is too long for ElevenLabs, which takes 4 sec at once: it would be more than 1000 pieces. "
        "Choose a voice of another endpoint, or a shorter recording."
    )
    expect(page.locator("#sending")).to_be_hidden()


@pytest.mark.parametrize(
    ("limit", "most", "said"),
    [
        ("longest", "3", "This recording is too long: at most 6 h are taken. Cut it into shorter parts."),
        ("room", "1000", "There is no room for this recording on the server at the moment. Please tell your admin."),
    ],
)
def test_what_is_longer_than_is_taken_or_finds_no_room_is_not_sent(
    page: Page, speech: Path, limit: str, most: str, said: str
) -> None:
    page.goto("/")
    refuse_to_send(page)
    page.evaluate("([limit, most]) => { document.querySelector('#recording').dataset[limit] = most; }", [limit, most])
    choose(page, speech / "phone_note.m4a")
    expect(row(page, "phone_note.m4a").locator(".error")).to_have_text(said)
    choose_voice(page, "Nora")
    press_convert_in_vain(page, "phone_note.m4a")
