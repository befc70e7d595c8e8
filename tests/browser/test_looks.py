"""Every page and state, on a phone and on a desk, in light and dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import new_page
from tests.browser.looks import COLOURED_WHEN_NARROW, Look, broken_rules, in_two_kinds
from tests.browser.stage import set_stage
from tests.browser.studio import Recording, allow, choose, choose_voice, convert, named, open_options, wait_until
from tests.support.music import band_as_wav
from tests.support.product import CHECKOUT, Product


@pytest.fixture(scope="module")
def states(product: Product) -> dict[str, str]:
    found: dict[str, str] = set_stage(product, "every_state")
    return found


@pytest.fixture(scope="module")
def reasons(product: Product) -> dict[str, str]:
    found: dict[str, str] = set_stage(product, "every_reason")
    return found


@pytest.fixture(scope="module")
def exports(product: Product) -> str:
    found: str = set_stage(product, "every_export")
    return found


@pytest.fixture(scope="module")
def made(
    chromium: Browser, product: Product, cookies: dict[str, object], speech_folder: Path, brief: Path
) -> dict[str, str]:
    """One that is ready and one that failed, as they really come about."""
    for page in new_page(chromium, product, storage_state=cookies):
        addresses = {"ready": convert(page, speech_folder / "woman_prompts.flac", voice="Atlas")}
        wait_until(page, "ready")
        page.goto("/")
        open_options(page)
        page.get_by_label("Zero retention").check()
        page.get_by_label("Change the voice's own settings").check()
        page.get_by_label("Stability", exact=True).fill("0.8")
        choose(page, brief)
        page.get_by_role("button", name="Convert").click()
        page.wait_for_url("**/conversions/*/")
        wait_until(page, "ready")
        addresses["zero-retention"] = page.url
        notes = Recording("notes.mp3", bytes(range(256)) * 9)
        addresses["failed"] = convert(page, notes)
        wait_until(page, "failed")
    return addresses


@pytest.fixture(scope="module")
def together(
    chromium: Browser, product: Product, cookies: dict[str, object], speech_folder: Path, brief: Path
) -> dict[str, str]:
    """Several recordings in several voices, and one that is tried in some."""
    for page in new_page(chromium, product, storage_state=cookies):
        addresses = {}
        for name, files, button in (
            ("batch", [named(brief, "interview.mp3"), named(brief, "phone note.mp3")], "Convert"),
            ("audition", [speech_folder / "interview.mp3"], "Try the ticked voices"),
        ):
            page.goto("/")
            choose(page, *files)
            choose_voice(page, "Nora", "Atlas")
            page.locator("summary", has_text="Not sure which?").click()
            page.get_by_role("button", name=button, exact=True).click()
            page.wait_for_url(f"**/{name}*/*/")
            wait_until(page, "ready")
            addresses[name] = page.url
    return addresses


@pytest.fixture(scope="module")
def unheard(chromium: Browser, product: Product, cookies: dict[str, object]) -> str:
    """An audition of a recording in which nobody speaks."""
    for page in new_page(chromium, product, storage_state=cookies):
        page.goto("/")
        choose(page, Recording("a band.wav", band_as_wav(6)))
        page.locator("summary", has_text="Not sure which?").click()
        page.get_by_role("button", name="Try the ticked voices", exact=True).click()
        page.wait_for_url("**/auditions/*/")
        wait_until(page, "ready")
        address = page.url
    return address


@pytest.fixture(scope="module")
def takes(product: Product, made: dict[str, str]) -> list[str]:
    """The ready one and two further takes of it: the first one's address, the others' ids."""
    first, *others = set_stage(product, "takes")
    assert first in made["ready"]
    return [made["ready"], *others[:2]]


@pytest.fixture(scope="module")
def speech_folder() -> Path:
    return CHECKOUT / "tests" / "data" / "speech"


def test_an_audition_in_which_nobody_speaks(look: Look, unheard: str) -> None:
    look.page.goto(unheard)
    expect(look.page.locator("#unheard")).to_be_visible()
    look.take("audition-unheard")


def test_every_page_and_state(look: Look, states: dict[str, str], made: dict[str, str]) -> None:
    page = look.page
    page.goto("/")
    look.take("studio")
    choose(page, CHECKOUT / "tests" / "data" / "speech" / "interview.mp3")
    expect(page.locator("#files")).to_contain_text("0:06")
    look.take("studio-chosen")
    look.take("studio-chosen-in-the-window", whole=False)
    choose(page, Recording("too long.wav", bytes(6 * 1024**2)))
    look.take("studio-several")
    open_options(page)
    look.take("studio-options")
    page.get_by_role("button", name="Your account").click()
    look.take("account-menu", whole=False)

    for name, identifier in states.items():
        page.goto(f"/conversions/{identifier}/")
        expect(page.locator("main")).to_have_attribute("data-state", "ready" if name == "phone" else name)
        look.take(f"conversion-{name}")
    for name, address in made.items():
        page.goto(address)
        expect(page.locator("main")).to_have_attribute("data-state", "failed" if name == "failed" else "ready")
        page.wait_for_load_state("networkidle")
        look.take(f"conversion-{name}")
    page.goto(made["zero-retention"])
    page.locator("summary", has_text="Delete").click()
    look.take("conversion-delete")

    page.goto("/history/")
    look.take("history")
    page.goto("/history/?q=nothing+like+this")
    look.take("history-nothing-matches")


@in_two_kinds
def test_a_question_and_what_else_is_incomplete(look: Look, product: Product) -> None:
    page = look.page
    batch, asks, partly, _whole = set_stage(product, "incomplete")
    page.goto(f"/conversions/{asks}/")
    expect(page.get_by_role("alert")).to_contain_text("9.2 of 15.6 seconds are there")
    expect(
        page.get_by_role("button", name="Convert the 9.2 seconds that are there (about 154 credits)")
    ).to_be_visible()
    look.take("conversion-asks")
    page.goto(f"/conversions/{partly}/")
    expect(page.locator("#noticed")).to_have_text("9.2 of 15.6 seconds are there; the rest of the file is missing.")
    look.take("conversion-incomplete")
    page.goto(f"/batches/{batch}/")
    expect(
        page.get_by_role("button", name="Convert what is there of the incomplete one (about 154 credits)")
    ).to_be_visible()
    look.take("batch-incomplete")
    page.goto("/history/")
    expect(page.locator(".list")).to_contain_text("Needs an answer")
    look.take("history-incomplete")
    page.goto(f"/conversions/{asks}/")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("main")).to_have_attribute("data-state", "cancelled")


@in_two_kinds
def test_takes_and_what_can_be_done_with_a_conversion(look: Look, takes: list[str], product: Product) -> None:
    page = look.page
    allow(page, 422)
    page.goto(f"{takes[0]}?{'&'.join(f'with={take}' for take in takes[1:])}#t=8.5")
    expect(page.get_by_role("radio")).to_have_count(4)
    for _ in range(2):
        page.get_by_role("button", name="Zoom in").click()
    page.wait_for_load_state("networkidle")
    look.take("conversion-takes")
    page.keyboard.press("?")
    look.take("shortcuts", whole=False)
    page.keyboard.press("Escape")
    page.locator(".rename summary").click()
    page.get_by_label("Name", exact=True).fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("It needs a name.")).to_be_visible()
    look.take("conversion-rename", whole=False)

    page.goto(f"/conversions/{set_stage(product, 'to_watch')}/")
    page.get_by_label("Tell me when it is ready").click(force=True)
    expect(page.locator("#notify-words")).not_to_be_empty()
    look.take("conversion-notify", whole=False)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    look.take("history-undo", whole=False)
    page.goto("/history/?state=deleted")
    expect(page.get_by_role("button", name="Bring back").first).to_be_visible()
    look.take("history-deleted", whole=False)


@in_two_kinds
def test_what_can_be_undone_in_the_studio(look: Look, brief: Path) -> None:
    page = look.page
    page.goto("/")
    choose(page, named(brief, "taken away.mp3"), named(brief, "left.mp3"))
    page.get_by_role("button", name="Remove taken away.mp3").click()
    expect(page.locator(".undo")).to_contain_text("taken away.mp3")
    look.take("studio-undo", whole=False)


def test_what_is_made_together_and_what_is_tried(look: Look, together: dict[str, str]) -> None:
    page = look.page
    for name, address in together.items():
        page.goto(address)
        page.wait_for_load_state("networkidle")
        look.take(name)
    page.goto("/presets/")
    look.take("presets")


def test_many_voices(look: Look, many_voices: None) -> None:
    page = look.page
    page.goto("/")
    page.locator("summary", has_text="Not sure which?").click()
    look.take("studio-many-voices")
    page.get_by_label("Search voices").fill("nobody")
    look.take("studio-no-such-voice")


def test_every_reason_to_wait_and_what_may_have_been_billed(look: Look, reasons: dict[str, str]) -> None:
    page = look.page
    for name, words in (
        ("running", "Ready in "),
        ("in-line", "About 1 is before it. 2 of 2 ElevenLabs slots are busy. Ready in about 7 minutes."),
        ("again", "ElevenLabs is busy. It is tried again at "),
        ("held", "ElevenLabs is not answering. Your recordings are safe and will continue by themselves."),
        ("unclear", "Retry (about 250 credits again)"),
        ("cancelled-late", "this may have been billed: about 250 credits."),
        ("cancelled-early", "Nothing was billed."),
    ):
        page.goto(f"/conversions/{reasons[name]}/")
        expect(page.locator("main")).to_contain_text(words)
        look.take(f"conversion-{name}")


def test_the_other_formats_of_a_result(look: Look, exports: str) -> None:
    page = look.page
    allow(page, 404)  # it has no files to listen to
    page.goto(f"/conversions/{exports}/")
    expect(page.locator("#exports li")).to_have_count(4)
    look.take("conversion-exports")


def test_the_options(look: Look, two_endpoints: None) -> None:
    page = look.page
    allow(page, 422)
    page.goto("/")
    choose_voice(page, "Ana")
    choose(page, CHECKOUT / "tests" / "data" / "speech" / "interview.mp3")
    open_options(page)
    page.get_by_label("Change the voice's own settings").check()
    page.get_by_label("Stability", exact=True).fill("0.8")
    page.get_by_label("Seed").fill("-1")
    page.locator("summary", has_text="For programs").click()
    look.take("studio-every-option")
    page.get_by_role("button", name="Convert").click()
    expect(page.get_by_label("Seed")).to_be_in_viewport()
    look.take("studio-option-refused", whole=False)
    long = "This month your team has 12 minutes left of its 300 minutes, and this recording may be longer. " * 2
    page.locator("#problem").evaluate(
        "(place, words) => (place.innerHTML = `<p class='notice bad'>${words}</p>`)", long
    )
    page.evaluate("scrollTo(0, 0)")
    look.take("studio-long-problem", whole=False)


def test_the_pages_around(look: Look) -> None:
    page = look.page
    allow(page, 404, 422)
    page.goto("/nothing-here/")
    look.take("404")
    page.goto("/account/")
    look.take("account")
    page.goto("/accounts/password/change/")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("This field is required.")).to_have_count(3)
    look.take("password-change-errors")
    page.goto("/")
    page.get_by_role("button", name="Convert").click()
    expect(page.get_by_text("Choose a recording first.")).to_be_visible()
    look.take("studio-no-file")
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    look.take("sign-in")
    page.get_by_label("E-mail").fill("nobody@example.com")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look.take("sign-in-wrong")


def test_axe_would_see_what_keeps_people_out(page: Page) -> None:
    page.goto("/history/")
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<button></button><img src=\"/\">')")
    found = {violation["id"] for violation in broken_rules(page).response["violations"]}
    assert {"button-name", "image-alt"} <= found


def test_axe_would_see_what_is_too_faint_wherever_it_looks_at_colours(page: Page) -> None:
    page.goto("/history/")
    page.evaluate("for (const link of document.querySelectorAll('a')) link.style.color = '#bbb'")
    page.evaluate("document.body.style.color = '#aaa'")
    for places in (["html"], COLOURED_WHEN_NARROW):
        assert "color-contrast" in {rule["id"] for rule in broken_rules(page, places).response["violations"]}
    assert not broken_rules(page, ["h1 > none"]).violations_count


def test_what_has_colours_of_its_own_in_a_narrow_window_is_looked_at() -> None:
    found = set()
    for sheet in (CHECKOUT / "static" / "css").glob("*.css"):
        for block in re.findall(r"^@media \([^{]*width[^{]*\{\n(.*?)^\}", sheet.read_text(), re.MULTILINE | re.DOTALL):
            for places, declarations in re.findall(r"([^{}]+)\{([^{}]*)\}", block):
                if re.search(r"\b(background|color|fill|stroke|opacity|filter)\b", declarations):
                    found.add(places.strip())
    assert found == {*COLOURED_WHEN_NARROW, ".list tbody tr:hover td"}  # of which the last is nobody's in these looks
