"""Sending: each recording on its own way, and what goes wrong with one is said at that one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.studio import Recording, allow, choose, choose_voice, named, row, sign_in, until_shelved

pytestmark = pytest.mark.usefixtures("at_rest")
EMPTY = Recording("empty.wav", b"")
TOO_LARGE = Recording("long.wav", bytes(6 * 1024**2))


class Gate:
    """Holds what the Studio sends until it is opened."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.is_open = False
        self.held: list[Route] = []
        page.route("**/", self._meet)

    def _meet(self, route: Route) -> None:
        if route.request.method == "POST" and not self.is_open:
            self.held.append(route)
        else:
            route.continue_()

    def wait_for(self, count: int) -> None:
        for _ in range(600):
            if len(self.held) >= count:
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"{len(self.held)} were sent, not {count}")

    def open(self) -> None:
        self.is_open = True
        for route in self.held:
            route.continue_()


@contextmanager
def lost_answers(page: Page) -> Iterator[None]:
    """The server gets and accepts what the Studio sends, and the page never hears of it."""
    session = page.context.new_cdp_session(page)

    def lose(event: dict[str, Any]) -> None:
        verb, more = "Fetch.continueRequest", {}
        if event["request"]["method"] == "POST":
            assert event["responseStatusCode"] < 400
            verb, more = "Fetch.failRequest", {"errorReason": "ConnectionReset"}
        session.send(verb, {"requestId": event["requestId"], **more})

    session.on("Fetch.requestPaused", lose)
    session.send("Fetch.enable", {"patterns": [{"requestStage": "Response"}]})
    yield
    session.detach()


def convert(page: Page) -> None:
    page.get_by_role("button", name="Convert").click()


def test_several_in_several_voices_are_sent_two_at_once_and_become_one_batch(page: Page, speech: Path) -> None:
    page.goto("/")
    names = ("first.mp3", "second.mp3", "third.mp3")
    choose(page, *[named(speech / "interview.mp3", name) for name in names])
    choose_voice(page, "Atlas", "Nora")
    expect(page.locator("#sentence")).to_contain_text(
        "3 recordings (18 sec) will be spoken by Atlas and Nora, as MP3. You get 6 results.", use_inner_text=True
    )
    gate = Gate(page)
    convert(page)
    gate.wait_for(2)
    expect(page.get_by_role("status").filter(has_text="Sending 3 recordings.")).to_be_visible()
    expect(row(page, "third.mp3")).to_contain_text("Waiting")
    assert len(gate.held) == 2
    expect(page.locator("#recording .drop")).to_have_attribute("inert", "")
    expect(page.locator("#voice")).to_have_attribute("inert", "")
    opened: list[str] = []
    page.on("request", lambda request: opened.append(request.url))
    gate.open()
    page.wait_for_url("**/batches/*/")
    expect(page.get_by_role("heading", level=1)).to_have_text("3 recordings")
    assert opened.count(page.url) == 1  # not once more for each that was sent
    for name in names:
        expect(page.locator("main")).to_contain_text(name.removesuffix(".mp3"))


def test_a_batch_has_its_recordings_as_they_were_chosen_however_they_arrive(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, *[named(speech / "interview.mp3", f"chosen {number}.mp3") for number in (2, 3, 1)])
    gate = Gate(page)
    convert(page)
    gate.wait_for(2)
    gate.held.pop(1).continue_()  # the second overtakes the first, and so does the third
    gate.wait_for(2)
    gate.held.pop(1).continue_()
    expect(row(page, "chosen 1.mp3")).to_contain_text("Accepted")
    gate.open()
    page.wait_for_url("**/batches/*/")
    expect(page.locator("th.what bdi")).to_have_text(["chosen 2", "chosen 3", "chosen 1"])


WHAT_IS_SENT = """
    window.sent = [];
    const { send } = XMLHttpRequest.prototype;
    XMLHttpRequest.prototype.send = function (body) {
        window.sent.push([...body].map(([name, value]) => `${name} is ${value instanceof File ? "a file" : value}`));
        return send.call(this, body);
    };
"""


