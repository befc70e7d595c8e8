"""What people do on the pages, in steps that several tests take."""

from __future__ import annotations

import hashlib
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Locator, Page, expect


def sign_in(page: Page, url: str, email: str, password: str) -> None:
    page.goto(f"{url}/accounts/login/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Change the voice, keep the performance")


def convert(page: Page, recording: Path | Recording, *, voice: str = "", output_format: str = "") -> str:
    """Upload and be on the conversion's page; its path."""
    page.goto("/")
    choose(page, recording)
    if voice:
        choose_voice(page, voice)
    if output_format:
        open_options(page)
        page.get_by_label("Format").select_option(output_format)
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/conversions/*/")
    return page.url[page.url.index("/conversions/") :]


def file_button(page: Page) -> Locator:
    """Its name is what it shows."""
    return page.get_by_role("button", name="Choose files", exact=True)


class Recording(NamedTuple):
    """A file that a test makes."""

    name: str
    content: bytes


def choose(page: Page, *recordings: Path | Recording) -> None:
    """Into the list of the Studio that is open."""
    file_button(page).set_input_files([one if isinstance(one, Path) else _on_disk(one) for one in recordings])


def _on_disk(recording: Recording) -> Path:
    """Given as bytes it goes to the browser as text through two other processes: seconds, where it is large."""
    path = Path(_folder().name, hashlib.sha256(recording.content).hexdigest(), recording.name)
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(recording.content)
    return path


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Gone when the tests have ended."""
    return tempfile.TemporaryDirectory(prefix="timbre-chosen-")


def row(page: Page, name: str) -> Locator:
    """The row of a recording in the Studio's list."""
    return page.locator(".file", has=page.get_by_text(name, exact=True))


def open_options(page: Page) -> None:
    page.locator("#options > details > summary").click()


def show_all_voices(page: Page) -> None:
    """Also those that are behind a button, of more than twelve."""
    more = page.get_by_role("button", name=re.compile(r"^Show all \d+ voices$"))
    if more.is_visible():
        more.click()


def choose_voice(page: Page, *names: str) -> None:
    """These and no others."""
    show_all_voices(page)
    for box in page.locator(".voice input").all():
        box.set_checked(box.get_attribute("data-name") in names)
    expect(page.locator(".voice input:checked")).to_have_count(len(names))


def named(path: Path, name: str) -> Recording:
    """The file under a name of its own, so that tests don't find each other's."""
    return Recording(name, path.read_bytes())


def wait_until(page: Page, state: str) -> None:
    """And until the scripts of the page that says so are at work: it may have been loaded anew."""
    page.wait_for_selector(f"main[data-state={state}]", timeout=60_000)
    page.wait_for_load_state()


def to_parts(page: Page) -> str:
    """From the Studio, with what is chosen there, to the page of parts, whose scripts are at work; its path."""
    page.get_by_role("button", name="Give parts or speakers voices of their own").click()
    page.wait_for_url("**/conversions/*/parts/")
    expect(page.locator("#parts")).to_be_visible()
    page.wait_for_load_state()  # it was loaded anew when the recording had been read
    return page.url[page.url.index("/conversions/") :]


def until_recorded(page: Page, seconds: int) -> None:
    """Until the recorder says that so much is recorded, or more: each second is said for a second, and not longer."""
    page.wait_for_function(
        """(least) => {
            const timer = document.querySelector("[role=timer]");
            return timer?.checkVisibility() && Number(timer.textContent.split(":")[1]) >= least;
        }""",
        arg=seconds,
    )


def allow(page: Page, *statuses: int) -> None:
    """These statuses from 400 on are what the test wants to see."""
    page.watch.allowed |= set(statuses)  # type: ignore[attr-defined]


def play(page: Page, name: str) -> dict[str, float]:
    """Play the player `name` and leave it playing: its duration, how far it came (s), and how many others play too."""
    return page.evaluate(  # type: ignore[no-any-return]
        """async (name) => {
            const player = document.querySelector(`audio[aria-label="${name}"]`);
            await player.play();
            const heard = await new Promise((done) => {
                const look = () => (player.currentTime > 0.2 ? done(player.currentTime) : setTimeout(look, 50));
                look();
            });
            const playing = [...document.querySelectorAll("audio")].filter((other) => !other.paused);
            const others = playing.filter((other) => other !== player).length;
            return { duration: player.duration, heard, others };
        }""",
        name,
    )


# Whoever opens a shelf that the page hasn't made yet makes an empty one, which the page could keep nothing on.
SHELVED = """async () => {
    if (!(await indexedDB.databases()).some(({ name }) => name === "timbre-shelf")) return 0;
    return new Promise((resolve) => {
        const request = indexedDB.open("timbre-shelf");
        request.onsuccess = () => {
            const count = request.result.transaction("rows").objectStore("rows").count();
            count.onsuccess = () => { request.result.close(); resolve(count.result); };
        };
    });
}"""
REMOVED = """new Promise((resolve, reject) => {
    const request = indexedDB.open("timbre-shelf");
    request.onerror = reject;
    request.onsuccess = () => {
        const rows = request.result.transaction("rows").objectStore("rows").getAll();
        rows.onsuccess = () => {
            request.result.close();
            resolve(rows.result.filter(({ removed }) => removed).length);
        };
    };
})"""
CHANGE_ROWS = """(change) => new Promise((resolve, reject) => {
    const request = indexedDB.open("timbre-shelf");
    request.onerror = reject;
    request.onsuccess = () => {
        const transaction = request.result.transaction("rows", "readwrite");
        const rows = transaction.objectStore("rows");
        rows.getAll().onsuccess = ({ target }) => target.result.forEach((row) => rows.put({ ...row, ...change }));
        transaction.oncomplete = () => { request.result.close(); resolve(); };
    };
})"""


def shelved(page: Page) -> int:
    """How many recordings, of anybody, lie on the shelf in this browser."""
    return int(page.evaluate(SHELVED))


def change_shelved(page: Page, **change: Any) -> None:
    """In every row of the shelf."""
    page.evaluate(CHANGE_ROWS, change)


def until_shelved(page: Page, count: int) -> None:
    """As long as it takes until so many recordings lie there: what a reload brings back was stored before it."""
    for _ in range(600):
        if shelved(page) == count:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{shelved(page)} lie on the shelf, not {count}")


def until_removed(page: Page, count: int) -> None:
    """As long as it takes until so many rows of the shelf are marked as removed."""
    for _ in range(600):
        if page.evaluate(REMOVED) == count:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{page.evaluate(REMOVED)} are marked as removed, not {count}")
