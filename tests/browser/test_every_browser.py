"""The main path in each browser that we promise: Chromium, Firefox and WebKit, as Debian ships them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from tests.browser.drivers import start
from tests.browser.test_before import BRAND, box, wave
from tests.browser.test_main_path import seconds_of
from tests.browser.visitor import Visitor
from tests.support.product import Product, wait_for

Start = Callable[[Path], AbstractContextManager[WebDriver]]

BROWSERS: tuple[Start, ...] = (start.chromium, start.firefox, start.webkit)

SOUGHT = """
    const [name, place] = given;
    const player = document.querySelector(`audio[aria-label="${name}"]`);
    const told = (event) => new Promise((resolve) => player.addEventListener(event, resolve, { once: true }));
    if (!player.readyState) await told("loadedmetadata");
    const seconds = player.duration;
    player.currentTime = place;
    await told("seeked");
    return [seconds, player.currentTime];
"""


# Nothing is seen but the file input, as it is before a script has run.
ALONE = """
    for (const element of document.querySelectorAll("body *")) element.style.visibility = "hidden";
    document.querySelector("#recording").classList.remove("live");
    document.querySelector("#id_audio").style.visibility = "visible";
    scrollTo(0, 0);
"""


def only(*browsers: Start) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("visitor", browsers, indirect=True, ids=lambda browser: browser.__name__)


@pytest.fixture(scope="module", params=BROWSERS, ids=lambda browser: browser.__name__)
def visitor(
    request: pytest.FixtureRequest, product: Product, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Visitor]:
    """Alice, in one browser after the other."""
    downloads = tmp_path_factory.mktemp("downloads")
    with request.param(downloads) as driver:
        alice = Visitor(driver, product.url, downloads)
        alice.sign_in(product.admin_email, product.admin_password)
        yield alice


def test_a_recording_is_sent_converted_compared_and_downloaded(visitor: Visitor, speech: Path) -> None:
    visitor.open("/")
    visitor.choose(speech / "interview.mp3")
    visitor.choose_voices("Nora")
    visitor.see("#sentence", r"interview\.mp3 \(6 sec\) will be spoken by Nora")
    visitor.convert()

    visitor.press("Play")
    visitor.until("Number(document.querySelector('#compare').dataset.position) > 0.3")
    visitor.until("document.querySelector('audio[aria-label=Nora]').currentTime > 0.3")
    visitor.keys("x")
    visitor.until("!document.querySelector('audio[aria-label=Original]').paused")
    visitor.until("document.querySelector('audio[aria-label=Nora]').paused")
    visitor.press("Pause")
    seconds, landed = visitor.ask(SOUGHT, "Nora", 4)
    assert (seconds, landed) == pytest.approx((seconds_of(speech / "interview.mp3"), 4), abs=0.1)

    path = visitor.download("Download MP3")
    assert path.name == "interview – Nora.mp3"
    assert seconds_of(path) == pytest.approx(seconds_of(speech / "interview.mp3"), abs=0.1)


def test_the_file_button_is_named_as_it_is_shown(visitor: Visitor) -> None:
    visitor.open("/")
    shown = visitor.see(".drop label", "Choose files")
    # Firefox adds what is chosen.
    assert visitor.driver.find_element(By.ID, "id_audio").accessible_name.startswith(shown)
    at = """(() => {
        const { x, y, width, height } = document.querySelector(".drop label").getBoundingClientRect();
        return document.elementFromPoint(x + width / 2, y + height / 2)?.id;
    })()"""
    visitor.until(f"{at} === 'id_audio'")  # who presses the button presses the input


def test_without_a_script_the_input_itself_says_what_is_chosen(visitor: Visitor, speech: Path) -> None:
    visitor.open("/")
    visitor.choose(speech / "interview.mp3")
    visitor.driver.execute_script(ALONE)
    chosen = visitor.driver.get_screenshot_as_png()
    visitor.driver.execute_script("document.querySelector('#id_audio').value = ''")
    wait_for(lambda: visitor.driver.get_screenshot_as_png() != chosen, "it says something else")


def test_what_is_silent_is_said_before_it_is_sent(visitor: Visitor, tmp_path: Path) -> None:
    (tmp_path / "muted.wav").write_bytes(wave(64_000, 64_000, b"\0"))
    visitor.open("/")
    visitor.choose(tmp_path / "muted.wav")
    visitor.see("#files .error", "Nothing can be heard in this recording")
    visitor.press("Remove muted.wav")
    visitor.until("!document.querySelector('#files').innerText.includes('muted.wav')")


def test_what_was_cut_off_or_cannot_be_read_is_said_before_it_is_sent(
    visitor: Visitor, speech: Path, tmp_path: Path
) -> None:
    cut = {  # of a FLAC Firefox doesn't tell how much it has decoded
        "cut.wav": wave(320_000, 64_000),
        "cut.mp3": _cut((speech / "interview.mp3").read_bytes()),
    }
    unreadable = {"no index.m4a": BRAND + box(b"mdat", bytes(99), more=5000), "notes.txt": b"Nothing to be heard here."}
    for name, content in (cut | unreadable).items():
        (tmp_path / name).write_bytes(content)
    visitor.open("/")
    visitor.choose(*(tmp_path / name for name in cut | unreadable))
    row = (
        "[...document.querySelectorAll('.file')].find((row) => row.querySelector('.name').textContent === arguments[0])"
    )
    for name in cut:
        visitor.until(f"{row}.querySelector('.note').textContent.includes('This file was cut off')", name)
    for name in unreadable:
        visitor.until(f"{row}.querySelector('.error').textContent.trim()", name)
    for name in cut | unreadable:
        visitor.press(f"Remove {name}")  # or it would be in the next list


def _cut(content: bytes) -> bytes:
    return content[: int(0.6 * len(content))]


def test_several_recordings_in_several_voices_make_a_batch(visitor: Visitor, speech: Path, brief: Path) -> None:
    visitor.open("/")
    visitor.choose(speech / "interview.mp3", brief)
    visitor.choose_voices("Nora", "Atlas")
    visitor.convert("/batches/")
    visitor.see("main", "All 4 ready")


FOCUSED = "document.activeElement.getAttribute('aria-label')"
PLAYER = "document.querySelector('.file audio')"


def test_a_recordings_player_is_one_stop_of_the_tab_key_before_and_after_it_is_heard(
    visitor: Visitor, speech: Path
) -> None:
    """The browsers' own have three to six."""
    visitor.open("/")
    visitor.choose(speech / "woman_prompts.flac")
    play, remove = "Play woman_prompts.flac", "Remove woman_prompts.flac"
    visitor.find(".file .play")
    for _listened in (False, True):
        visitor.driver.execute_script("document.querySelector('.file .play').focus()")
        visitor.until(f"{FOCUSED} === arguments[0]", play)
        ActionChains(visitor.driver).send_keys(Keys.TAB).perform()
        visitor.until(f"{FOCUSED} === arguments[0]", remove)
        visitor.press(play)
        visitor.until(f"!{PLAYER}.paused")
        visitor.press(play)
        visitor.until(f"{PLAYER}.paused && document.querySelector('.file .play').ariaPressed === 'false'")
        assert visitor.find(".file audio")  # the browser's own, for the pointer
    before = visitor.until(f"{PLAYER}.currentTime + 1") - 1
    visitor.driver.execute_script("document.querySelector('.file .play').focus()")
    ActionChains(visitor.driver).send_keys(Keys.ARROW_RIGHT).perform()
    visitor.until(f"{PLAYER}.currentTime > arguments[0]", before + 4.5)
    ActionChains(visitor.driver).send_keys(Keys.ARROW_LEFT).perform()
    visitor.until(f"{PLAYER}.currentTime < arguments[0]", before + 4.5)
    visitor.press(remove)  # or it would be in the next list


