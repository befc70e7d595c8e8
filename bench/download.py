"""A 500 MB recording from the web server, whole and as ranges.

Bar: its resident memory grows by <= 16 MB.
"""

from __future__ import annotations

import sys
import time

from bench.measure import PeakRss, bar, tree_cpu_s, tree_rss_bytes
from bench.site import say_help, site, write_wav
from tests.support.endpoint import Behaviour

SIZE = 500 * 1000**2
RANGE = 1000**2


def main() -> int:
    say_help(__doc__)
    with site(Behaviour(status=422)) as where:
        large = where.folder / "large.wav"
        write_wav(large, SIZE)
        address = f"{where.person.submit_file(large)}source/"
        person, web = where.person, where.product.pid("web")
        person.read(address, {"Range": f"bytes=0-{RANGE - 1}"})
        rss, cpu, began = tree_rss_bytes(web), tree_cpu_s(web), time.perf_counter()
        with PeakRss(web) as peak:
            whole = person.read(address)
            took, cpu = time.perf_counter() - began, tree_cpu_s(web) - cpu
            ranges = [
                person.read(address, {"Range": f"bytes={start}-{start + RANGE - 1}"})
                for start in range(0, whole, whole // 50)
            ]
        print(f"whole file: {whole / took / 1000**2:.0f} MB/s, {cpu / whole * 1e8:.3f} CPU-s per 100 MB")
        assert whole == large.stat().st_size
        assert ranges[0] == RANGE
        met = bar("growth of resident memory", (peak.peak_bytes - rss) / 1000**2, 16, "MB")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
