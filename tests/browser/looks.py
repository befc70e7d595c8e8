"""A look at a page: nothing sticks out, axe-core finds nothing that keeps anyone out, and a picture is kept.

The pictures lie in test-results/screens/, for people to look at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import pytest
from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Page

from tests.support.product import CHECKOUT

# WCAG 2.2, levels A and AA, and what axe-core's makers call best practice.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
# They take nearly all of the time. In a second width of the same colours they look at COLOURED_WHEN_NARROW alone.
OF_COLOURS = ["color-contrast", "link-in-text-block"]
# What style rules for narrow windows give colours of their own; test_looks.py holds it against the sheets.
COLOURED_WHEN_NARROW = [".rooms", ".list tr"]
ColorScheme = Literal["light", "dark"]
SCREENS = CHECKOUT / "test-results" / "screens"


class View(NamedTuple):
    width: int
    scheme: ColorScheme


# What follows in a kind is seen on the same page, as when the sun sets or a window is drawn narrower.
Kind = tuple[View, ...]
KINDS: list[Kind] = [(View(1440, "light"), View(1440, "dark")), (View(390, "dark"), View(360, "light"))]
DESK: Kind = (View(1280, "light"),)
TWO_KINDS: list[Kind] = [DESK, (View(390, "dark"),)]


def name_of(kind: Kind) -> str:
    return "-".join(f"{view.width}-{view.scheme}" for view in kind)


in_two_kinds = pytest.mark.parametrize("look", TWO_KINDS, indirect=True, ids=name_of)


class Look:
    def __init__(self, page: Page, kind: Kind = DESK) -> None:
        self.page = page
        self.kind = kind
        self._become(kind[0])

    def take(self, name: str, *, whole: bool = True) -> None:
        self.page.wait_for_load_state()  # its styles may still be on their way
        for number, view in enumerate(self.kind):
            if len(self.kind) > 1:
                self._become(view)
            if number:
                self.page.evaluate(TWO_FRAMES)
            colours_of = COLOURED_WHEN_NARROW if view.width != self.kind[0].width else ["html"]
            self._take(f"{name}-{view.width}-{view.scheme}", colours_of, whole=whole)

    def _become(self, view: View) -> None:
        self.page.emulate_media(color_scheme=view.scheme)
        self.page.set_viewport_size({"width": view.width, "height": 900 if view.width > 500 else 800})

    def _take(self, name: str, colours_of: list[str], *, whole: bool) -> None:
        too_wide = self.page.evaluate(TOO_WIDE)
        assert not too_wide, f"{name} is wider than the window: {too_wide}"
        small = self.page.evaluate(SMALL_TARGETS)
        assert not small, f"{name} has targets under 44 px: {small}"
        found = broken_rules(self.page, colours_of)
        assert not found.violations_count, f"{name}: {found.generate_report()}"
        keep_picture(self.page, name, whole=whole)


def keep_forced(page: Page, name: str, *, whole: bool = True) -> None:
    """Pictures in the contrast theme that the page has, on a desk and on a phone, where nothing sticks out either."""
    before = page.viewport_size
    scheme = "dark" if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
    for width, height in ((1280, 900), (390, 800)):
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(TWO_FRAMES)
        too_wide = page.evaluate(TOO_WIDE)
        assert not too_wide, f"{name} is wider than the window: {too_wide}"
        keep_picture(page, f"{name}-{width}-forced-{scheme}", whole=whole)
    if before:
        page.set_viewport_size(before)


def keep_picture(page: Page, name: str, *, whole: bool = True) -> None:
    """For people to look at. As PNG it took half as long again to make."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.jpg", full_page=whole)


def broken_rules(page: Page, colours_of: Sequence[str] = ("html",)) -> AxeResults:
    """What `Axe().run` finds, as to colours in these places alone; without what was in order, and with the half
    megabyte of axe-core once a page: both take long on their way between the browser and us.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    return AxeResults(page.evaluate(ASK_AXE, [RULES, OF_COLOURS, list(colours_of)]))


ASK_AXE = """async ([options, ofColours, places]) => {
    const others = Object.fromEntries(ofColours.map((rule) => [rule, { enabled: false }]));
    const found = (await axe.run({ ...options, rules: others })).violations;
    const coloured = [...document.querySelectorAll(places)];
    if (!coloured.length) return { violations: found };
    const colours = { ...options, runOnly: { type: "rule", values: ofColours } };
    return { violations: [...found, ...(await axe.run(coloured, colours)).violations] };
}"""


# What scripts do where a size or a colour has changed is done.
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
# Links within a sentence are exempt (WCAG 2.5.8), and so is what is laid over something larger.
TARGETS = "main button, main .button, header a, header button, main select, .chip, dialog button"
# What sticks out, where the page can be scrolled sideways.
TOO_WIDE = """() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const wide = (element) => element.getBoundingClientRect().right > clientWidth;
    const found = [...document.querySelectorAll("body *")].filter(wide).map((element) => element.cloneNode().outerHTML);
    return [`${scrollWidth} px`, ...found];
}"""
SMALL_TARGETS = f"""() => [...document.querySelectorAll("{TARGETS}")]
    .filter((element) => element.checkVisibility())
    .map((element) => [element.textContent.trim() || element.ariaLabel, element.getBoundingClientRect().height])
    .filter(([, height]) => height < 43.5)"""
