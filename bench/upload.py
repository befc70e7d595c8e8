"""A 500 MB recording through `POST /`: what it costs the web server.

Bars: resident memory grows by <= 32 MB, bytes written to disk <= 1.05 of the body, processor time <= 1 s.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.measure import PeakRss, bar, tree, tree_cpu_s, tree_rss_bytes
from bench.site import say_help, site, write_wav
from tests.support.endpoint import Behaviour

SIZE = 500 * 1000**2
WARM_UP = 1000**2


def written(pid: int) -> int:
    """Bytes that the tree of `pid` caused to be written to disk (proc(5), io: write_bytes)."""
    total = 0
    for process in tree(pid):
        lines = Path(f"/proc/{process}/io").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))
    return total


def main() -> int:
    say_help(__doc__)
    with site(Behaviour(status=422)) as where:  # what happens after the upload is another bench's
        small, large = where.folder / "small.wav", where.folder / "large.wav"
        write_wav(small, WARM_UP)
        write_wav(large, SIZE)
        web = where.product.pid("web")
        for _ in range(2):
            where.person.submit_file(small)
        rss, cpu, wrote = tree_rss_bytes(web), tree_cpu_s(web), written(web)
        with PeakRss(web) as peak:
            where.person.submit_file(large)
        met = bar("written over the body", (written(web) - wrote) / large.stat().st_size, 1.05, "x")
        met &= bar("processor time", tree_cpu_s(web) - cpu, 1.0, "s")
        met &= bar("growth of resident memory", (peak.peak_bytes - rss) / 1000**2, 32, "MB")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