PLACES = """
    return [...document.querySelectorAll(".actions a, .transport button")].map(
        (one) => Math.round(one.getBoundingClientRect().top + scrollY)
    );
"""


@only(start.firefox)  # the others don't tell
def test_a_browser_without_a_sound_device_plays_on_and_says_that_nothing_is_heard(
    visitor: Visitor, speech: Path
) -> None:
    visitor.open("/")
    visitor.choose(speech / "interview.mp3")
    visitor.convert()
    before = visitor.ask(PLACES)
    visitor.press("Play")
    visitor.see("#unheard", "no device that plays sound")
    assert visitor.ask(PLACES) == before  # whoever is about to press one of them does
    visitor.keep_picture("conversion-unheard-firefox")
    visitor.until("Number(document.querySelector('#compare').dataset.position) > 2")
    visitor.press("Pause")
    visitor.press("Play")  # which looks for a device again
    visitor.until("Number(document.querySelector('#compare').dataset.position) > 3")
    visitor.see("#unheard", "no device that plays sound")


# Who presses Pause in the moment in which it is found out is before who listens to the player.
LATE_ERROR = """
    const player = document.querySelector("audio[aria-label=Nora]");
    const failed = new Promise((resolve) => {
        document.addEventListener("error", ({ target }) => resolve(target.pause()), { capture: true, once: true });
    });
    player.play();
    await failed;
    return [player.error.code, player.paused];
"""


