"""What the product adds to a call: submit -> ready through the pages, over a direct call of the same endpoint.

The endpoint takes 1.0 s and answers 5 MB; both ways alternate in one run; the page's state is polled each 10 ms, over
a connection that is kept, as a browser's is. It became ready between the last poll that said no and the first that
said yes, so the middle is taken: waiting for the next poll is the bench's own. A third way is what nothing can leave
out: the recording sent over HTTP to a plain loop that writes it down (bench/plain.py), both files on the disk and
examined, without pages, database or queue. How long that takes is the machine's, so what the product adds is held
against it. All three find memory that the kernel had in its hands a moment ago (`touch_memory`): the product keeps its
files and would meet new pages each time, where the third way writes over its own. Both files are WAV, which needs no
decoder: compressed sound takes one for each, and is not measured here.
Bars: median <= 1.02 of the third way's and <= 1.05 of the direct call's; 95th percentile <= 1.15 of the latter.
"""

from __future__ import annotations

import html
import http.client
import io
import os
import re
import statistics
import sys
import time
from collections.abc import Iterable
from functools import partial
from typing import BinaryIO

from bench.measure import bar, touch_memory
from bench.plain import Plain, plain_loop
from bench.site import Site, say_help, site, write_wav
from s2s.audio import examine, warm_up
from s2s.client import Client
from s2s.contract import ConvertParameters
from tests.support.endpoint import Behaviour

ROUNDS = 30
POLL_S = 0.01
WARM_UPS = 3
BLOCK = 64 * 1024
# Both files of a round and what the processes take for them, some times over.
TOUCHED = 64 * 1000**2


def main() -> int:
    say_help(__doc__)
    with site(Behaviour(delay_s=1.0, framing="length")) as where, plain_loop(where.folder, BLOCK) as plain:
        path = where.folder / "five.wav"
        write_wav(path, 5 * 1000**2)
        audio = path.read_bytes()
        warm_up()
        polls = Polls(where)
        with Client(where.endpoint_url) as client:
            for _ in range(WARM_UPS):
                one_round(where, plain, client, polls, audio)
            times = [one_round(where, plain, client, polls, audio) for _ in range(ROUNDS)]
    directs, ours, bares = (sorted(column) for column in zip(*times, strict=True))
    direct_s, ours_s, bare_s = (statistics.median(column) for column in (directs, ours, bares))
    print(f"direct call {direct_s * 1000:.0f} ms, through the product {ours_s * 1000:.0f} ms (median)")
    print(f"what nothing can leave out: {bare_s * 1000:.0f} ms, {bare_s / direct_s:.3f}x of the direct call")
    met = bar("95th percentile over the direct call", ours[int(0.95 * len(ours))] / direct_s, 1.15, "x")
    met &= bar("submit to ready over the direct call, median", ours_s / direct_s, 1.05, "x")
    met &= bar("submit to ready over what nothing can leave out", ours_s / bare_s, 1.02, "x")
    return 0 if met else 1


def one_round(where: Site, plain: Plain, client: Client, polls: Polls, audio: bytes) -> tuple[float, float, float]:
    took = []
    for way in (
        partial(direct, client, audio),
        partial(through, where, polls, audio),
        partial(bare, where, plain, client, audio),
    ):
        touch_memory(where.folder, TOUCHED)
        took.append(way())
    one, two, three = took
    return one, two, three


def direct(client: Client, audio: bytes) -> float:
    began = time.perf_counter()
    with client.convert("nora", io.BytesIO(audio), ConvertParameters(output_format="wav_48000")) as answer:
        for _ in answer:
            pass
    return time.perf_counter() - began


def bare(where: Site, plain: Plain, client: Client, audio: bytes) -> float:
    began = time.perf_counter()
    where.person.http.post(plain.url, content=audio)
    with plain.path.open("rb") as recording, (where.folder / "answer").open("wb") as stored:
        examine(recording)
        with client.convert("nora", recording, ConvertParameters(output_format="wav_48000")) as answer:
            keep(stored, answer)
    with (where.folder / "answer").open("rb") as result:
        examine(result)
    return time.perf_counter() - began


def keep(file: BinaryIO, chunks: Iterable[bytes]) -> None:
    for chunk in chunks:
        file.write(chunk)
    file.flush()
    os.fsync(file.fileno())


def through(where: Site, polls: Polls, audio: bytes) -> float:
    form = where.person.form()
    began = time.perf_counter()
    address = where.person.send(form, audio, "five.wav", "wav_48000")
    took = polls.until_it_reloads(address) - began
    assert where.person.state(address) == "ready"
    return took


class Polls:
    """As a page does it: over one connection, and with what was said last, so that most answers are empty."""

    def __init__(self, where: Site) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", where.product.port)
        cookies = where.person.http.cookies.items()
        self._headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies)}

    def until_it_reloads(self, address: str) -> float:
        """When it became ready, by time.perf_counter."""
        ask, ask_at, not_yet = f"{address}status/", time.perf_counter(), time.perf_counter()
        while True:
            ask_at += POLL_S
            time.sleep(max(0.0, ask_at - time.perf_counter()))
            asked = time.perf_counter()
            self._connection.request("GET", ask, headers=self._headers)
            answer = self._connection.getresponse()
            body = answer.read().decode()
            if answer.headers["HX-Refresh"]:
                return (not_yet + time.perf_counter()) / 2
            not_yet = asked
            assert answer.status in (200, 204)
            if answer.status == 200:
                (ask,) = map(html.unescape, re.findall(r'hx-get="([^"]+)"', body))


if __name__ == "__main__":
    sys.exit(main())