@pytest.mark.parametrize("several", [False, True])
def test_each_form_ends_with_its_recording_and_has_said_so(page: Page, speech: Path, several: bool) -> None:
    """Else the server looks for that end in all of it."""
    page.add_init_script(WHAT_IS_SENT)
    page.goto("/")
    choose(page, *[named(speech / "interview.mp3", f"{number}.mp3") for number in range(1 + several)])
    gate = Gate(page)
    convert(page)
    gate.wait_for(1 + several)
    for sent in page.evaluate("window.sent"):
        assert sent[-1] == "audio is a file"
        assert "last is audio" in sent[:-1]
    gate.open()
    page.wait_for_url(re.compile("/(conversions|batches)/"))


def test_what_is_refused_stays_with_its_reason_and_the_others_are_accepted(page: Page, speech: Path) -> None:
    allow(page, 413)
    page.goto("/")
    choose(page, EMPTY, TOO_LARGE)
    expect(row(page, "long.wav").get_by_role("alert")).to_have_text("This file is too large: at most 5.0 MB are taken.")
    page.evaluate("document.querySelector('#recording').dataset.limit = 1e9")  # the limit when the page was opened
    choose(page, TOO_LARGE._replace(name="lowered.wav"), named(speech / "interview.mp3", "good.mp3"))
    convert(page)
    notice = page.get_by_role("alert").filter(has_text="1 recording was accepted.")
    expect(notice).to_be_focused()
    expect(row(page, "good.mp3")).to_have_count(0)
    expect(row(page, "empty.wav").get_by_role("alert")).to_contain_text("This file is empty.")
    for never in ("empty.wav", "long.wav"):  # sent again it would be the same
        expect(row(page, never).get_by_role("button", name="Send again")).to_be_hidden()
    lowered = row(page, "lowered.wav")
    expect(lowered.get_by_role("alert")).to_contain_text("This is too large: at most 5.0 MB are taken at once.")
    expect(lowered.get_by_role("button", name="Send again")).to_be_visible()
    page.reload()
    expect(row(page, "lowered.wav")).to_be_visible()
    expect(row(page, "good.mp3")).to_have_count(0)


def test_the_link_after_a_partial_success_leads_to_what_was_accepted(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, named(speech / "interview.mp3", "arrived.mp3"), TOO_LARGE)
    convert(page)
    page.get_by_role("link", name="See what was accepted").click()
    page.wait_for_url("**/batches/*/")
    expect(page.locator("main")).to_contain_text("arrived")


def send_two(page: Page, speech: Path, *names: str) -> Gate:
    """Both are held there."""
    page.goto("/")
    choose(page, *(named(speech / "interview.mp3", name) for name in names))
    gate = Gate(page)
    convert(page)
    gate.wait_for(2)
    return gate


def test_one_can_be_cancelled_and_sent_again_while_the_others_go_on(page: Page, speech: Path) -> None:
    gate = send_two(page, speech, "one.mp3", "two.mp3")
    row(page, "one.mp3").get_by_role("button", name="Cancel").click()
    expect(row(page, "one.mp3").get_by_role("alert")).to_have_text("Stopped. It isn’t converted.")
    row(page, "one.mp3").get_by_role("button", name="Send again").click()
    gate.wait_for(3)
    expect(row(page, "one.mp3").get_by_role("alert")).to_be_hidden()
    gate.held.pop(0)  # the one that was cancelled
    gate.open()
    page.wait_for_url("**/batches/*/")


def test_a_connection_that_breaks_for_one_is_said_there(page: Page, speech: Path) -> None:
    gate = send_two(page, speech, "lucky.mp3", "unlucky.mp3")
    unlucky = gate.held.pop()
    gate.open()
    expect(row(page, "lucky.mp3")).to_contain_text("Accepted")
    unlucky.abort()
    expect(row(page, "unlucky.mp3").get_by_role("alert")).to_contain_text("The connection was lost")
    expect(page.locator(".file")).to_have_count(1)
    row(page, "unlucky.mp3").get_by_role("button", name="Send again").click()
    page.wait_for_url("**/batches/*/")


