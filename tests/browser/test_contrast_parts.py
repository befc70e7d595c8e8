"""Contrast themes on the pages of recordings in pieces, in parts, and of films: what differs by colour alone elsewhere
shows here too."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.stage import set_stage
from tests.browser.studio import allow
from tests.browser.test_contrast import forced, share_of, style  # noqa: F401
from tests.support.product import Product


def test_pieces_show_their_state_on_the_map(forced: Page, product: Product) -> None:  # noqa: F811
    page = forced
    page.goto(f"/conversions/{set_stage(product, 'in_pieces')}/")
    expect(page.locator("#pieces .state")).to_have_count(4)
    page.look("pieces")  # type: ignore[attr-defined]
    heights = [rect.bounding_box() for rect in page.locator("#pieces-map rect").all()]
    seen = [box["height"] for box in heights if box]
    assert len(set(seen[:3])) == 3  # finished, under way, waiting
    first, last = page.locator("#pieces-map rect").first, page.locator("#pieces-map rect").last
    background = style(page.locator("body"), "backgroundColor")
    assert background not in (style(first, "fill"), style(last, "fill"))


def test_who_speaks_can_be_told_apart_on_the_strip(forced: Page, talk: str) -> None:  # noqa: F811
    page = forced
    allow(page, 422)  # until it is said who speaks there
    page.goto(talk)
    for number, (start, end) in enumerate((("0:01", "0:05"), ("6", "0:12"))):
        page.locator(f"#id_part-{number}-start").fill(start)
        page.locator(f"#id_part-{number}-end").fill(end)
        page.locator(f"#id_part-{number}-who").select_option(index=number + 1)
    expect(page.locator("#lane rect")).to_have_count(2)
    page.look("parts")  # type: ignore[attr-defined]
    parts = [style(rect, "fill") for rect in page.locator("#lane rect").all()]
    swatches = [style(swatch, "backgroundColor") for swatch in page.locator(".swatch").all()]
    assert parts == swatches
    assert len({*parts, style(page.locator("#lane"), "backgroundColor")}) == 3


def test_a_film_has_a_frame_and_buttons(forced: Page, filmed: str) -> None:  # noqa: F811
    page = forced
    page.goto(filmed)
    expect(page.locator("#film video")).to_be_visible()
    page.look("film")  # type: ignore[attr-defined]
    assert style(page.locator("#film video"), "borderTopStyle") == "solid"
    link = page.get_by_role("link", name="Download film")
    assert style(link, "borderTopColor") != style(page.locator("#film"), "backgroundColor")
