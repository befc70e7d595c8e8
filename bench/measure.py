"""What every bench needs: processor time and memory of a process and its descendants, a server to ask, a verdict.

Reads /proc, so benches run on Linux.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_POLL_S = 0.05


def tree(pid: int) -> list[int]:
    """Process ids of `pid` and all its living descendants; empty when it has ended."""
    found, unvisited = [], [pid]
    while unvisited:
        process = unvisited.pop()
        try:
            tasks = [task.name for task in Path(f"/proc/{process}/task").iterdir()]
            for task in tasks:
                children = Path(f"/proc/{process}/task/{task}/children").read_text()
                unvisited += [int(child) for child in children.split()]
        except OSError:  # it ended while we were looking
            continue
        found.append(process)
    return found


def tree_cpu_s(pid: int) -> float:
    """Processor seconds, user and system, that the tree of `pid` has spent so far.

    Descendants that have ended and were waited for are counted with their parents (proc(5): cutime, cstime).
    """
    ticks = 0
    for process in tree(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / _TICKS_PER_S


def rss_bytes(pids: Iterable[int]) -> int:
    """Resident memory of these processes now. Pages that they share are counted for each of them."""
    pages = 0
    for process in pids:
        with contextlib.suppress(OSError):
            pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * _PAGE_BYTES


def tree_run_s(pid: int) -> float:
    """As `tree_cpu_s`, to the nanosecond and not by ticks (Documentation/scheduler/sched-stats.rst); of living threads.

    For what takes some tenths of a second: a tick is a hundredth, and whom it finds at work has it all.
    """
    nanoseconds = 0
    for process in tree(pid):
        for task in Path(f"/proc/{process}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):
                nanoseconds += int(task.read_text().split()[0])
    return nanoseconds / 1e9


def tree_rss_bytes(pid: int) -> int:
    return rss_bytes(tree(pid))


def pss_bytes(pids: Iterable[int]) -> int:
    """Memory of these processes now: a page that n processes share counts 1/n for each, so that the sum is true."""
    kilobytes = 0
    for process in pids:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
            kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes * 1024


def tree_pss_bytes(pid: int) -> int:
    return pss_bytes(tree(pid))


class PeakRss:
    """Inside its `with` block, looks at `tree_rss_bytes` twenty times a second; `peak_bytes` is the most it saw.

    Sees children that come and go, such as decoders. With `measure=tree_pss_bytes` shared pages count once; look
    less often then, because the kernel stops the process while it counts.
    """

    def __init__(self, pid: int, measure: Callable[[int], int] = tree_rss_bytes, every_s: float = _POLL_S) -> None:
        self._pid = pid
        self._measure = measure
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.peak_bytes = 0

    def __enter__(self) -> PeakRss:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(self._every_s):
            self.peak_bytes = max(self.peak_bytes, self._measure(self._pid))


@contextlib.contextmanager
def running(
    command: Sequence[str], url: str, *, environment: Mapping[str, str] | None = None, patience_s: float = 60.0
) -> Iterator[subprocess.Popen[bytes]]:
    """Start `command` in the checkout, wait until `url` answers with a status below 500, stop it afterwards.

    `environment` is laid over ours. Its output is thrown away. Raises RuntimeError when it ends or does not answer in
    time.
    """
    process = subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env=os.environ | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        give_up_at = time.monotonic() + patience_s
        while not _answers(url):
            if process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended with {process.returncode} before {url} answered")
            if time.monotonic() > give_up_at:
                raise RuntimeError(f"{url} did not answer within {patience_s:.0f} s")
            time.sleep(_POLL_S)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - the bench's own server
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def touch_memory(folder: Path, size: int) -> None:
    """`size` bytes are written into a file, which is deleted: the kernel gives next what it got back last.

    On a virtual machine the first write to a page waits until the host has found one, which costs several times as
    much as the write. Who comes second would find it done.
    """
    path, block = folder / "scratch", bytes(1024**2)
    with path.open("wb", buffering=0) as file:
        for _ in range(size // len(block)):
            file.write(block)
        os.fsync(file.fileno())
    path.unlink()


@contextlib.contextmanager
def revision(name: str) -> Iterator[Path]:
    """A checkout of this commit of ours, gone afterwards. Its packages are those of today."""
    with tempfile.TemporaryDirectory(prefix="timbre-against-") as folder:
        checkout = Path(folder) / "checkout"
        git = ["git", "-C", str(CHECKOUT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(checkout), name], check=True)
        try:
            yield checkout
        finally:
            subprocess.run([*git, "remove", "--force", str(checkout)], check=True)


def bar(name: str, value: float, limit: float, unit: str) -> bool:
    """Print one line, e.g. `processor time    .062 <= .100 s/s   met`; True when `value` is at most `limit`."""
    met = value <= limit
    print(f"{name:<52} {value:>9.3f} <= {limit:<8g} {unit:<6} {'met' if met else 'MISSED'}", flush=True)
    return met
