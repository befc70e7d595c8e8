"""The style page of a product with DEBUG: every component in light and dark, on a desk and on a phone, and in contrast
themes. The pictures lie beside those of test_looks.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import new_page
from tests.browser.looks import KINDS, Kind, Look, keep_picture, name_of
from tests.browser.studio import convert, sign_in, wait_until
from tests.support.product import CHECKOUT, Product

SPEECH = CHECKOUT / "tests" / "data" / "speech" / "interview.mp3"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A product of somebody who works on it."""
    with Product(tmp_path_factory.mktemp("workshop") / "data", {"DEBUG": "true"}) as running:
        yield running


@pytest.fixture(scope="module")
def session(chromium: Browser, workshop: Product) -> dict[str, object]:
    """Of the admin, who has something to listen to."""
    for page in new_page(chromium, workshop):
        sign_in(page, workshop.url, workshop.admin_email, workshop.admin_password)
        convert(page, SPEECH, voice="Atlas")
        wait_until(page, "ready")
        state = dict(page.context.storage_state())
    return state


def opened(page: Page) -> Page:
    page.goto("/styleguide/")
    expect(page.locator("#tracks label")).to_have_count(2)  # the players are at work
    page.wait_for_load_state("networkidle")
    return page


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_every_component(chromium: Browser, workshop: Product, session: dict[str, object], kind: Kind) -> None:
    for page in new_page(chromium, workshop, storage_state=session):
        look = Look(page, kind)
        opened(page)
        look.take("styleguide")
        page.locator("summary", has_text="Delete").click()
        page.get_by_role("button", name="Open a dialog").click()
        look.take("styleguide-dialog", whole=False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_component_in_a_contrast_theme(
    chromium: Browser, workshop: Product, session: dict[str, object], scheme: str
) -> None:
    told = {"forced_colors": "active", "color_scheme": scheme}
    for page in new_page(chromium, workshop, storage_state=session, look=told):
        keep_picture(opened(page), f"styleguide-forced-{scheme}")