@only(start.firefox)
def test_a_player_that_learns_only_in_a_pause_that_nothing_sounds_goes_on(visitor: Visitor, speech: Path) -> None:
    visitor.open("/")
    visitor.choose(speech / "interview.mp3")
    visitor.convert()
    assert visitor.ask(LATE_ERROR) == [3, True]
    visitor.press("Play")
    visitor.until("document.querySelector('audio[aria-label=Nora]').currentTime > 1")
    visitor.see("#unheard", "no device that plays sound")


@only(start.webkit)  # whose private windows take a sound into IndexedDB and then never answer
def test_a_browser_that_keeps_nothing_sends_at_once_and_after_it_has_said_so(visitor: Visitor, brief: Path) -> None:
    visitor.open("/")
    visitor.choose(brief)
    visitor.convert()
    visitor.open("/")
    visitor.choose(brief)
    visitor.see("#shelf-words", "These recordings are kept only while this page is open")
    visitor.convert()


def take_a_recording(visitor: Visitor) -> int:
    """Of two seconds or more, by the microphone; of how many."""
    visitor.open("/")
    seconds = visitor.record(2)
    visitor.press("Use this recording")
    return seconds


def test_what_the_microphone_hears_is_listed_and_converted(visitor: Visitor) -> None:
    take_a_recording(visitor)
    visitor.see("#files", r"^Recording \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d")
    visitor.convert()
    assert seconds_of(visitor.download("Download MP3")) > 0.5  # WebKitGTK writes half of what it heard


@only(start.chromium)  # Firefox can't seek in the WebM that it has written, nor say its length before it was heard
def test_what_the_microphone_heard_can_be_searched_before_it_is_sent(visitor: Visitor) -> None:
    visitor.open("/")
    said_s = visitor.record(2)
    has_length_and_can_be_searched(visitor, "Your recording", said_s)
    visitor.press("Use this recording")
    has_length_and_can_be_searched(visitor, f"Listen to {visitor.see('#files .name', '^Recording ')}", said_s)
    visitor.convert()  # or it would be in the next list


def has_length_and_can_be_searched(visitor: Visitor, name: str, said_s: int) -> None:
    """The player `name` of a recording of so many seconds, once the page has found its end."""
    player = 'document.querySelector(`audio[aria-label="${arguments[0]}"]`)'
    visitor.until(f"Number.isFinite({player}.duration) && !{player}.seeking && !{player}.currentTime", name)
    seconds, landed = visitor.ask(SOUGHT, name, 1.5)
    assert seconds == pytest.approx(said_s, abs=1)
    assert landed == pytest.approx(1.5, abs=0.1)


@only(start.chromium, start.firefox)
def test_how_long_the_microphone_was_heard_is_said_before_it_is_sent(visitor: Visitor) -> None:
    said_s = take_a_recording(visitor)
    visitor.see("#files .facts", rf"\b0:0?({said_s - 1}|{said_s}|{said_s + 1})\b")
    visitor.convert()


@only(start.chromium, start.firefox)  # WebKitGTK can't decode its own recording
def test_what_the_microphone_heard_is_whole_and_can_be_searched(visitor: Visitor) -> None:
    said_s = take_a_recording(visitor)
    visitor.convert()
    seconds, landed = visitor.ask(SOUGHT, "Original", 1.5)
    assert seconds == pytest.approx(said_s, abs=1)
    assert landed == pytest.approx(1.5, abs=0.1)
    path = visitor.download("Download the original")
    assert seconds_of(path) == pytest.approx(said_s, abs=1)
