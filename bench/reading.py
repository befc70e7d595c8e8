"""Recordings of an hour: what examining and decoding them costs over the decoding library alone.

An hour of speech as WAV, M4A and MP3, and beside 2 GB of film. PyAV in a plain loop reads each twice, because we read
it twice: once to examine it and once for its samples. Both take turns in processes of their own, and so does, with
`--against REV`, the build of that revision: what a change costs is seen in one run. Some three minutes on a quiet
core, five with another build. Bars:

- the time and the processor time (with our children's) <= 1.25 of the library's;
- the memory of all our processes together <= 100 MB; pages that they share count once;
- with --against: processor time <= 1.03 of that build's.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.long_recordings import encoded, film, minute_of_speech, wav
from bench.measure import CHECKOUT, PeakRss, bar, revision, tree_cpu_s, tree_pss_bytes

ROUNDS = 3
LARGEST_RATIO = 1.25
LARGEST_MEMORY_MB = 100
LARGEST_CHANGE = 1.03

_SOURCES = ("man_librivox.flac", "woman_prompts.flac", "man_cards.flac")
_WARM_UP = CHECKOUT / "tests" / "data" / "speech" / "phone_note.m4a"
_LOOKS_EVERY_S = 0.25


class Spent(NamedTuple):
    wall_s: float
    cpu_s: float


class Reader:
    """A process of bench/reader.py."""

    def __init__(self, name: str, tree: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(CHECKOUT / "bench" / "reader.py"), name],
            env=os.environ | {"PYTHONPATH": str(tree)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def read(self, path: Path) -> int:
        """How many samples of one channel it found, both times together."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def spent(self, path: Path) -> Spent:
        began, before_s = time.monotonic(), tree_cpu_s(self.pid)
        self.read(path)
        return Spent(time.monotonic() - began, tree_cpu_s(self.pid) - before_s)

    def __enter__(self) -> Reader:
        self.read(_WARM_UP)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def main() -> int:
    against = _arguments()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="timbre-bench-")))
        readers = {"library": stack.enter_context(Reader("library", CHECKOUT))}
        readers["ours"] = stack.enter_context(Reader("ours", CHECKOUT))
        if against:
            tree = stack.enter_context(revision(against))
            readers["before"] = stack.enter_context(Reader("ours", tree))
        met = True
        for path in _recordings(folder):
            met &= _compared(path, readers)
            path.unlink()
    return 0 if met else 1


def _arguments() -> str | None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", metavar="REV", help="a revision of this repository, measured beside what is here")
    return parser.parse_args().against


def _recordings(folder: Path) -> Iterator[Path]:
    """One at a time, so that the disk holds one."""
    minute = minute_of_speech([CHECKOUT / "tests" / "data" / "speech" / name for name in _SOURCES])
    wav(folder / "hour.wav", minute)
    yield folder / "hour.wav"
    encoded(folder / "hour.m4a", minute, container="ipod", codec="aac")
    yield folder / "hour.m4a"
    encoded(folder / "hour.mp3", minute, container="mp3", codec="libmp3lame")
    yield folder / "hour.mp3"
    film(folder / "film.mp4", minute)
    yield folder / "film.mp4"


def _compared(path: Path, readers: dict[str, Reader]) -> bool:
    with PeakRss(readers["ours"].pid, tree_pss_bytes, _LOOKS_EVERY_S) as memory:
        samples = {name: reader.read(path) for name, reader in readers.items()}
    assert samples["ours"] > 0.99 * samples["library"], samples
    rounds = [{name: reader.spent(path) for name, reader in readers.items()} for _ in range(ROUNDS)]
    wall = {name: statistics.median(each[name].wall_s for each in rounds) for name in readers}
    cpu = {name: statistics.median(each[name].cpu_s for each in rounds) for name in readers}
    said = ", ".join(f"{name} {wall[name]:.2f} s ({cpu[name]:.2f} s of processor time)" for name in readers)
    print(f"{path.name}, read twice: {said}")
    met = bar("    time over the library's", wall["ours"] / wall["library"], LARGEST_RATIO, "x")
    met &= bar("    processor time over the library's", cpu["ours"] / cpu["library"], LARGEST_RATIO, "x")
    met &= bar("    memory, at most", memory.peak_bytes / 1e6, LARGEST_MEMORY_MB, "MB")
    if "before" in readers:
        met &= bar("    processor time over that of before", cpu["ours"] / cpu["before"], LARGEST_CHANGE, "x")
    return met


if __name__ == "__main__":
    sys.exit(main())
