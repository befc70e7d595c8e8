"""Coming in and going out."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.studio import sign_in
from tests.support.product import Product


def test_a_wrong_password_is_refused_with_a_sentence_and_the_right_one_opens_the_studio(
    stranger: Page, product: Product
) -> None:
    stranger.goto("/history/")
    expect(stranger.get_by_role("heading", level=1)).to_have_text("Sign in to Timbre")
    stranger.get_by_label("E-mail").fill(product.admin_email)
    stranger.get_by_label("Password").fill("not this one")
    stranger.get_by_role("button", name="Sign in").click()
    expect(stranger.get_by_role("alert")).to_contain_text("not correct")
    expect(stranger.get_by_label("E-mail")).to_have_value(product.admin_email)
    expect(stranger.get_by_label("Password")).to_be_focused()

    stranger.get_by_label("Password").fill(product.admin_password)
    stranger.get_by_role("button", name="Sign in").click()
    expect(stranger.get_by_role("heading", level=1)).to_have_text("History")  # where they wanted to go


def test_empty_fields_are_named_at_the_field(stranger: Page) -> None:
    stranger.goto("/accounts/login/")
    stranger.get_by_role("button", name="Sign in").click()
    expect(stranger.get_by_label("E-mail")).to_have_attribute("aria-invalid", "true")
    expect(stranger.get_by_label("E-mail")).to_have_accessible_description("This field is required.")
    expect(stranger.get_by_label("E-mail")).to_be_focused()


def test_without_e_mail_the_way_to_a_new_password_is_the_admin(stranger: Page) -> None:
    stranger.goto("/accounts/login/")
    expect(stranger.get_by_text("Forgot your password? Ask your admin.")).to_be_visible()
    stranger.goto("/accounts/password/reset/")
    expect(stranger.get_by_text("Ask your admin for a new password.")).to_be_visible()
    expect(stranger.get_by_role("textbox")).to_have_count(0)


def test_signing_out_closes_the_door(stranger: Page, product: Product) -> None:
    sign_in(stranger, product.url, product.admin_email, product.admin_password)
    stranger.get_by_role("button", name="Your account").click()
    stranger.get_by_role("button", name="Sign out").click()
    expect(stranger.get_by_role("heading", level=1)).to_have_text("Sign in to Timbre")
    stranger.goto("/")
    expect(stranger.get_by_role("heading", level=1)).to_have_text("Sign in to Timbre")


def test_the_keyboard_reaches_the_content_first(page: Page) -> None:
    page.goto("/history/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
