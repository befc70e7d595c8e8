"""Behind a real nginx that speaks HTTPS: below a path of its host, and where the settings know nothing of it."""

from __future__ import annotations

import json
import ssl
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, Request, StorageState, expect

from bin.groups import free_port
from tests.browser.conftest import new_page
from tests.browser.looks import TWO_KINDS, Look, keep_forced
from tests.browser.studio import allow, choose, choose_voice, named, play, row, wait_until
from tests.deploy.test_nginx import Site, configure, make_certificate, nginx_program, running
from tests.support.inside import Inside
from tests.support.product import Product, wait_for
from tests.support.smtp import Mailbox, running_smtp

# As people write it who don't know of any header.
FORGETFUL = """
{user}
pid {folder}/nginx.pid;
events {{}}
http {{
    client_body_temp_path {folder}/client;
    proxy_temp_path {folder}/proxy;
    client_max_body_size 100m;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/fullchain.pem;
        ssl_certificate_key {folder}/privkey.pem;
        location / {{
            proxy_pass {upstream};
        }}
    }}
}}
"""


@dataclass
class Below:
    """The product at `url`, which ends with its path."""

    product: Product
    url: str
    mailbox: Mailbox


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Below]:
    folder = tmp_path_factory.mktemp("below")
    site = Site(folder, free_port())
    command = configure(site, "https")
    make_certificate(folder / "nginx")
    url = f"{site.https_url}/voices/timbre"
    with running_smtp() as mailbox:
        settings = {"BASE_URL": url, "BEHIND_PROXY": "true", "X_ACCEL": "true", "EMAIL_URL": mailbox.url}
        with Product(folder, settings, port=site.port, output_path=folder.parent / "below.txt") as product:
            with running(command, site.https_url):
                yield Below(product, url, mailbox)
            Inside.of(product, "tests.browser.stage").close()


def page_below(chromium: Browser, below: Below, **options: Any) -> Iterator[Page]:
    """Nothing that it asks for may lie beside the path."""
    origin = below.url.removesuffix("/voices/timbre")
    pages = new_page(chromium, below.product, url=origin, ignore_https_errors=True, **options)
    page = next(pages)
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.context.on("request", note)
    page.goto(f"{below.url}/")
    yield page
    page.context.remove_listener("request", note)
    beside = [url for url in asked if not f"{url}/".startswith((f"{below.url}/", f"blob:{origin}/", "data:"))]
    assert beside == []
    list(pages)


def sign_in_below(page: Page, below: Below) -> None:
    page.get_by_label("E-mail").fill(below.product.admin_email)
    page.get_by_label("Password").fill(below.product.admin_password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Change the voice, keep the performance")


@pytest.fixture(scope="module")
def cookies_below(chromium: Browser, below: Below) -> StorageState:
    for page in page_below(chromium, below):
        sign_in_below(page, below)
        state = page.context.storage_state()
    return state


@pytest.fixture
def scripted(chromium: Browser, below: Below, cookies_below: StorageState) -> Iterator[Page]:
    yield from page_below(chromium, below, storage_state=cookies_below)


@pytest.fixture
def plain(chromium: Browser, below: Below) -> Iterator[Page]:
    for page in page_below(chromium, below, java_script_enabled=False):
        sign_in_below(page, below)
        yield page


def test_a_recording_goes_its_way_below_a_path(scripted: Page, below: Below, brief: Path, tmp_path: Path) -> None:
    page = scripted
    listen = page.locator("[data-preview]").first
    expect(listen).to_have_attribute("aria-pressed", "false")  # before its script has run it is a link that leads away
    with page.expect_response(f"{below.url}/voices/*/preview/") as preview:
        listen.click()
    assert preview.value.ok
    choose(page, named(brief, "below.mp3"))
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url(f"{below.url}/conversions/*/")
    wait_until(page, "ready")
    for player in ("Original", page.locator("audio").last.get_attribute("aria-label") or ""):
        assert play(page, player)["heard"] > 0
    with page.expect_download() as download:
        page.get_by_role("link", name="Download MP3").click()
    download.value.save_as(tmp_path / "result.mp3")
    assert (tmp_path / "result.mp3").stat().st_size > 10_000
    page.locator("#exports summary").click()
    page.get_by_role("button", name="Make it").click()
    expect(page.locator("#exports-made").get_by_role("link", name="Download")).to_be_visible()
    page.get_by_role("link", name="History").first.click()
    page.wait_for_url(f"{below.url}/history/")
    page.get_by_label("Search names").fill("below")
    expect(page).to_have_url(f"{below.url}/history/?q=below")
    page.get_by_role("button", name="Delete “below”").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name="below", exact=True)).to_be_visible()
    page.get_by_role("link", name="Timbre", exact=True).click()
    expect(page).to_have_url(f"{below.url}/")


