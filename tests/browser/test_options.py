"""The Studio's options: what is chosen arrives and is said again in words, what can't be had isn't offered."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import with_and_without_scripts
from tests.browser.studio import allow, choose, choose_voice, convert, open_options, sign_in, wait_until
from tests.support.product import Product

SLIDERS = {"Stability": "0.8", "Similarity": "0.6", "Style": "0.2", "Speed": "1.1"}


def facts(page: Page) -> dict[str, str]:
    page.wait_for_load_state()  # all of it has come
    return page.evaluate(  # type: ignore[no-any-return]
        "() => Object.fromEntries([...document.querySelectorAll('.facts dt')]"
        ".map((term) => [term.textContent, term.nextElementSibling.innerText]))"
    )


@with_and_without_scripts
def test_every_option_of_the_local_engine_arrives_and_the_page_of_the_conversion_says_so(
    page: Page, page_kind: str, brief: Path
) -> None:
    page.goto("/")
    open_options(page)
    choose(page, brief)
    page.get_by_label("Format", exact=True).select_option("wav_44100")
    strength = page.get_by_label("Strength of noise removal")
    expect(strength).to_be_hidden()
    page.get_by_label("Remove background noise").check()
    expect(strength).to_have_value("40")
    strength.fill("12")
    expect(page.get_by_label("Stability")).to_be_hidden()
    page.get_by_label("Change the voice's own settings").check()
    for name, value in SLIDERS.items():
        page.get_by_label(name, exact=True).fill(value)
    page.get_by_label("Speaker boost").set_checked(True)
    page.get_by_label("Seed").fill("7")
    if page_kind == "page":
        expect(page.locator("#chosen-options")).to_have_text(
            "WAV, 44.1 kHz · noise removed · by 12 dB at most · Stability 80% · Similarity 60% · Style 20% · Speed 1.1×"
            " · speaker boost on · seed 7"
        )
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/conversions/*/")
    wait_until(page, "ready")
    said = facts(page)
    assert said["Format"].startswith("WAV, 44.1 kHz")
    assert said["Voice settings"] == "Stability 80%, Similarity 60%, Style 20%, Speed 1.1×, Speaker boost on"
    assert said["Seed"] == "7"
    assert said["Remove background noise"] == "yes, by 12 dB at most"
    assert not {"Model", "Latency"}.intersection(said)


@pytest.mark.usefixtures("at_rest")
@with_and_without_scripts
def test_every_option_that_there_is_arrives(page: Page, page_kind: str, two_endpoints: None, speech: Path) -> None:
    page.goto("/")
    open_options(page)
    choose_voice(page, "Ana")
    choose(page, speech / "interview.mp3")
    page.get_by_label("Remove background noise").check()
    expect(page.get_by_label("Strength of noise removal")).to_be_hidden()  # nobody there has said that it heeds it
    page.get_by_label("Model").select_option("English v2")
    page.get_by_label("Change the voice's own settings").check()
    for name, value in SLIDERS.items():
        page.get_by_label(name, exact=True).fill(value)
    page.get_by_label("Speaker boost").set_checked(False)
    page.get_by_label("Seed").fill("7")
    page.locator("summary", has_text="For programs").click()
    page.get_by_label("Latency").select_option("1")
    if page_kind == "page":
        expect(page.locator("#chosen-options")).to_have_text(
            # Ana was made without speaker boost, so that it is off changes nothing.
            "MP3, good for sharing · noise removed · English v2 · Stability 80% · Similarity 60% · Style 20%"
            " · Speed 1.1× · seed 7 · latency 1: quicker"
        )
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/conversions/*/")
    said = facts(page)
    assert said["Model"] == "English v2"
    assert said["Voice settings"] == "Stability 80%, Similarity 60%, Style 20%, Speed 1.1×, Speaker boost off"
    assert said["Seed"] == "7"
    assert said["Latency"] == "1: quicker"
    assert said["Remove background noise"] == "yes"


@pytest.mark.usefixtures("at_rest")
def test_what_nobody_touched_is_not_listed(page: Page, speech: Path) -> None:
    convert(page, speech / "interview.mp3")
    assert list(facts(page)) == ["Made by", "Recording", "Length", "Voice", "Format", "Seen by"]


def test_one_setting_and_all_options_can_be_reset(page: Page) -> None:
    page.goto("/")
    open_options(page)
    reset_all = page.get_by_role("button", name="Reset all options")
    expect(reset_all).to_be_hidden()
    page.get_by_label("Change the voice's own settings").check()
    stability, style = page.get_by_label("Stability", exact=True), page.get_by_label("Style", exact=True)
    before = stability.input_value()
    stability.fill("0.93")
    style.fill("0.4")
    field = page.locator(".slider", has=stability)
    expect(field.locator("output")).to_have_text("93%")
    field.get_by_role("button", name="Reset Stability").click()
    expect(stability).to_have_value(before)
    expect(stability).to_be_focused()
    expect(style).to_have_value("0.4")
    expect(field.get_by_role("button")).to_be_hidden()

    page.get_by_label("Format", exact=True).select_option("opus_48000_64")
    page.get_by_label("Only I can see it").check()
    expect(page.locator("#chosen-options")).to_have_text("Opus, 64 kbit/s · only for me · Style 40%")
    reset_all.click()
    expect(page.locator("#chosen-options")).to_have_text("MP3, good for sharing")
    expect(page.get_by_label("Only I can see it")).not_to_be_checked()
    expect(page.get_by_label("Change the voice's own settings")).not_to_be_checked()
    expect(style).not_to_have_value("0.4")
    expect(page.locator("#options > details > summary")).to_be_focused()
    expect(reset_all).to_be_hidden()


@with_and_without_scripts
def test_what_the_local_engine_cannot_do_is_not_offered(page: Page) -> None:
    page.goto("/")
    open_options(page)
    expect(page.get_by_label("Zero retention")).to_be_visible()
    page.get_by_label("Change the voice's own settings").check()
    page.locator("summary", has_text="For programs").click()
    offered = ("Stability", "Similarity", "Style", "Speed", "Speaker boost", "Seed", "The recording is")
    for name in ("Remove background noise", *offered):
        expect(page.get_by_label(name, exact=True)).to_be_visible()
    for name in ("Model", "Latency"):
        expect(page.get_by_label(name, exact=True)).to_be_hidden()


@pytest.mark.usefixtures("noise_stays")
@with_and_without_scripts
def test_where_noise_cannot_be_removed_it_is_not_offered(page: Page) -> None:
    page.goto("/")
    open_options(page)
    expect(page.get_by_label("Only I can see it")).to_be_visible()
    for name in ("Remove background noise", "Strength of noise removal"):
        expect(page.get_by_label(name)).to_be_hidden()


@pytest.mark.usefixtures("at_rest")
def test_two_endpoints_stand_apart_and_each_offers_what_it_can(page: Page, two_endpoints: None, speech: Path) -> None:
    page.goto("/")
    open_options(page)
    expect(page.get_by_role("heading", level=3, name="Local engine free")).to_be_visible()
    expect(page.get_by_role("heading", level=3, name="ElevenLabs 1,000 credits a minute")).to_be_visible()
    noise, retention = page.get_by_label("Remove background noise"), page.get_by_label("Zero retention")
    models = "(select) => [...select.options].filter((option) => !option.hidden).map((option) => option.textContent)"

    choose_voice(page, "Ana")
    expect(noise).to_be_visible()
    expect(retention).to_be_hidden()
    expect(page.get_by_label("Stability", exact=True)).to_have_value("0.3")  # her own, though nobody sees it yet
    assert page.get_by_label("Model").evaluate(models) == ["The best for the voice", "Multilingual v2", "English v2"]
    page.get_by_label("Model").select_option("English v2")
    noise.check()
    page.get_by_label("Change the voice's own settings").check()
    expect(page.get_by_label("Speaker boost")).not_to_be_checked()
    page.get_by_label("Style", exact=True).fill("0.5")
    expect(page.locator("#chosen-options")).to_have_text(
        "MP3, good for sharing · noise removed · English v2 · Style 50%"
    )

    strength = page.get_by_label("Strength of noise removal")
    expect(strength).to_be_hidden()
    choose_voice(page, "Nora")
    expect(noise).to_be_checked()
    expect(strength).to_be_visible()
    strength.fill("18")
    expect(page.locator("#chosen-options")).to_contain_text("noise removed · by 18 dB at most")
    choose_voice(page, "Ana")
    expect(strength).to_be_hidden()
    expect(page.locator("#chosen-options")).not_to_contain_text("18 dB")
    choose_voice(page, "Nora", "Ana")
    expect(strength).to_have_accessible_description(re.compile("Only with the voices of Local engine"))
    choose_voice(page, "Nora")
    expect(strength).to_have_value("18")
    noise.uncheck()
    expect(strength).to_be_hidden()
    expect(retention).to_be_visible()
    expect(page.get_by_label("Model")).to_have_value("")
    expect(page.get_by_label("Style", exact=True)).to_have_value("0.5")  # what was changed stays
    expect(page.locator("#chosen-options")).not_to_contain_text("noise removed")
    choose(page, speech / "interview.mp3")
    page.get_by_role("button", name="Convert").click()  # what is hidden isn't sent, so nothing is refused
    page.wait_for_url("**/conversions/*/")


@pytest.mark.usefixtures("at_rest")
def test_of_two_endpoints_it_is_said_for_which_an_option_counts(page: Page, two_endpoints: None, speech: Path) -> None:
    page.goto("/")
    open_options(page)
    choose_voice(page, "Nora", "Ana")
    seed, only = page.get_by_label("Seed"), "Only with the voices of ElevenLabs."
    page.get_by_label("Change the voice's own settings").check()
    model = page.get_by_label("Model", exact=True)
    expect(model).to_be_visible()
    expect(model).to_have_accessible_description(re.compile(re.escape(only)))
    for name in ("Remove background noise", "Style", "Speed", "Speaker boost", "Seed"):
        expect(page.get_by_label(name, exact=True)).not_to_have_accessible_description(re.compile("Only with"))
    expect(page.get_by_label("Zero retention")).to_be_hidden()  # nobody keeps anything, or it isn't that
    seed.fill("7")
    page.get_by_label("Model").select_option("English v2")
    expect(page.locator("#chosen-options")).to_have_text(
        "MP3, good for sharing · English v2 (ElevenLabs only) · seed 7"
    )
    choose_voice(page, "Nora")
    expect(page.locator("#left-out")).to_have_text("Left out: Model. Not available at Local engine.")
    choose_voice(page, "Ana", "Otis")
    expect(seed).to_have_value("7")
    expect(page.get_by_label("Model")).to_have_value("english")
    expect(page.get_by_text(only)).to_have_count(0)
    choose_voice(page, "Ana", "Nora")
    choose(page, speech / "interview.mp3")
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/batches/*/")
    for voice, models in (("Ana", ["English v2"]), ("Nora", [])):
        page.get_by_role("link", name=voice).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("interview")
        said = facts(page)
        assert said["Seed"] == "7"
        assert [value for name, value in said.items() if name == "Model"] == models
        page.go_back()


def test_zero_retention_that_a_further_voice_cannot_promise_is_said_to_be_left_out(
    page: Page, two_endpoints: None
) -> None:
    page.goto("/")
    open_options(page)
    choose_voice(page, "Nora")
    page.get_by_label("Zero retention").check()
    page.get_by_role("checkbox", name="Ana").check()
    expect(page.locator("#left-out")).to_have_text("Left out: Zero retention. Not available at ElevenLabs.")
    expect(page.locator("#sentence")).to_contain_text("Everyone in", use_inner_text=True)
    page.get_by_role("checkbox", name="Ana").uncheck()
    expect(page.get_by_label("Zero retention")).to_be_checked()


def test_without_javascript_a_box_for_another_endpoint_is_refused_where_it_stands(
    plain_page: Page, two_endpoints: None, noise_stays: None, speech: Path
) -> None:
    page = plain_page
    allow(page, 422)
    page.goto("/")
    open_options(page)
    choose(page, speech / "interview.mp3")
    choose_voice(page, "Ana")
    page.get_by_label("Remove background noise").check()
    choose_voice(page, "Nora")
    page.get_by_role("button", name="Convert").click()
    expect(page.get_by_text("Local engine can't remove noise.")).to_be_visible()
    expect(page.get_by_label("Remove background noise")).to_be_focused()


@with_and_without_scripts
def test_an_error_opens_its_folds_and_stands_at_its_field(
    page: Page, page_kind: str, two_endpoints: None, speech: Path
) -> None:
    allow(page, 422)
    page.goto("/")
    choose_voice(page, "Ana")
    open_options(page)
    choose(page, speech / "interview.mp3")
    page.get_by_label("Seed").fill("-3")
    seed = page.get_by_label("Seed")
    page.locator("#options > details > summary").click()
    expect(seed).to_be_hidden()
    page.get_by_role("button", name="Convert").click()
    expect(seed).to_be_visible()
    expect(seed).to_be_focused()
    expect(seed).to_have_attribute("aria-invalid", "true")
    expect(seed).to_have_accessible_description(
        "The same recording with the same settings and seed sounds the same again, as far as possible. "
        "Enter a whole number from 0 to 4294967295."
    )


def test_zero_retention_is_for_its_maker_alone(
    page: Page, stranger: Page, product: Product, people: dict[str, str], brief: Path
) -> None:
    page.goto("/")
    open_options(page)
    choose(page, brief)
    page.get_by_label("Zero retention").check()
    expect(page.locator("#sentence")).to_contain_text("Only you can see it.", use_inner_text=True)
    expect(page.locator("#sentence")).not_to_contain_text("Everyone", use_inner_text=True)
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url("**/conversions/*/")
    wait_until(page, "ready")
    address = page.url[page.url.index("/conversions/") :]
    expect(page.get_by_text("Only you can see this.")).to_contain_text("one hour after you downloaded it")
    assert facts(page)["Seen by"] == "Only you (zero retention)"
    expect(page.locator("main").get_by_role("link", name="History")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download MP3").click()
    download.value.path()
    said = page.get_by_text("You downloaded it")
    for _ in range(120):  # the server notes it when it has handed over the last of it
        page.reload()
        if said.is_visible():
            break
        page.wait_for_timeout(250)
    expect(said).to_be_visible()

    page.goto("/history/")
    expect(page.locator(f"a[href='{address}']")).to_have_count(0)
    allow(stranger, 404)
    sign_in(stranger, product.url, people["bob"], product.admin_password)
    answer = stranger.goto(address)
    assert answer is not None
    assert answer.status == 404
    stranger.goto("/history/")
    expect(stranger.locator(f"a[href='{address}']")).to_have_count(0)
