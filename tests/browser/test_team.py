"""The team: a colleague comes in by a link, is given another role, and goes again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import new_page, with_and_without_scripts
from tests.browser.looks import DESK, Look
from tests.support.product import Product

NEW = "a long password for tests"


@pytest.fixture
def newcomer(chromium: Browser, product: Product) -> Iterator[Page]:
    """A browser in which nobody is signed in."""
    yield from new_page(chromium, product)


def join(page: Page, link: str, name: str) -> None:
    page.goto(link)
    page.get_by_label("Name").fill(name)
    page.get_by_label("E-mail").fill(f"{name.lower()}@example.com")
    page.get_by_label("Password").fill(NEW)
    page.get_by_role("button", name="Make an account and join").click()
    expect(page.get_by_role("status").filter(has_text="Welcome to “Harbour Radio”.")).to_be_visible()


@with_and_without_scripts
def test_a_colleague_comes_in_by_a_link_and_goes_again(page: Page, newcomer: Page, page_kind: str) -> None:
    name = "Nina" if page_kind == "page" else "Noel"
    page.goto("/team/")
    page.get_by_label("As").select_option("Viewer")
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("Link", exact=True)
    expect(link).to_have_count(1)
    join(newcomer, link.input_value(), name)
    newcomer.goto("/team/")
    expect(newcomer.get_by_role("heading", name="Invite somebody")).to_have_count(0)

    page.goto("/team/")
    expect(page.get_by_label("Link", exact=True)).to_have_count(0)
    page.get_by_role("link", name=f"Change {name}").click()
    page.get_by_label("Role").select_option("Member")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("listitem").filter(has_text=name)).to_contain_text("Member")
    page.get_by_role("link", name=f"Change {name}").click()
    page.get_by_role("link", name="Remove from the team…").click()
    page.get_by_role("button", name="Remove from the team").click()
    expect(page.get_by_role("status").filter(has_text=f"“{name}” is not in the team any more.")).to_be_visible()
    newcomer.watch.allowed |= {403, 404}  # type: ignore[attr-defined]
    newcomer.goto("/team/")
    expect(newcomer.get_by_role("heading", level=1)).not_to_have_text("Harbour Radio")


def test_the_link_is_copied_by_a_press(page: Page, product: Product) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/team/")
    page.get_by_label("E-mail, if you like").fill("nora@example.com")
    page.get_by_role("button", name="Make a link").click()
    row = page.get_by_role("listitem").filter(has_text="nora@example.com")
    row.get_by_role("button", name="Copy").click()
    expect(row.get_by_role("status")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == row.get_by_label("Link", exact=True).input_value()
    row.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("listitem").filter(has_text="nora@example.com")).to_have_count(0)


def test_every_page_of_it(look: Look, newcomer: Page, people: dict[str, str]) -> None:
    page = look.page
    page.goto("/team/")
    page.get_by_label("E-mail, if you like").fill("nora@example.com")
    page.get_by_role("button", name="Make a link").click()
    look.take("team")
    link = page.get_by_label("Link", exact=True).first.input_value()
    page.get_by_role("link", name="Change Bob").click()
    look.take("team-member")
    page.get_by_role("link", name="Remove from the team…").click()
    look.take("team-remove")
    page.goto("/team/leave/")
    page.get_by_role("button", name="Leave the team").click()
    page.watch.allowed.add(422)  # type: ignore[attr-defined]
    expect(page.get_by_role("alert")).to_contain_text("A team needs an owner.")
    look.take("team-leave-refused")
    other = Look(newcomer, look.kind or DESK)
    newcomer.goto(link)
    other.take("team-join")
    page.goto("/team/")
    page.get_by_role("button", name="Revoke").first.click()
    newcomer.watch.allowed.add(410)  # type: ignore[attr-defined]
    newcomer.goto(link)
    other.take("team-join-closed")
