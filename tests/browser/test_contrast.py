"""Contrast themes (forced colours), where pages have no colours of their own: what is chosen shows all the same. And
browsers without newer CSS, where nothing may be hidden or unmarked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser.conftest import new_page
from tests.browser.looks import keep_forced, keep_picture
from tests.browser.studio import choose, choose_voice, convert, open_options, wait_until
from tests.support.product import CHECKOUT, Product

INTERVIEW = CHECKOUT / "tests" / "data" / "speech" / "interview.mp3"
PROBE = """() => {
    const probe = document.createElement("p");
    probe.id = "probe";
    for (const [name, value] of Object.entries({
        position: "fixed", inset: "auto auto 0 0", width: "20px", height: "20px", background: "Highlight",
        "forced-color-adjust": "none", "z-index": "99",
    })) probe.style.setProperty(name, value);
    document.body.append(probe);
}"""


@pytest.fixture(scope="module")
def ready(chromium: Browser, product: Product, cookies: dict[str, object]) -> str:
    """The page of a conversion."""
    for page in new_page(chromium, product, storage_state=cookies):
        address = convert(page, INTERVIEW)
        wait_until(page, "ready")
    return address


@pytest.fixture(params=["light", "dark"])
def forced(
    request: pytest.FixtureRequest, chromium: Browser, product: Product, cookies: dict[str, object]
) -> Iterator[Page]:
    """Alice's page in a contrast theme."""
    scheme: str = request.param
    colours = {"forced_colors": "active", "color_scheme": scheme}
    for page in new_page(chromium, product, storage_state=cookies, look=colours, bypass_csp=True):
        page.look = partial(keep_forced, page)  # type: ignore[attr-defined]
        yield page


def pixels(place: Locator) -> NDArray[np.int64]:
    """(height, width, 3) of what is seen at this place."""
    decoder: Any = av.CodecContext.create("png", "r")
    (frame,) = decoder.decode(av.Packet(place.screenshot()))
    found: NDArray[np.int64] = frame.to_ndarray(format="rgb24").astype(np.int64)
    return found


def share_of(place: Locator, colour: NDArray[np.int64]) -> float:
    """How much of what is seen at this place has the colour."""
    return float(np.mean(np.all(np.abs(pixels(place) - colour) < 6, axis=2)))


def highlight(page: Page) -> NDArray[np.int64]:
    """As it is seen: themes may mix it with what lies below."""
    page.evaluate(PROBE)
    colour: NDArray[np.int64] = pixels(page.locator("#probe"))[10, 10]
    page.evaluate("document.querySelector('#probe').remove()")
    return colour


def style(place: Locator, name: str, pseudo: str = "") -> Any:
    return place.evaluate(
        "(element, [name, pseudo]) => getComputedStyle(element, pseudo || null)[name]", [name, pseudo]
    )


def marked(page: Page, places: Locator) -> list[str]:
    """The words of those in which the colour of what is selected is seen."""
    colour = highlight(page)
    return [place.inner_text().strip() for place in places.all() if share_of(place, colour) > 0.002]


def test_only_the_ticked_voice_is_marked(forced: Page, two_endpoints: None) -> None:
    page = forced
    page.goto("/")
    choose_voice(page, "Atlas")
    page.mouse.move(0, 0)
    page.look("studio")  # type: ignore[attr-defined]
    cards = page.locator(".voice")
    ticked = [card for card in cards.all() if card.locator("input").is_checked()]
    assert len(ticked) == 1
    colour = highlight(page)
    for card in cards.all():
        is_ticked = card.locator("input").is_checked()
        assert style(card, "content", "::before") == ('"✓" / ""' if is_ticked else '""')
        assert (share_of(card, colour) > 0.01) == is_ticked
    assert style(ticked[0], "borderTopWidth") != style(cards.filter(has_text="Lyra"), "borderTopWidth")


def test_only_what_is_current_pressed_or_chosen_is_marked(forced: Page, many_voices: None) -> None:
    page = forced
    page.goto("/")
    page.mouse.move(0, 0)
    assert marked(page, page.locator(".rooms a")) == ["Studio"]
    assert marked(page, page.locator(".find-voice .chips [data-show]")) == ["All"]
    page.get_by_role("button", name="Favourites").click()
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    assert marked(page, page.locator(".find-voice .chips [data-show]")) == ["Favourites"]
    page.get_by_role("link", name="Podcast voice").click()
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    assert marked(page, page.locator("#presets .chip")) == ["Podcast voice"]
    open_options(page)
    page.look("studio-options")  # type: ignore[attr-defined]
    page.goto("/history/?state=failed")
    page.mouse.move(0, 0)
    assert marked(page, page.locator(".rooms a")) == ["History"]
    assert marked(page, page.locator("main .button:not(.main)")) == []
    page.look("history")  # type: ignore[attr-defined]
    page.goto("/presets/")
    page.look("presets")  # type: ignore[attr-defined]