def test_a_batch_goes_its_way_below_a_path(scripted: Page, below: Below, brief: Path, tmp_path: Path) -> None:
    page = scripted
    choose(page, *[named(brief, f"{name}.mp3") for name in ("one", "two")])
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url(f"{below.url}/batches/*/")
    wait_until(page, "ready")
    with page.expect_download() as download:
        page.get_by_role("link", name="ZIP").click()
    download.value.save_as(tmp_path / "all.zip")
    assert len(zipfile.ZipFile(tmp_path / "all.zip").namelist()) == 2


def test_voices_are_tried_and_choices_kept_below_a_path(scripted: Page, below: Below, brief: Path) -> None:
    page = scripted
    choose(page, named(brief, "tried.mp3"))
    choose_voice(page, "Atlas", "Nora")
    page.locator("summary", has_text="Not sure which?").click()
    with below.product.frozen("calls", "cpu"):  # they come while one waits
        page.get_by_role("button", name="Try the ticked voices").click()
        page.wait_for_url(f"{below.url}/auditions/*/")
    expect(page.locator("#announcement")).to_have_text("All voices can be heard", timeout=60_000)
    page.goto(f"{below.url}/account/")
    page.get_by_label("e-mail", exact=False).first.check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.goto(f"{below.url}/presets/")
    page.get_by_role("button", name="Begin with it").first.click()
    expect(page.get_by_role("button", name="Your Studio begins with it")).to_be_visible()
    assert page.url == f"{below.url}/presets/"


def test_the_whole_way_without_a_script_below_a_path(plain: Page, below: Below, brief: Path, tmp_path: Path) -> None:
    page = plain
    choose(page, named(brief, "plain.mp3"))
    page.get_by_role("button", name="Convert").click()
    expect(page.locator("main[data-state=ready]")).to_be_attached(timeout=60_000)
    assert page.url.startswith(f"{below.url}/conversions/")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download MP3").click()
    assert download.value.path().stat().st_size > 10_000
    page.goto(f"{below.url}/accounts/logout/")
    page.locator("main").get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{below.url}/accounts/login/")


def test_the_admin_site_below_a_path(scripted: Page, below: Below) -> None:
    page = scripted
    page.goto(f"{below.url}/admin/")
    page.get_by_role("rowheader", name="Voices").get_by_role("link").click()
    expect(page.get_by_role("heading", name="Select voice")).to_be_visible()
    assert page.url == f"{below.url}/admin/voices/voice/"
    page.get_by_role("link", name="View site").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Change the voice, keep the performance")


def test_cookies_stay_below_the_path(scripted: Page, below: Below) -> None:
    cookies = scripted.context.cookies()
    assert len(cookies) >= 2
    assert {(cookie["path"], cookie["secure"]) for cookie in cookies} == {("/voices/timbre/", True)}