def test_a_lost_answer_is_no_refusal_and_sending_again_makes_nothing_twice(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, named(speech / "interview.mp3", "no answer.mp3"))
    with lost_answers(page):
        convert(page)
        problem = row(page, "no answer.mp3").get_by_role("alert")
        expect(problem).to_contain_text("All of it had been sent, but no answer came")
    page.reload()
    expect(row(page, "no answer.mp3")).to_contain_text("Look in the History whether it arrived")
    convert(page)
    page.wait_for_url("**/conversions/*/")
    page.goto("/history/?q=no+answer")
    expect(page.get_by_role("row")).to_have_count(2)  # the heading and the one


def test_an_audition_that_is_sent_again_is_still_an_audition(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, named(speech / "interview.mp3", "tried.mp3"))
    gate = Gate(page)
    page.locator("summary", has_text="Not sure which?").click()
    page.get_by_role("button", name="Try the ticked voices").click()
    gate.wait_for(1)
    gate.held.pop().abort()
    expect(row(page, "tried.mp3").get_by_role("alert")).to_be_visible()
    row(page, "tried.mp3").get_by_role("button", name="Send again").click()
    gate.wait_for(1)
    gate.open()
    page.wait_for_url(re.compile("/(auditions|conversions)/"))
    assert "/auditions/" in page.url


def test_a_reload_in_the_middle_of_sending_offers_it_again(page: Page, speech: Path) -> None:
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.goto("/")
    choose(page, named(speech / "interview.mp3", "on its way.mp3"))
    gate = Gate(page)
    convert(page)
    gate.wait_for(1)
    gate.is_open = True
    page.reload()
    assert asked == ["beforeunload"]
    expect(row(page, "on its way.mp3")).to_contain_text(
        re.compile("Press Convert to send it again|Look in the History")
    )
    convert(page)
    page.wait_for_url("**/conversions/*/")
    page.goto("/")
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_visible()
    expect(page.locator(".file")).to_have_count(0)


def sign_in_again(page: Page) -> None:
    """In the tab that the link opens; then the person comes back."""
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Sign in in a new tab").click()
    tab = opened.value
    tab.get_by_label("E-mail").fill("alice@example.com")
    tab.get_by_label("Password").fill("a long password for tests")
    tab.get_by_role("button", name="Sign in").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("History")
    tab.close()
    page.evaluate("window.dispatchEvent(new Event('focus'))")


def test_what_was_sent_while_the_session_ended_is_kept_and_taken_up_again(page: Page, speech: Path) -> None:
    page.goto("/")
    choose_voice(page, "Nora")
    choose(page, *[named(speech / "interview.mp3", f"{name}.mp3") for name in ("first", "second", "third")])
    gate = Gate(page)
    convert(page)
    gate.wait_for(2)
    gate.held.pop(0).continue_()
    gate.wait_for(2)
    expect(row(page, "first.mp3")).to_contain_text("Accepted")
    page.context.clear_cookies()
    gate.open()
    notice = page.get_by_role("alert").filter(has_text="You were signed out, and what is still in your list")
    expect(notice).to_be_focused()
    expect(notice).to_contain_text("1 recording was accepted.")
    for name in ("second.mp3", "third.mp3"):
        problem = row(page, name).get_by_role("alert")
        expect(problem).to_have_text("You were signed out before this was taken. It isn’t converted.")
    row(page, "third.mp3").get_by_role("button", name="Send again").click()  # nobody has signed in yet
    expect(notice).to_be_focused()
    expect(page.locator(".file")).to_have_count(2)
    sign_in_again(page)
    page.wait_for_url("**/batches/*/")
    expect(page.locator("th.what bdi")).to_have_text(["first", "second", "third"])
    expect(page.locator(".take b")).to_have_text(["Nora"] * 3)


# Notes what the shelf says of a recording at the moment in which the page says what became of it. It takes its time.
SHELF_WHEN_SAID = """
    const put = IDBObjectStore.prototype.put;
    window.storedAs = "";
    window.storedWhenSaid = null;
    IDBObjectStore.prototype.put = function (row) {
      const { transaction } = this;
      const { oncomplete } = transaction;
      const told = () => oncomplete((window.storedAs = row.state));
      if (row.state !== undefined) transaction.oncomplete = () => setTimeout(told, 300);
      return put.call(this, row);
    };
    new MutationObserver(() => {
      if (document.querySelector(".file [role=alert]")?.textContent) window.storedWhenSaid ??= window.storedAs;
    }).observe(document, { subtree: true, childList: true, characterData: true });
"""


