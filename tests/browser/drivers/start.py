"""Starts each browser, with a microphone into which something is heard, and ends it. Downloads go into a folder.

WebKit's person likes things to move. The others' doesn't: where no graphics card is, each moment in which something
moves on a page is drawn by the processor.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.remote.webdriver import WebDriver

from tests.browser.drivers.marionette import Marionette
from tests.support.product import wait_for

_SIZE = (1280, 1000)
_MICROPHONE = ("--enable-media-stream=true", "--enable-mock-capture-devices=true")


@contextlib.contextmanager
def chromium(downloads: Path) -> Iterator[WebDriver]:
    options = webdriver.ChromeOptions()
    options.binary_location = program("chromium")
    for argument in (
        *("--headless=new", "--no-sandbox", "--no-first-run", "--disable-background-networking"),
        *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
        *("--autoplay-policy=no-user-gesture-required", "--force-prefers-reduced-motion"),
        f"--window-size={_SIZE[0]},{_SIZE[1]}",
    ):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(program("chromedriver"))) as driver:
        yield driver


@contextlib.contextmanager
def firefox(downloads: Path) -> Iterator[WebDriver]:
    preferences: dict[str, object] = {
        "marionette.port": 0,  # any that is free
        "media.navigator.streams.fake": True,
        "media.navigator.permission.disabled": True,
        "media.autoplay.default": 0,
        "ui.prefersReducedMotion": 1,
        "media.cubeb.backend": "none",  # no sound device, also where there is one
        "browser.download.folderList": 2,
        "browser.download.dir": str(downloads),
        "app.update.enabled": False,
        "datareporting.policy.dataSubmissionEnabled": False,
        "toolkit.telemetry.reportingpolicy.firstRun": False,
        "browser.shell.checkDefaultBrowser": False,
        "network.captive-portal-service.enabled": False,
        "network.connectivity-service.enabled": False,
    }
    with tempfile.TemporaryDirectory(prefix="timbre-firefox-", ignore_cleanup_errors=True) as folder:
        profile = Path(folder)
        lines = [f"user_pref({_js(name)}, {_js(value)});\n" for name, value in preferences.items()]
        (profile / "user.js").write_text("".join(lines))
        command = [program("firefox-esr", "firefox"), "--headless", "--marionette", "--no-remote", "--profile", folder]
        command += ["--width", str(_SIZE[0]), "--height", str(_SIZE[1])]
        with _process(command, {"HOME": folder}):
            active = profile / "MarionetteActivePort"
            wait_for(lambda: active.exists() and active.read_text().strip().isdigit(), "Firefox listens")
            marionette = Marionette(int(active.read_text()))
            with webdriver.Remote(marionette, options=webdriver.FirefoxOptions()) as driver:
                yield driver


@contextlib.contextmanager
def webkit(downloads: Path) -> Iterator[WebDriver]:
    """WebKitGTK's own small browser. Its sessions under WebDriver are private windows: nothing is kept."""
    options = webdriver.WebKitGTKOptions()
    options.binary_location = str(next(Path("/usr/lib").glob("*/webkit2gtk-4.1/MiniBrowser")))
    for argument in ("--automation", "--autoplay-policy=allow", *_MICROPHONE):
        options.add_argument(argument)
    with tempfile.TemporaryDirectory(prefix="timbre-webkit-", ignore_cleanup_errors=True) as home, display() as name:
        # It saves where the desktop does.
        (Path(home) / "user-dirs.dirs").write_text(f'XDG_DOWNLOAD_DIR="{downloads}"\n')
        environment = {**os.environ, "DISPLAY": name, "HOME": home, "XDG_CONFIG_HOME": home}
        # Where no graphics card is, this way to the screen takes most of a core as long as anything moves on a page.
        environment["WEBKIT_DISABLE_DMABUF_RENDERER"] = "1"
        service = webdriver.WebKitGTKService(program("WebKitWebDriver"), env=environment)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Selenium calls itself as it advises others not to
            driver = webdriver.WebKitGTK(options=options, service=service)
        try:
            driver.set_window_size(*_SIZE)
            yield driver
        finally:
            driver.quit()


@contextlib.contextmanager
def display() -> Iterator[str]:
    """A screen that nobody sees; its name."""
    reads, writes = os.pipe()
    size = f"{_SIZE[0] + 100}x{_SIZE[1] + 100}x24"
    command = [program("Xvfb"), "-displayfd", str(writes), "-screen", "0", size, "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[writes], stderr=subprocess.DEVNULL) as server:
        os.close(writes)
        with os.fdopen(reads) as said:
            number = said.readline().strip()
        try:
            yield f":{number}"
        finally:
            server.terminate()


def program(*names: str) -> str:
    """Where it lies; a browser that is missing fails the test, because bin/test installs all of them."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise FileNotFoundError(f"{names[0]} is not installed: bin/test does it, or says what to install.")
    return found


@contextlib.contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    silent = subprocess.DEVNULL
    with subprocess.Popen(command, env={**os.environ, **environment}, stdout=silent, stderr=silent) as process:
        try:
            yield
        finally:
            process.terminate()


def _js(value: object) -> str:
    return str(value).lower() if isinstance(value, bool | int) else f'"{value}"'