def test_health_and_what_does_not_exist_below_a_path(below: Below) -> None:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with httpx.Client(verify=trusting, trust_env=False) as http:
        for address in ("healthz", "readyz"):
            assert http.get(f"{below.url}/{address}").status_code == 200
            assert httpx.get(f"{below.product.url}/{address}", trust_env=False).status_code == 200  # from inside
        moved = http.get(f"{below.url}?take=sample")  # where no cookie of ours is shown
        assert (moved.status_code, moved.headers["Location"]) == (308, f"{urlsplit(below.url).path}/?take=sample")
        page = http.post(f"{below.url}/accounts/login/", files={"audio": b"x"})
        assert page.status_code in (400, 403)
        assert f'href="{urlsplit(below.url).path}/"' in page.text


def test_an_e_mail_leads_below_the_path(scripted: Page, below: Below, brief: Path) -> None:
    page = scripted
    page.goto(f"{below.url}/account/")
    page.get_by_label("e-mail", exact=False).first.check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.goto(f"{below.url}/")
    choose(page, named(brief, "mailed.mp3"))
    page.get_by_role("button", name="Convert").click()
    page.wait_for_url(f"{below.url}/conversions/*/")
    address = page.url

    def arrived() -> bool:
        return any(address in str(message.get_payload(decode=True)) for message in below.mailbox.messages)

    wait_for(arrived, lambda: json.dumps([str(message) for message in below.mailbox.messages]))


# ---- settings that know nothing of the proxy ----


@pytest.fixture
def forgetful(product: Product, tmp_path: Path) -> Iterator[str]:
    """The address of a proxy that speaks HTTPS and says nothing of it."""
    port = free_port()
    make_certificate(tmp_path)
    text = FORGETFUL.format(user="user root;", folder=tmp_path, port=port, upstream=product.url)
    (tmp_path / "nginx.conf").write_text(text)
    url = f"https://127.0.0.1:{port}"
    command = [nginx_program(), "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path), "-e", "stderr"]
    with running([*command, "-g", "daemon off;"], url):
        yield url


@pytest.mark.parametrize("script", [True, False])
def test_sign_in_says_which_settings_are_missing(
    chromium: Browser, product: Product, forgetful: str, script: bool
) -> None:
    pages = new_page(chromium, product, url=forgetful, ignore_https_errors=True, java_script_enabled=script)
    page = next(pages)
    allow(page, 403)
    page.goto("/accounts/login/")
    page.get_by_label("E-mail").fill(product.admin_email)
    page.get_by_label("Password").fill(product.admin_password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#problem")).to_contain_text(f"BASE_URL={forgetful}")
    expect(page.locator("#problem")).to_contain_text("BEHIND_PROXY=true")
    expect(page.locator("#problem")).to_contain_text("X-Forwarded-Proto: https")
    expect(page.locator("main")).not_to_contain_text("reload")
    if script:
        look_at(page, "proxy-settings-missing")
    list(pages)


def look_at(page: Page, name: str) -> None:
    """In every way in which people see it."""
    for kind in TWO_KINDS:
        Look(page, kind).take(name)
    for scheme in ("light", "dark"):
        page.emulate_media(forced_colors="active", color_scheme=scheme)
        keep_forced(page, name)


@pytest.mark.parametrize("script", [True, False])
def test_an_upload_says_which_settings_are_missing(
    chromium: Browser, product: Product, forgetful: str, cookies: dict[str, object], speech: Path, script: bool
) -> None:
    pages = new_page(
        chromium, product, url=forgetful, storage_state=cookies, ignore_https_errors=True, java_script_enabled=script
    )
    page = next(pages)
    allow(page, 403)
    page.goto("/")
    choose(page, speech / "interview.mp3")
    page.get_by_role("button", name="Convert").click()
    said = row(page, "interview.mp3").get_by_role("alert") if script else page.locator("#problem")
    expect(said).to_contain_text(f"BASE_URL={forgetful}")
    expect(said).to_contain_text("BEHIND_PROXY=true")
    list(pages)
