"""200 calls of one second through 32 slots: how close the queue comes to an endpoint that is never idle.

All are submitted and prepared while the endpoint is paused, and the worker is at rest; measured is from its opening
until the last is ready. On SQLite and on PostgreSQL, both waiting for the disk. Bars: <= 1.15 of the ideal (200 / 32
rounded up: 7 s); processor time of the calls worker <= 10 ms a call, and its memory <= 150 MB. Its decoders are
included in both; what they share with each other counts once (PSS).

What a millisecond is worth moves with the hour on a machine that others use too. So the same calls are made alone, with
a look at each answer, without database or queue, once before and once after; the product takes <= 2.5 times as much.
Answers are WAV, which needs no decoder: compressed ones take one each.
"""

from __future__ import annotations

import io
import math
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from bench import crowd
from bench.inside import Inside, databases
from bench.measure import PeakRss, bar, tree_cpu_s, tree_pss_bytes, tree_run_s
from bench.site import say_help, site
from s2s.audio import examine, warm_up
from s2s.client import Client
from s2s.contract import ConvertParameters
from tests.support.endpoint import Behaviour
from tests.support.sound import wav

CALLS, SLOTS, CALL_S = 200, 32, 1.0
AUDIO = wav(1.0)
REST_S = 0.5
IDEAL_S = math.ceil(CALLS / SLOTS) * CALL_S


def main() -> int:
    say_help(__doc__)
    met = True
    with databases() as kinds:
        for kind, new_database in kinds.items():
            met &= measure(kind, new_database())
    return 0 if met else 1


def measure(kind: str, database_url: str) -> bool:
    with site(Behaviour(delay_s=CALL_S, framing="length"), {"DATABASE_URL": database_url}) as where:
        worker = where.product.pid("calls")
        with Inside(where.product.environment_inside()) as inside:
            inside(crowd.prepare_gate, SLOTS)
            inside(crowd.submit, inside(crowd.join_team, "Alice"), AUDIO, CALLS)
            inside(crowd.wait_until_prepared, CALLS)
            wait_until_at_rest(worker)
            before_s = bare(where.endpoint_url)
            cpu_s = tree_cpu_s(worker)
            with PeakRss(worker, tree_pss_bytes, every_s=1.0) as peak:
                opened_at = inside(crowd.open_gate)
                took_s = (inside(crowd.wait_until_ready, CALLS) - opened_at).total_seconds()
            cpu_s = tree_cpu_s(worker) - cpu_s
        bare_s = (before_s + bare(where.endpoint_url)) / 2
    print(f"{kind}: a call and the decoding of its answer, and nothing else: {bare_s / CALLS * 1000:.1f} ms")
    met = bar(f"{kind}: processor time of the calls worker", cpu_s / CALLS * 1000, 10, "ms")
    met &= bar(f"{kind}: that over the calls alone", cpu_s / bare_s, 2.5, "x")
    met &= bar(f"{kind}: its memory, at most", peak.peak_bytes / 1e6, 150, "MB")
    return met & bar(f"{kind}: {CALLS} calls in {took_s:.2f} s, over {IDEAL_S:g} s", took_s / IDEAL_S, 1.15, "x")


def wait_until_at_rest(worker: int) -> None:
    """Each recording has rung as it was submitted. Those bells are heard one after the other, and are not the calls."""
    while True:
        run_s = tree_run_s(worker)
        time.sleep(REST_S)
        if tree_run_s(worker) - run_s < REST_S / 20:
            return


def bare(endpoint_url: str) -> float:
    """Processor time of as many calls by this process and its decoders, in seconds."""
    warm_up()
    decoders = threading.BoundedSemaphore(os.cpu_count() or 1)  # as many at once as the worker has

    def call(client: Client) -> None:
        parameters = ConvertParameters(output_format="wav_16000")
        with client.convert("nora", AUDIO, parameters) as answer:
            result = b"".join(answer)
        with decoders:
            examine(io.BytesIO(result))

    with Client(endpoint_url) as client, ThreadPoolExecutor(SLOTS) as hands:
        list(hands.map(call, [client] * SLOTS))  # connections and threads are there
        cpu_s = tree_cpu_s(os.getpid())
        list(hands.map(call, [client] * CALLS))
        return tree_cpu_s(os.getpid()) - cpu_s


if __name__ == "__main__":
    sys.exit(main())
