"""Ten seconds of a recording in several voices, then all of it in the one that suits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import with_and_without_scripts
from tests.browser.studio import Recording, choose, choose_voice, named, play, wait_until
from tests.support.music import band_as_wav


@with_and_without_scripts
def test_voices_are_tried_then_one_converts_all_of_it(page: Page, page_kind: str, speech: Path) -> None:
    page.goto("/")
    name, whole_s = {"page": ("woman_prompts", "17"), "plain_page": ("man_cards", "10")}[page_kind]
    choose(page, named(speech / f"{name}.flac", f"audition {page_kind}.flac"))
    choose_voice(page, "Nora", "Marcus")
    page.locator("summary", has_text="Not sure which?").click()
    page.get_by_label("From second").fill("5")
    page.get_by_role("button", name="Try the ticked voices").click()
    page.wait_for_url("**/auditions/*/")
    wait_until(page, "ready")
    if page_kind == "page":
        for name in ("Nora", "Marcus", "Original"):
            heard = play(page, name)
            assert heard["duration"] == pytest.approx(10, abs=0.1)
            assert heard["others"] == 0
    page.get_by_role("checkbox", name="Marcus").check()
    page.get_by_role("button", name="Convert all of it in the ticked voices").click()
    page.wait_for_url("**/conversions/*/")
    wait_until(page, "ready")
    expect(page.locator(".facts")).to_contain_text("Marcus")
    expect(page.locator(".facts")).to_contain_text(f"{whole_s} sec")  # all of its seconds
    page.goto("/history/?q=audition+" + page_kind)
    expect(page.get_by_role("row")).to_have_count(2)  # the heading and the whole: no audition


def begin_auditions(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, speech / "woman_prompts.flac")
    page.locator("summary", has_text="Not sure which?").click()
    page.get_by_role("button", name="Try the ticked voices").click()
    page.wait_for_url("**/auditions/*/")


def test_another_passage_begins_where_the_player_is(page: Page, speech: Path) -> None:
    begin_auditions(page, speech)
    wait_until(page, "ready")
    before = page.url
    whole = page.get_by_label("The whole recording", exact=True)
    expect(page.get_by_role("button", name="From where the player is")).to_be_visible()
    whole.evaluate("(player) => { player.currentTime = 4.2; }")
    page.get_by_role("button", name="From where the player is").click()
    expect(page.get_by_label("From second")).to_have_value("4.2")
    page.evaluate("window.stillHere = true")
    page.get_by_role("button", name="Hear this passage").click()
    page.wait_for_function("() => !window.stillHere")
    wait_until(page, "ready")
    assert page.url == before
    expect(page.get_by_label("From second")).to_have_value("4.2")


def test_a_player_that_was_quicker_than_the_script_is_heard_too(page: Page, speech: Path) -> None:
    begin_auditions(page, speech)
    late: list[Route] = []
    page.route(re.compile(r"/js/audition[^/]*\.js"), lambda route: late.append(route))  # noqa: PLW0108 - no built-in
    page.reload(wait_until="commit")
    for _ in range(300):
        page.wait_for_timeout(100)  # not time.sleep: routes come meanwhile
        if late and page.evaluate("document.querySelector('.passage audio')?.readyState > 0"):
            break
    for route in late:
        route.continue_()
    expect(page.get_by_role("button", name="From where the player is")).to_be_visible()


def test_from_here_in_the_studio_says_where_it_begins(page: Page, speech: Path) -> None:
    page.goto("/")
    choose(page, speech / "woman_prompts.flac")
    player = page.get_by_label("Listen to woman_prompts.flac")
    player.evaluate("(player) => new Promise((done) => { player.onseeked = done; player.currentTime = 3; })")
    page.get_by_role("button", name="Try voices from here").click()
    expect(page.get_by_label("From second")).to_have_value("3.0")


def test_a_recording_without_speech_says_so_to_who_sees_and_who_hears(page: Page, plain_page: Page) -> None:
    for visitor in (page, plain_page):
        visitor.goto("/")
        choose(visitor, Recording("a band.wav", band_as_wav(6)))
        visitor.locator("summary", has_text="Not sure which?").click()
        visitor.get_by_role("button", name="Try the ticked voices").click()
        visitor.wait_for_url("**/auditions/*/")
        said = visitor.get_by_role("status").filter(has_text="We found no speech in this recording")
        expect(said).to_be_visible()
        expect(said).to_be_focused()
        wait_until(visitor, "ready")
        visitor.get_by_label("From second").fill("3.5")
        visitor.get_by_role("button", name="Hear this passage").click()
        expect(visitor.get_by_label("From second")).to_have_value("3.5")
        expect(visitor.get_by_text("We found no speech")).to_have_count(0)
