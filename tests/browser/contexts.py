"""Contexts of a browser that tests take one after the other, each of them as empty as a new one.

A new context starts cold: a renderer, every script compiled again and no cache cost a test about a second of computing.
What tests leave behind lies in the pages, which are closed, and in what the context stores, which is cleared: cookies,
IndexedDB, and whatever else belongs to the address. Who changes a context itself (its clock, its permissions, scripts
for all its pages) makes one of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from weakref import WeakKeyDictionary

from playwright.sync_api import Browser, BrowserContext, Cookie, Page

# A small answer of the product: a page of that address, but for what it shows.
_SMALL = "/healthz"
_free: WeakKeyDictionary[Browser, dict[str, list[Kept]]] = WeakKeyDictionary()


class Kept:
    """A context, and a page of its address that stays open: with `--process-per-site` the renderer stays too."""

    def __init__(self, browser: Browser, url: str, options: Mapping[str, Any]) -> None:
        self.context: BrowserContext = browser.new_context(
            base_url=url, viewport={"width": 1280, "height": 900}, accept_downloads=True, **options
        )
        self._url = url
        self._page: Page = self.context.new_page()
        self._page.goto(_SMALL)
        self._session = self.context.new_cdp_session(self._page)

    def empty(self) -> None:
        """Closes its pages and takes away what they stored."""
        for page in self.context.pages:
            if page != self._page:
                page.close()
        self.context.clear_cookies()
        self._session.send("Storage.clearDataForOrigin", {"origin": self._url, "storageTypes": "all"})


def take(browser: Browser, url: str, options: Mapping[str, Any], cookies: list[Cookie]) -> Kept:
    """One that nobody has just now, made with `options` (those of `new_context`), and these cookies in it."""
    free = _free.setdefault(browser, {}).setdefault(_key(url, options), [])
    kept = free.pop() if free else Kept(browser, url, options)
    kept.context.add_cookies(cast(Any, cookies))
    return kept


def give_back(browser: Browser, url: str, options: Mapping[str, Any], kept: Kept) -> None:
    """Emptied, for whoever takes it next."""
    kept.empty()
    _free[browser][_key(url, options)].append(kept)


def _key(url: str, options: Mapping[str, Any]) -> str:
    return repr((url, sorted(options.items())))
