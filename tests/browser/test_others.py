"""Who may see and do what, as they meet it."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.studio import allow, convert, sign_in, wait_until
from tests.support.product import Product


def test_another_team_finds_nothing_and_a_viewer_listens_only(
    page: Page, stranger: Page, product: Product, people: dict[str, str], brief: Path
) -> None:
    address = convert(page, brief)
    wait_until(page, "ready")
    allow(stranger, 404)

    sign_in(stranger, product.url, people["mallory"], product.admin_password)
    for path in (address, f"{address}download/", f"{address}source/", f"{address}status/"):
        answer = stranger.goto(path)
        assert answer is not None
        assert answer.status == 404
        expect(stranger.get_by_role("heading", level=1)).to_have_text("There is nothing here")
    stranger.goto("/history/")
    expect(stranger.get_by_text("Nothing here yet.")).to_be_visible()

    stranger.context.clear_cookies()
    sign_in(stranger, product.url, people["victor"], product.admin_password)
    expect(stranger.get_by_text("You can listen here, but not convert.")).to_be_visible()
    expect(stranger.get_by_role("button", name="Convert")).to_have_count(0)
    stranger.goto(address)
    expect(stranger.get_by_role("link", name="Download MP3")).to_be_visible()
    expect(stranger.get_by_text("Delete", exact=True)).to_have_count(0)
