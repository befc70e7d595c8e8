"""A look at a page: nothing sticks out, axe-core finds nothing that keeps anyone out, and a picture is kept.

The pictures lie in test-results/screens/, for people to look at.
"""

from __future__ import annotations

from typing import Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Page

from tests.support.product import CHECKOUT

# WCAG 2.2, levels A and AA, and what axe-core's makers call best practice.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
ColorScheme = Literal["light", "dark"]
SCREENS = CHECKOUT / "test-results" / "screens"
# How wide, and in which colours; the second pair of one width follows on the same page, as when the sun sets.
KINDS = [(1440, ("light", "dark")), (390, ("dark",)), (360, ("light",))]
TWO_KINDS = [(1280, ("light",)), (390, ("dark",))]


def name_of(kind: tuple[int, tuple[ColorScheme, ...]]) -> str:
    width, schemes = kind
    return f"{width}-{'-'.join(schemes)}"


in_two_kinds = pytest.mark.parametrize("look", TWO_KINDS, indirect=True, ids=name_of)


class Look:
    def __init__(self, page: Page, width: int, schemes: tuple[ColorScheme, ...] = ("light",)) -> None:
        self.page = page
        self.width = width
        self.schemes = schemes

    def take(self, name: str, *, whole: bool = True) -> None:
        self.page.wait_for_load_state()  # its styles may still be on their way
        for scheme in self.schemes:
            if len(self.schemes) > 1:
                self.page.emulate_media(color_scheme=scheme)
            self._take(f"{name}-{self.width}-{scheme}", whole=whole)

    def _take(self, name: str, *, whole: bool) -> None:
        too_wide = self.page.evaluate(TOO_WIDE)
        assert not too_wide, f"{name} is wider than the window: {too_wide}"
        small = self.page.evaluate(SMALL_TARGETS)
        assert not small, f"{name} has targets under 44 px: {small}"
        found = broken_rules(self.page)
        assert not found.violations_count, f"{name}: {found.generate_report()}"
        keep_picture(self.page, name, whole=whole)


def keep_picture(page: Page, name: str, *, whole: bool = True) -> None:
    """For people to look at. As PNG it took half as long again to make."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.jpg", full_page=whole)


def broken_rules(page: Page) -> AxeResults:
    """What `Axe().run` finds, without what was in order, and with the half megabyte of axe-core once a page: both
    take long on their way between the browser and us.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    return AxeResults(page.evaluate(ASK_AXE, RULES))


ASK_AXE = "async (rules) => ({ violations: (await axe.run(rules)).violations })"


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
