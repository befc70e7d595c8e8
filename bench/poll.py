"""Polls of a conversion's state: how many a second the web server answers, and SQL queries for each.

The rate depends on the machine, so /healthz is asked beside it, in turns and in the same way: the same server and
middleware, and an answer that asks nothing of anybody. What a poll takes over it is the poll's own work.
`--against REV` starts another commit beside it, and asks both in turns. Bars: <= 2 queries, the session's included;
once a minute a process needs one more, which is said; another commit takes >= 1.2 times as long. Rates are said without
a bar.
"""

from __future__ import annotations

import argparse
import contextlib
import html
import http.client
import json
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import CHECKOUT, bar, revision
from bench.site import Site, site, write_wav
from tests.support.endpoint import Behaviour

CLIENTS = 4
ROUNDS = 5
SECONDS = 2.0

_COUNT = """
import json
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from teams.models import User
client = Client(); client.force_login(User.objects.get())
counts = []
for _ in range(2):
    with CaptureQueriesContext(connection) as queries:
        client.get("{address}status/")
    counts.append(len(queries))
print(json.dumps(counts))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", metavar="REV", help="a commit to compare with")
    rev = parser.parse_args().against
    with contextlib.ExitStack() as stack:
        where, address = stack.enter_context(converting(CHECKOUT))
        poll = unchanged(where, address)
        beside = stack.enter_context(converting(stack.enter_context(revision(rev)))) if rev else None
        theirs = (beside[0], unchanged(*beside)) if beside else None
        rates = [
            (rate(where, poll, 204), rate(where, "/healthz", 200), rate(*theirs, 204) if theirs else 0.0)
            for _ in range(ROUNDS)
        ]
        polls, least, before = (statistics.median(column) for column in zip(*rates, strict=True))
        print(f"{polls:.0f} polls a second from {CLIENTS} connections, nothing new to say")
        print(f"{least:.0f} answers of /healthz a second: a poll takes {least / polls:.2f} times as long")
        first, further = queries(where, address)
        print(f"the first poll of a process learns the endpoint's pace for a minute: {first} SQL queries")
        met = bar("SQL queries for every further poll", further, 2, "")
        if theirs:
            print(f"{rev}: {before:.0f} polls a second, {polls / before:.2f} times as many now")
            met &= bar("time of a poll over its", before / polls, 1 / 1.2, "x")
    return 0 if met else 1


@contextlib.contextmanager
def converting(checkout: Path) -> Iterator[tuple[Site, str]]:
    """A product with a conversion under way, and its address."""
    with site(Behaviour(delay_s=600), checkout=checkout) as where:
        path = where.folder / "a.wav"
        write_wav(path, 1000**2)
        address = where.person.submit_file(path)
        while where.person.state(address) != "converting":
            time.sleep(0.1)
        yield where, address


def unchanged(where: Site, address: str) -> str:
    """The address that is answered 204 while nothing changes."""
    found = re.search(r'hx-get="([^"]+)"', where.person.http.get(address).text)
    assert found
    return html.unescape(found.group(1))


def rate(where: Site, address: str, status: int) -> float:
    """Answers a second."""
    cookie = "; ".join(f"{name}={value}" for name, value in where.person.http.cookies.items())
    counts: list[int] = []
    until = time.perf_counter() + SECONDS

    def poll() -> None:
        connection, count = http.client.HTTPConnection("127.0.0.1", where.product.port), 0
        while time.perf_counter() < until:
            connection.request("GET", address, headers={"Cookie": cookie})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == status
            count += 1
        counts.append(count)

    threads = [threading.Thread(target=poll) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


def queries(where: Site, address: str) -> list[int]:
    code = _COUNT.format(address=address)
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
    ran = subprocess.run(command, cwd=CHECKOUT, env=where.product.env, capture_output=True, text=True, check=True)
    counts: list[int] = json.loads(ran.stdout)
    return counts


if __name__ == "__main__":
    sys.exit(main())
