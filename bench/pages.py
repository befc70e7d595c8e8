"""What the pages weigh and how they appear: Studio, a conversion that is ready, History; by a real Chromium.

Each is opened with an empty cache on a desk (1280 px) and a phone (390 px), three times. Weight: all that is
transferred but audio. Bars: Studio <= 120 KB; layout shift <= .1 on every page; no request to another host. The time
until the first paint is of this machine, so it has none.
"""

from __future__ import annotations

import shutil
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, CDPSession, sync_playwright

from bench.measure import bar
from bench.site import Site, say_help, site
from tests.support.endpoint import Behaviour
from tests.support.sound import phrase

VIEWPORTS = ({"width": 1280, "height": 900}, {"width": 390, "height": 844})
TIMES = 3
CONVERSIONS = 12  # so that History has something to show
SETTLED_MS = 1500  # what moves a page later than this is not its loading
BARS_KB = {"Studio": 120.0}
# Chromium counts what it has painted and moved; `buffered` brings what happened before we asked.
FIGURES = """
async () => {
    const seen = (type) => new Promise((done) => {
        const observer = new PerformanceObserver((list) => { done(list.getEntries()); observer.disconnect(); });
        observer.observe({ type, buffered: true });
        setTimeout(() => done([]), 200);
    });
    const [paint] = (await seen("paint")).filter((entry) => entry.name === "first-contentful-paint");
    const shifts = (await seen("layout-shift")).filter((entry) => !entry.hadRecentInput);
    return { paint_ms: paint ? paint.startTime : null, shift: shifts.reduce((sum, entry) => sum + entry.value, 0) };
}
"""


@dataclass
class Visit:
    """One opening of a page. `sizes`: bytes transferred by request, `kinds`: its resource type and its address."""

    paint_ms: float = 0.0
    shift: float = 0.0
    sizes: dict[str, float] = field(default_factory=dict)
    kinds: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def without_audio(self) -> list[str]:
        return [request for request, (kind, _) in self.kinds.items() if kind != "Media"]

    @property
    def kilobytes(self) -> float:
        return sum(self.sizes.get(request, 0.0) for request in self.without_audio) / 1000

    def hosts(self) -> set[str]:
        """Of every request that left the browser."""
        return {urlsplit(url).netloc for _, url in self.kinds.values() if urlsplit(url).scheme.startswith("http")}


def main() -> int:
    say_help(__doc__)
    met = True
    with site(Behaviour()) as where, chromium() as browser:
        person = where.person
        addresses = [person.submit(phrase(5.0, number), f"Bulletin {number}.wav") for number in range(CONVERSIONS)]
        assert {person.wait(address) for address in addresses} == {"ready"}
        for name, path in (("Studio", "/"), ("Conversion", addresses[0]), ("History", "/history/")):
            visits = [visit(browser, where, path, viewport) for viewport in VIEWPORTS * TIMES]
            met &= measure(name, visits, ours=urlsplit(where.product.url).netloc)
    return 0 if met else 1


def measure(name: str, visits: list[Visit], *, ours: str) -> bool:
    weight = max(visit.kilobytes for visit in visits)
    met = True
    if name in BARS_KB:
        met = bar(f"{name}: weight without audio", weight, BARS_KB[name], "KB")
    else:
        show(f"{name}: weight without audio", weight, "KB")
    show(f"{name}: requests", max(len(visit.without_audio) for visit in visits), "")
    show(f"{name}: first contentful paint, median", statistics.median(visit.paint_ms for visit in visits), "ms")
    others = set().union(*(visit.hosts() for visit in visits)) - {ours}
    met &= bar(f"{name}: other hosts asked{' '.join(['', *sorted(others)])}", len(others), 0, "")
    return met & bar(f"{name}: cumulative layout shift, at most", max(visit.shift for visit in visits), 0.1, "")


def show(name: str, value: float, unit: str) -> None:
    print(f"{name:<52} {value:>9.3f}             {unit}", flush=True)


@contextmanager
def chromium() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        sys.exit("Chromium is not installed: bin/test installs it, or apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


def visit(browser: Browser, where: Site, path: str, viewport: dict[str, int]) -> Visit:
    context = browser.new_context(base_url=where.product.url, viewport=viewport)  # type: ignore[arg-type]
    sign_in(context, where)
    page = context.new_page()
    seen = Visit()
    listen(context.new_cdp_session(page), seen)
    answer = page.goto(path, wait_until="load")
    assert answer is not None
    assert (answer.status, urlsplit(page.url).path) == (200, path), f"{path} led to {page.url}"
    page.wait_for_timeout(SETTLED_MS)
    figures = page.evaluate(FIGURES)
    seen.paint_ms, seen.shift = figures["paint_ms"], figures["shift"]
    context.close()
    return seen


def sign_in(context: BrowserContext, where: Site) -> None:
    cookies = where.person.http.cookies.items()
    context.add_cookies([{"name": name, "value": value, "url": where.product.url} for name, value in cookies])


def listen(session: CDPSession, seen: Visit) -> None:
    """The sizes are those on the wire, with headers, after compression."""

    def begun(event: dict[str, object]) -> None:
        request = event["request"]
        assert isinstance(request, dict)
        seen.kinds[str(event["requestId"])] = (str(event.get("type")), str(request["url"]))

    def ended(event: dict[str, object]) -> None:
        size = event["encodedDataLength"]
        assert isinstance(size, int | float)
        seen.sizes[str(event["requestId"])] = size

    session.on("Network.requestWillBeSent", begun)
    session.on("Network.loadingFinished", ended)
    session.send("Network.enable")


if __name__ == "__main__":
    sys.exit(main())
