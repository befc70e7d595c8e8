"""What people do on the pages, in any browser that WebDriver drives. Nothing here knows which one it is."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.file_detector import UselessFileDetector
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement

from tests.browser.looks import SCREENS
from tests.support.product import PATIENCE_S

# Whether it is said by its words or by its label, what can be pressed is found by its name.
_NAMED = "//*[self::button or self::a or self::summary][normalize-space()={0} or @aria-label={0}]"
_LABELLED = "//*[@id=//label[normalize-space()={0}]/@for] | //label[normalize-space()={0}]//input"


T = TypeVar("T")


class Visitor:
    """Someone before a browser, at the product whose address is `url`; what they save arrives in `downloads`."""

    def __init__(self, driver: WebDriver, url: str, downloads: Path) -> None:
        self.driver = driver
        self.url = url
        self.downloads = downloads
        driver.set_script_timeout(PATIENCE_S)
        driver.file_detector = UselessFileDetector()  # the browser is on this machine: nothing has to be sent to it

    # ---- in the words of a browser ----

    def open(self, path: str) -> None:
        self.driver.get(f"{self.url}{path}")

    def press(self, name: str) -> None:
        def pressed() -> bool:
            found = self._seen(_NAMED.format(_quoted(name)))
            if found:
                found.click()
            return found is not None

        self._once(pressed, f"“{name}” to press")  # what was found may be swapped for the same before it is pressed

    def fill(self, label: str, words: str) -> None:
        field = self._once(lambda: self._seen(_LABELLED.format(_quoted(label))), f"the field “{label}”")
        field.clear()
        field.send_keys(words)

    def keys(self, words: str) -> None:
        """Typed where nothing has the focus."""
        self.driver.find_element(By.TAG_NAME, "body").send_keys(words)

    def find(self, selector: str) -> WebElement:
        """The first of what is seen."""
        return self._once(
            lambda: next(
                (one for one in self.driver.find_elements(By.CSS_SELECTOR, selector) if one.is_displayed()), None
            ),
            selector,
        )

    def see(self, selector: str, words: str) -> str:
        """Wait until there are these words (a pattern); all that stands there."""
        return self._once(lambda: self._text_with(selector, words), f"“{words}” in {selector}")

    def ask(self, script: str, *arguments: object) -> Any:
        """What `script`, the body of an async function, returns."""
        return self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            f"(async (...given) => {{ {script} }})(...arguments)"
            ".then(done, (error) => done(`failed: ${error}`));",
            *arguments,
        )

    def until(self, script: str, *arguments: object) -> Any:
        """Wait until this expression is true; its value."""
        return self._once(lambda: self.driver.execute_script(f"return {script}", *arguments), script)

    # ---- in the words of the product ----

    def sign_in(self, email: str, password: str) -> None:
        self.open("/accounts/login/")
        self.fill("E-mail", email)
        self.fill("Password", password)
        self.press("Sign in")
        self.see("h1", "Change the voice, keep the performance")

    def choose(self, *files: Path) -> None:
        """Into the list of the Studio that is open."""
        self.driver.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys("\n".join(map(str, files)))
        for file in files:
            self.see("#files", re.escape(file.name))

    def choose_voices(self, *names: str) -> None:
        """These and no others."""
        for box in self.driver.find_elements(By.CSS_SELECTOR, ".voice input"):
            if box.is_selected() != (box.get_attribute("data-name") in names):
                self.driver.execute_script("arguments[0].click()", box)  # the box itself is covered by its card
        self.until("document.querySelectorAll('.voice input:checked').length === arguments[0]", len(names))

    def record(self, seconds: int) -> int:
        """With the microphone, so long or longer; it is listened to, not yet used. How many seconds the timer said."""
        assert seconds < 10
        self.press("Record")
        self.see("[role=timer]", rf"0:(0[{seconds}-9]|[1-5]\d)")
        self.press("Stop")
        self.find("#recorder .use")
        said = self.driver.execute_script("return document.querySelector('[role=timer]').textContent")
        return int(said.split(":")[1])

    def convert(self, arrives_at: str = "/conversions/") -> str:
        """Send what is chosen, be on the page that it leads to, and wait until all is ready; that page's path."""
        self.press("Convert")
        self.until("location.pathname.startsWith(arguments[0])", arrives_at)
        self.find("main[data-state=ready]")
        self.until("document.readyState === 'complete'")  # it was loaded anew: its scripts are at work
        return str(self.driver.execute_script("return location.pathname"))

    def download(self, name: str) -> Path:
        """Press the link; the whole file."""
        before = set(self.downloads.iterdir())
        # By the pointer alone: after a link's click() Firefox's driver waits five seconds for the page that it opens.
        ActionChains(self.driver).click(self._named(name)).perform()
        partial = (".crdownload", ".part", ".wkdownload")

        def arrived() -> Path | None:
            new = [path for path in self.downloads.iterdir() if path not in before]
            if len(new) != 1 or new[0].name.startswith(".") or new[0].suffix in partial:
                return None
            return new[0] if new[0].stat().st_size else None

        return self._once(arrived, f"the file of “{name}”")

    def keep_picture(self, name: str) -> None:
        """For people to look at, on a desk and as narrow as the browser's windows get."""
        SCREENS.mkdir(parents=True, exist_ok=True)
        usual = self.driver.get_window_size()
        for width in (usual["width"], 450):
            self.driver.set_window_size(width, usual["height"])
            self.driver.save_screenshot(str(SCREENS / f"{name}-{width}.png"))
        self.driver.set_window_size(usual["width"], usual["height"])

    # ---- waiting ----

    def _text_with(self, selector: str, words: str) -> str | None:
        texts = [one.text for one in self.driver.find_elements(By.CSS_SELECTOR, selector) if one.is_displayed()]
        return next((text for text in texts if re.search(words, text)), None)

    def _named(self, name: str) -> WebElement:
        return self._once(lambda: self._seen(_NAMED.format(_quoted(name))), f"“{name}” to press")

    def _seen(self, path: str) -> WebElement | None:
        return next((one for one in self.driver.find_elements(By.XPATH, path) if one.is_displayed()), None)

    def _once(self, look: Callable[[], T | None], what: str) -> T:
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                found = look()
            except StaleElementReferenceException:
                found = None  # the page has moved on
            if found:
                return found
            if time.monotonic() > until:
                page = self.driver.find_element(By.TAG_NAME, "body").text
                raise AssertionError(f"{what} did not come. {self.driver.current_url} says:\n{page}")
            time.sleep(0.1)  # looking takes a browser long


def _quoted(words: str) -> str:
    assert '"' not in words
    return f'"{words}"'
