"""A 500 MB recording through `POST /`: what it costs the web server.

A plain loop beside it takes the same request from the same client: 64 KB at a time, as shutil.copyfileobj does, from
the socket into a file on the same disk, and fsync (bench/plain.py). So does the product's web server with nothing of
the product in it (bench/bare.py), which says how much of the rest is the server's, whose threads wake each other. All
alternate, each with memory that the kernel had in its hands a moment ago (`touch_memory`); product and server are
started seven times.
Bars: processor time <= 1.2 of the plain loop's, resident memory grows by <= 32 MB, bytes written to disk <= 1.05 of the
body.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from bench.bare import bare_server
from bench.measure import PeakRss, bar, touch_memory, tree, tree_rss_bytes, tree_run_s
from bench.plain import Plain, plain_loop
from bench.site import Site, say_help, site, write_wav
from conversions.forms.formdata import LAST
from tests.support.endpoint import Behaviour

T = TypeVar("T")

SIZE = 500 * 1000**2
WARM_UP = 1000**2
# One start of the server says a tenth more or less than another, for as long as it runs: memory lies otherwise.
STARTS, ROUNDS = 7, 3
# What shutil.copyfileobj takes, and what costs the kernel least: said, without a bar.
BLOCK, LARGE_BLOCK = 64 * 1024, 1024**2


class Start(NamedTuple):
    """What one start came to; `rounds` in processor seconds: ours, the loop's, in large blocks, the bare server's."""

    written: float
    growth_mb: float
    rounds: list[tuple[float, float, float, float]]


def main() -> int:
    say_help(__doc__)
    starts = [one_start() for _ in range(STARTS)]
    met = bar("written over the body", max(start.written for start in starts), 1.05, "x")
    met &= bar("growth of resident memory", max(start.growth_mb for start in starts), 32, "MB")
    rounds = [found for start in starts for found in start.rounds]
    ours, least, in_large_blocks, server = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(
        f"processor time {ours:.2f} s; a plain loop {least:.2f} s, with blocks of 1 MB {in_large_blocks:.2f} s; "
        f"the bare server {server:.2f} s, {server / least:.2f}x of the loop, and ours {ours / server:.2f}x of that"
    )
    met &= bar("processor time over a plain loop's", ours / least, 1.2, "x")
    return 0 if met else 1


def one_start() -> Start:
    with (
        site(Behaviour(status=422)) as where,  # what happens after the upload is another bench's
        plain_loop(where.folder, BLOCK) as plain,
        plain_loop(where.folder, LARGE_BLOCK) as large_blocks,
        bare_server(where.folder) as server,
    ):
        small, large = where.folder / "small.wav", where.folder / "large.wav"
        write_wav(small, WARM_UP)
        write_wav(large, SIZE)
        web = where.product.pid("web")
        for _ in range(2):
            where.person.wait(where.person.submit_file(small))
        rss, wrote = tree_rss_bytes(web), written(web)
        with PeakRss(web) as peak:
            product(where, large)
        return Start(
            (written(web) - wrote) / large.stat().st_size,
            (peak.peak_bytes - rss) / 1000**2,
            [
                (product(where, large), *(beside(where, other, large) for other in (plain, large_blocks, server)))
                for _ in range(ROUNDS)
            ],
        )


def product(where: Site, path: Path) -> float:
    """Processor seconds of the web server for one upload, sent as the Studio's script does; what comes after it has
    ended."""
    form = {**where.person.form(), LAST: "audio"}
    with path.open("rb") as file:
        address, took = spent(where.folder, where.product.pid("web"), lambda: where.person.send(form, file, path.name))
    where.person.wait(address, timeout_s=600)
    return took


def beside(where: Site, loop: Plain, path: Path) -> float:
    with path.open("rb") as file:
        form = {"audio": (path.name, file)}
        answer, took = spent(where.folder, loop.pid, lambda: where.person.http.post(loop.url, files=form))
    assert answer.status_code == 204
    stored = loop.path
    assert stored.stat().st_size > path.stat().st_size
    stored.unlink()
    return took


def spent(folder: Path, pid: int, upload: Callable[[], T]) -> tuple[T, float]:
    touch_memory(folder, SIZE * 5 // 4)
    before = tree_run_s(pid)
    answer = upload()
    return answer, tree_run_s(pid) - before


def written(pid: int) -> int:
    """Bytes that the tree of `pid` caused to be written to disk (proc(5), io: write_bytes)."""
    total = 0
    for process in tree(pid):
        lines = Path(f"/proc/{process}/io").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))
    return total


if __name__ == "__main__":
    sys.exit(main())
