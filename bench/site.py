"""The real product in front of a scripted endpoint in a process of its own, for benches of the whole path."""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.measure import CHECKOUT
from tests.support.endpoint import Behaviour, Script
from tests.support.person import Person
from tests.support.product import Product

LEASE_S, SWEEP_S = 30, 5


@dataclass(frozen=True)
class Site:
    product: Product
    person: Person
    endpoint_url: str
    folder: Path


def say_help(what: str | None) -> None:
    """Benches take no arguments but --help."""
    argparse.ArgumentParser(
        description=what, formatter_class=argparse.RawDescriptionHelpFormatter, prog=Path(sys.argv[0]).stem
    ).parse_args()


@contextlib.contextmanager
def site(
    behaviour: Behaviour, environment: Mapping[str, str] | None = None, checkout: Path = CHECKOUT
) -> Iterator[Site]:
    """Started, signed in, gone afterwards. Intervals are those of production."""
    with tempfile.TemporaryDirectory(prefix="timbre-bench-") as name, scripted(Script(default=behaviour)) as url:
        folder = Path(name)
        production = {"LEASE_SECONDS": str(LEASE_S), "SWEEP_SECONDS": str(SWEEP_S), "CALLS_CONCURRENCY": "32"}
        with (
            Product(
                folder / "data", {"ENGINE_URL": url, **production, **(environment or {})}, checkout=checkout
            ) as product,
            Person(product, keep_alive=True) as person,
        ):
            yield Site(product, person, url, folder)


@contextlib.contextmanager
def scripted(script: Script) -> Iterator[str]:
    """The address of a scripted endpoint that runs beside us, so that it takes no time of this process."""
    command = [sys.executable, "-m", "tests.support.endpoint", "--port", "0", "--script", json.dumps(asdict(script))]
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def write_wav(path: Path, size: int) -> None:
    """About `size` bytes of 16-bit stereo noise at 48 kHz, written in small pieces."""
    import wave

    noise = np.random.default_rng(0).integers(-3000, 3000, 2 * 48_000, dtype=np.int16).tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48_000)
        for _ in range(max(1, size // len(noise))):
            file.writeframesraw(noise)
