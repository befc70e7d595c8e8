"""The real product and a real browser. What happens behind a page's back (errors, other hosts) fails the test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    BrowserType,
    ConsoleMessage,
    Page,
    Request,
    Response,
    WebError,
    expect,
    sync_playwright,
)

from s2s.audio import decode, encode
from tests.browser.contexts import give_back, take
from tests.browser.looks import KINDS, Look, name_of
from tests.browser.stage import set_stage
from tests.browser.studio import convert, sign_in, wait_until
from tests.support.films import written_film
from tests.support.inside import Inside
from tests.support.product import CHECKOUT, Product

# As the product comes: here nothing is lost that has to be looked for.
CALM = {"SWEEP_SECONDS": "5", "LOOKUP_SECONDS": "5,30,120"}
SPEECH = CHECKOUT / "tests" / "data" / "speech"
FILM = "-map 0:v -map 2:a -t 9 -c:v libvpx -deadline realtime -cpu-used 8 -b:v 200k -c:a libopus -ac 1"
ARGUMENTS = [
    "--no-sandbox",  # CI runs as root in a container
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--process-per-site",  # see contexts.py
]
# Of an action or an expectation; a busy machine takes longer, and nothing is wrong with that.
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)


class Watch:
    """Listens to a context: errors, other hosts and statuses from 400 on fail the test, but for those `allowed`."""

    def __init__(self, context: BrowserContext, host: str) -> None:
        self.host = host
        self.allowed: set[int] = set()
        self.complaints: list[str] = []
        self.statuses: list[tuple[int, str]] = []
        self._context = context
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)
        context.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        # Chromium repeats every status from 400 on in the console; `_response` judges those.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.complaints.append(f"console on {message.location.get('url')}: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.host}/", f"blob:{self.host}/", "data:")):
            self.complaints.append(f"a request to another host: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.statuses.append((response.status, response.url))

    def _error(self, error: WebError) -> None:
        self.complaints.append(f"script error: {error.error}")

    def check(self) -> None:
        """Fails the test for what was heard, and listens no more: the context goes on."""
        self._context.remove_listener("console", self._console)
        self._context.remove_listener("weberror", self._error)
        self._context.remove_listener("request", self._request)
        self._context.remove_listener("response", self._response)
        unexpected = [f"{status} of {url}" for status, url in self.statuses if status not in self.allowed]
        assert not self.complaints + unexpected


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    environment = {"TEAM_NAME": "Harbour Radio", "MAX_UPLOAD_BYTES": str(5 * 1024**2), **CALM}
    with Product(tmp_path_factory.mktemp("browser") / "data", environment) as running:
        yield running
        Inside.of(running, "tests.browser.stage").close()


@pytest.fixture(autouse=True)
def alone(product: Product) -> Iterator[None]:
    """What a test leaves behind doesn't go on while the next one waits for its own."""
    yield
    set_stage(product, "let_go")


@pytest.fixture
def at_rest(product: Product, alone: None) -> Iterator[None]:
    """For tests that send recordings and wait for no result: none is made, which takes longer than such a test."""
    with product.frozen("calls", "cpu"):
        yield
        set_stage(product, "let_go")


@pytest.fixture(scope="session")
def people(product: Product) -> dict[str, str]:
    """The e-mail addresses of Bob and Victor, Alice's colleagues, and of Mallory from another team."""
    found: dict[str, str] = set_stage(product, "people")
    return found


@pytest.fixture
def two_endpoints(product: Product) -> Iterator[None]:
    """ElevenLabs beside the local engine."""
    set_stage(product, "second_endpoint")
    yield
    set_stage(product, "no_second_endpoint")


@pytest.fixture
def noise_stays(product: Product) -> Iterator[None]:
    """The local engine doesn't remove it, whatever it says itself."""
    set_stage(product, "noise_stays_here")
    yield
    set_stage(product, "noise_goes_here")


def launch(kind: BrowserType, *arguments: str, whole: bool = False) -> Browser:
    """A Chromium; what some tests need can only be said when it starts.

    Not the `whole` one, but the same build without windows, menus and what serves them, which took half of the
    computing. It shows no notifications. The whole one takes the main path in test_every_browser.py.
    """
    names = ["chromium", "google-chrome"] if whole else ["chromium-headless-shell", "chromium", "google-chrome"]
    found = next(filter(None, map(shutil.which, names)), None)
    return kind.launch(executable_path=found, args=[*ARGUMENTS, *arguments])


@pytest.fixture
def many_voices(product: Product) -> Iterator[None]:
    set_stage(product, "many_voices")
    yield
    set_stage(product, "no_second_endpoint")


def _as_long_as_possible(fixture_name: str, config: pytest.Config) -> Literal["session", "module"]:
    """Starting a browser and signing in take seconds. But its event loop keeps Django's tests from their database."""
    asked_for = (Path(argument.partition("::")[0]).absolute() for argument in config.args)
    return "session" if all(path.is_relative_to(Path(__file__).parent) for path in asked_for) else "module"