def send_signed_out(page: Page, speech: Path) -> None:
    """And be told, at the recording."""
    page.goto("/")
    choose(page, speech / "interview.mp3")
    until_shelved(page, 1)
    page.context.clear_cookies()
    convert(page)
    expect(row(page, "interview.mp3").get_by_role("alert")).to_be_visible()


def test_what_is_said_at_a_recording_is_on_the_shelf_by_then(page: Page, speech: Path) -> None:
    page.add_init_script(SHELF_WHEN_SAID)
    send_signed_out(page, speech)
    assert page.evaluate("window.storedWhenSaid") == "untaken"


def test_what_is_said_of_a_lost_answer_is_on_the_shelf_by_then(page: Page, speech: Path) -> None:
    page.add_init_script(SHELF_WHEN_SAID)
    page.goto("/")
    choose(page, named(speech / "interview.mp3", "no answer.mp3"))
    until_shelved(page, 1)
    with lost_answers(page):
        convert(page)
        expect(row(page, "no answer.mp3").get_by_role("alert")).to_contain_text("no answer came")
    assert page.evaluate("window.storedWhenSaid") == "arrived"


def test_what_was_not_taken_is_still_there_for_who_leaves_the_page_to_sign_in(page: Page, speech: Path) -> None:
    send_signed_out(page, speech)
    sign_in(page, "", "alice@example.com", "a long password for tests")
    expect(row(page, "interview.mp3")).to_contain_text("You were signed out before this was taken. Press Convert")
    convert(page)
    page.wait_for_url("**/conversions/*/")


@pytest.mark.parametrize("lost", ["timbre_session", "timbre_"], ids=["the session", "every cookie"])
@pytest.mark.parametrize("content", [b"RIFF", bytes(4 * 1024**2)], ids=["little", "much"])
def test_without_scripts_who_was_signed_out_reads_that_nothing_was_taken_and_goes_on(
    plain_page: Page, speech: Path, lost: str, content: bytes
) -> None:
    """Much is still on its way when the answer is known."""
    page = plain_page
    page.goto("/")
    choose(page, Recording("lost.wav", content))
    page.context.clear_cookies(name=re.compile(lost))
    convert(page)
    expect(page.get_by_role("alert")).to_have_text(
        "You were signed out before this arrived, so what you sent was not taken. Sign in, then send it again."
    )
    page.get_by_label("E-mail").fill("alice@example.com")
    page.get_by_label("Password").fill("a long password for tests")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Change the voice, keep the performance")
    expect(page.locator(".notice.bad:visible")).to_have_text(
        "You had been signed out, so what you sent was not taken. Nothing was converted or changed by it. "
        "Please send it again."
    )
    choose(page, named(speech / "interview.mp3", "sent again.mp3"))
    convert(page)
    page.wait_for_url("**/conversions/*/")
    page.goto("/history/")
    expect(page.locator("main")).to_contain_text("sent again")
    expect(page.locator("main")).not_to_contain_text("lost")


def test_an_upload_says_how_fast_it_is_and_how_long_it_takes(page: Page) -> None:
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 200_000}
    page.goto("/")
    sounds = [Recording(f"{n}.wav", bytes(4 * 1024**2)) for n in range(2)]  # still on their way when they are stopped
    choose(page, *sounds)
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    convert(page)
    words = re.compile(r"^\d+% · \d+ kB/s · \d+ sec left$")
    expect(row(page, "1.wav").locator(".facts")).to_have_text(words)
    expect(page.locator("#sending .pace")).to_have_text(re.compile(r"^\d+ kB/s · \d+ sec left$"))
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("alert").filter(has_text="Stopped.")).to_have_count(2)
    expect(page.get_by_role("button", name="Convert")).to_be_visible()
