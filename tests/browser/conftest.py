"""The real product and a real browser. What happens behind a page's back (errors, other hosts) fails the test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    BrowserType,
    ConsoleMessage,
    Page,
    Request,
    Response,
    expect,
    sync_playwright,
)

from tests.browser.stage import set_stage
from tests.browser.studio import sign_in
from tests.support.inside import Inside
from tests.support.product import CHECKOUT, Product

SPEECH = CHECKOUT / "tests" / "data" / "speech"
ARGUMENTS = [
    "--no-sandbox",  # CI runs as root in a container
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
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
        context.on("console", self._console)
        context.on("weberror", lambda error: self.complaints.append(f"script error: {error.error}"))
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

    def check(self) -> None:
        unexpected = [f"{status} of {url}" for status, url in self.statuses if status not in self.allowed]
        assert not self.complaints + unexpected


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    environment = {"TEAM_NAME": "Harbour Radio", "MAX_UPLOAD_BYTES": str(5 * 1024**2)}
    with Product(tmp_path_factory.mktemp("browser") / "data", environment) as running:
        yield running
        Inside.of(running, "tests.browser.stage").close()


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


def launch(kind: BrowserType, *arguments: str) -> Browser:
    """A Chromium; what some tests need can only be said when it starts."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
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
def cookies(chromium: Browser, product: Product) -> dict[str, object]:
    """Alice's session, so that not every test has to sign in."""
    context = chromium.new_context()
    sign_in(context.new_page(), product.url, product.admin_email, product.admin_password)
    state = dict(context.storage_state())
    context.close()
    return state


@pytest.fixture
def stranger(chromium: Browser, product: Product) -> Iterator[Page]:
    """A page of someone who isn't signed in."""
    yield from new_page(chromium, product)


@pytest.fixture
def page(chromium: Browser, product: Product, cookies: dict[str, object]) -> Iterator[Page]:
    """Alice's page."""
    yield from new_page(chromium, product, storage_state=cookies)


@pytest.fixture
def plain_page(chromium: Browser, product: Product, cookies: dict[str, object]) -> Iterator[Page]:
    """Alice's page in a browser without JavaScript."""
    yield from new_page(chromium, product, storage_state=cookies, java_script_enabled=False)


@pytest.fixture
def speech() -> Path:
    return SPEECH


def new_page(browser: Browser, product: Product, *, url: str = "", **options: Any) -> Iterator[Page]:
    """A page in a context of its own; `url` is another address of the product."""
    context = browser.new_context(
        base_url=url or product.url, viewport={"width": 1280, "height": 900}, accept_downloads=True, **options
    )
    context.set_default_timeout(PATIENCE_MS)
    watch = Watch(context, url or product.url)
    page = context.new_page()
    page.watch = watch  # type: ignore[attr-defined]
    yield page
    context.close()
    watch.check()