@pytest.fixture(scope=_as_long_as_possible)
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        yield browser
        browser.close()


@pytest.fixture(scope=_as_long_as_possible)
def beeping(chromium: Browser) -> Iterator[Browser]:
    """A browser with a microphone, into which something beeps."""
    browser = launch(chromium.browser_type, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    yield browser
    browser.close()


@pytest.fixture(scope=_as_long_as_possible)
def cookies(chromium: Browser, product: Product) -> dict[str, object]:
    """Alice's session, so that not every test has to sign in."""
    context = chromium.new_context()
    sign_in(context.new_page(), product.url, product.admin_email, product.admin_password)
    state = dict(context.storage_state())
    context.close()
    return state


@pytest.fixture(scope=_as_long_as_possible)
def talk(chromium: Browser, product: Product, cookies: dict[str, object]) -> str:
    """The page on which parts of a real recording are marked."""
    for page in new_page(chromium, product, storage_state=cookies):
        address = convert(page, SPEECH / "woman_prompts.flac", voice="Atlas")
        wait_until(page, "ready")
    return f"{address}parts/"


@pytest.fixture(scope=_as_long_as_possible)
def filmed(
    chromium: Browser, product: Product, cookies: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The page of a film with a new sound."""
    film = tmp_path_factory.mktemp("films") / "harbour.webm"
    film.write_bytes(written_film(FILM, film.name, length_s=9.0, more=f"-i {SPEECH / 'woman_prompts.flac'}"))
    for page in new_page(chromium, product, storage_state=cookies):
        address = convert(page, film, voice="Nora")
        wait_until(page, "ready")
        # It comes while one waits, without the page being loaded anew.
        expect(page.locator("#film video")).to_be_visible(timeout=60_000)
    return address


@pytest.fixture
def stranger(chromium: Browser, product: Product) -> Iterator[Page]:
    """A page of someone who isn't signed in."""
    yield from new_page(chromium, product)


@pytest.fixture
def page_kind(request: pytest.FixtureRequest) -> str:
    """Of `page`: as `with_and_without_scripts` says, else with."""
    return str(getattr(request, "param", "page"))


with_and_without_scripts = pytest.mark.parametrize("page_kind", ["page", "plain_page"], indirect=True)


@pytest.fixture
def page(chromium: Browser, product: Product, cookies: dict[str, object], page_kind: str) -> Iterator[Page]:
    """Alice's page."""
    yield from new_page(chromium, product, storage_state=cookies, java_script_enabled=page_kind == "page")


@pytest.fixture
def plain_page(chromium: Browser, product: Product, cookies: dict[str, object]) -> Iterator[Page]:
    """Alice's page in a browser without JavaScript."""
    yield from new_page(chromium, product, storage_state=cookies, java_script_enabled=False)


@pytest.fixture(params=KINDS, ids=name_of)
def look(
    request: pytest.FixtureRequest, chromium: Browser, product: Product, cookies: dict[str, object]
) -> Iterator[Look]:
    """A page on which everything is looked at in each of the `KINDS`."""
    for page in new_page(chromium, product, storage_state=cookies):
        yield Look(page, request.param)


@pytest.fixture
def speech() -> Path:
    return SPEECH


@pytest.fixture(scope="session")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of it, for tests to which it is all the same: to convert takes as long as a recording is."""
    path = tmp_path_factory.mktemp("brief") / "brief.mp3"
    with (SPEECH / "interview.mp3").open("rb") as file:
        samples = np.concatenate(list(decode(file, sample_rate_hz=44_100)))[:88_200]
    with path.open("wb") as file:
        encode([samples], file, "mp3", 44_100, 128, input_rate_hz=44_100)
    return path


def new_page(
    browser: Browser,
    product: Product,
    *,
    url: str = "",
    storage_state: Mapping[str, Any] | None = None,
    look: Mapping[str, Any] | None = None,
    **options: Any,
) -> Iterator[Page]:
    """A page in a context that holds nothing but the cookies of `storage_state`; `url` is another address of the
    product, `look` goes to `Page.emulate_media`, and `options` to `Browser.new_context`.
    """
    url = url or product.url
    options.setdefault("java_script_enabled", True)  # the same context, whether that was said or not
    options.setdefault("reduced_motion", "reduce")  # who waits doesn't draw sixty pictures a second
    kept = take(browser, url, options, (storage_state or {}).get("cookies", []))
    kept.context.set_default_timeout(PATIENCE_MS)
    watch = Watch(kept.context, url)
    page = kept.context.new_page()
    if look:
        page.emulate_media(**look)
    page.watch = watch  # type: ignore[attr-defined]
    yield page
    give_back(browser, url, options, kept)
    watch.check()