def test_what_is_heard_where_and_how_far_shows(forced: Page, ready: str) -> None:
    page = forced
    page.goto(ready)
    expect(page.locator("#tracks label")).to_have_count(2)
    page.locator(".waveform").first.click(position={"x": 200, "y": 30})
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    page.look("conversion")  # type: ignore[attr-defined]
    chosen = page.locator("#tracks label:has(input:checked)")
    assert marked(page, page.locator("#tracks label")) == [chosen.inner_text().strip()]
    colour = highlight(page)
    for wave in page.locator(".waveform").all():
        assert share_of(wave, colour) > 0.001  # the head
        assert style(wave.locator(".head"), "stroke") != style(wave.locator("path"), "stroke")
    heard, other = page.locator(".track.active .waveform path"), page.locator(".track:not(.active) .waveform path")
    assert style(heard.first, "fill") != "none"
    assert style(other.first, "fill") == "none"
    page.goto("/")
    choose(page, INTERVIEW)
    page.locator("#sending").evaluate(
        "(bar) => { bar.hidden = false; bar.classList.add('several'); bar.querySelector('progress').value = 0.5; }"
    )
    assert 0.2 < share_of(page.locator("#sending progress"), colour) < 0.6


def test_what_can_be_undone_and_what_is_not_heard_have_frames(forced: Page, ready: str) -> None:
    page = forced
    page.goto("/")
    choose(page, INTERVIEW)
    page.get_by_role("button", name="Remove interview.mp3").click()
    undo = page.locator(".undo")
    expect(undo).to_contain_text("interview.mp3")
    assert style(undo, "borderTopStyle") == "solid"
    assert style(undo.get_by_role("button"), "borderTopStyle") == "solid"
    page.look("studio-undo", whole=False)  # type: ignore[attr-defined]
    page.goto(ready)
    words = page.locator("#unheard")
    said = "Nothing is heard: this browser found no device that plays sound. Connect one and press Play again."
    words.evaluate("(place, said) => { place.hidden = false; place.textContent = said; }", said)  # as Firefox shows it
    assert style(words, "borderTopStyle") == "solid"
    page.look("conversion-unheard")  # type: ignore[attr-defined]


def test_the_focus_can_be_told_from_what_is_chosen(forced: Page) -> None:
    page = forced
    page.goto("/")
    box = page.get_by_role("checkbox", name="Nora")
    box.check()
    box.focus()  # one that was ticked already has not been touched
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    card = page.locator(".voice", has=box)
    assert style(card, "outlineStyle") == "solid"
    assert style(card, "outlineWidth") == "3px"
    around = page.locator("#voice")
    ink = page.locator("h1").evaluate("(heading) => getComputedStyle(heading).color.match(/\\d+/g).map(Number)")
    with_focus = share_of(around, np.array(ink))
    page.evaluate("document.activeElement.blur()")
    assert share_of(around, np.array(ink)) < with_focus  # a frame in the colour of text, and the card's own one stays
    assert share_of(card, highlight(page)) > 0.01


NEWER = re.compile(r":has\(|light-dark\(|color-mix\(|; ?content: [^;]* / [^;]*(?=;)")


def older(route: Route) -> None:
    """The sheet as a browser reads it that doesn't know these: it drops each declaration or rule with one of them."""
    answer = route.fetch()

    def unknown(found: re.Match[str]) -> str:
        return (
            ""
            if "content" in found[0]
            else found[0].replace(":", ":-unknown-", 1)
            if found[0][0] == ":"
            else "x-" + found[0]
        )

    route.fulfill(response=answer, body=NEWER.sub(unknown, answer.text()))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_without_newer_css_has_colours_and_marks_what_is_chosen(
    chromium: Browser, product: Product, cookies: dict[str, object], scheme: str
) -> None:
    for page in new_page(chromium, product, storage_state=cookies, look={"color_scheme": scheme}):
        page.route("**/*.css", older)
        page.goto("/")
        choose_voice(page, "Nora")
        keep_picture(page, f"studio-older-{scheme}")
        background, ink = (style(page.locator("body"), name) for name in ("backgroundColor", "color"))
        assert (background, ink) == {
            "light": ("rgb(248, 247, 244)", "rgb(29, 26, 23)"),
            "dark": ("rgb(21, 20, 19)", "rgb(242, 239, 235)"),
        }[scheme]
        for name in ("Nora", "Atlas"):  # the browser's own boxes
            box = page.get_by_role("checkbox", name=name)
            assert style(box, "opacity") == "1"
            assert box.evaluate("(box) => box.getBoundingClientRect().width") < 30
        chip = page.get_by_role("link", name="Podcast voice")
        before = style(chip, "backgroundColor")
        chip.click()
        page.mouse.move(0, 0)
        expect(chip).to_have_attribute("aria-current", "true")
        expect(chip).not_to_have_css("background-color", before)
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide <= 0
