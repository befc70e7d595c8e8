"""Memory of the whole product that nobody uses, as `bin/start` has it on this machine.

Looked at when it has settled: it has fetched its voices and examined their previews, which is the first work that every
process has. PSS is what it takes: a page that n processes share counts 1/n for each. RSS, which most tools show, counts
such a page n times. There is a process of the engine and one for cpu work for each core; the bar is for two.
`--against REV` starts another commit the same way and sets both in relation. Bars: PSS <= 500 MB; against another
commit both <= .75 of it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.measure import CHECKOUT, bar, pss_bytes, revision, rss_bytes
from tests.support.product import SHORT_INTERVALS, Product

# Voices are fetched within five seconds of the start; decoders that are not needed any more have ended.
SETTLED_S = 20.0


@dataclass(frozen=True)
class Memory:
    pss_mb: float
    rss_mb: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", metavar="REV", help="a commit to compare with")
    rev = parser.parse_args().against
    ours = idle(CHECKOUT)
    met = bar("PSS of all", ours.pss_mb, 500, "MB")
    if rev:
        print(f"{rev}:")
        with revision(rev) as checkout:
            theirs = idle(checkout)
        met &= bar(f"PSS over that of {rev}", ours.pss_mb / theirs.pss_mb, 0.75, "x")
        met &= bar(f"RSS over that of {rev}", ours.rss_mb / theirs.rss_mb, 0.75, "x")
    return 0 if met else 1


def idle(checkout: Path) -> Memory:
    with tempfile.TemporaryDirectory(prefix="timbre-bench-") as folder:
        product = Product(Path(folder) / "data", checkout=checkout)
        for name in SHORT_INTERVALS:  # those of production
            del product.env[name]
        with product:
            time.sleep(SETTLED_S)
            assert product.supervisor
            pids = {"supervisor": [product.supervisor.pid], **product.pids()}
            by_name = {name: (len(its), pss_bytes(its) / 1e6, rss_bytes(its) / 1e6) for name, its in pids.items()}
    totals = [sum(column) for column in zip(*by_name.values(), strict=True)]
    for name, (count, pss_mb, rss_mb) in [*by_name.items(), ("all", totals)]:
        print(f"{name:<12} {count:>3} processes, PSS {pss_mb:6.1f} MB, RSS {rss_mb:6.1f} MB")
    return Memory(*totals[1:])


if __name__ == "__main__":
    sys.exit(main())
