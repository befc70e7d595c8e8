"""Long recordings at endpoints that cost nothing, and a colleague's clip of ten seconds every minute meanwhile.

Three hours of speech go to a stub of the contract that works at ten times real time and says nothing until it is
finished (18 minutes), then half an hour of real speech to the local engine as it is started by default. Each must be
ready after one call, and each clip within 1.5 times of what it takes alone (the median of five before).

    bench/patience --stub-minutes 20 --engine-minutes 10     shorter ones
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.engine import minute_of_speech, recording
from bench.inside import Inside
from bench.measure import bar
from bench.site import LEASE_S, SWEEP_S, scripted
from tests.support.endpoint import Behaviour, Script
from tests.support.person import UNFINISHED, Person
from tests.support.product import Product

STUB_MINUTES, ENGINE_MINUTES = 180, 30
TIMES_REAL_TIME = 10
CLIP_S, EVERY_S, ALONE = 10, 60.0, 5
_LOOK_S = 0.05


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="patience", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stub-minutes", type=int, default=STUB_MINUTES, help="of speech, 0: none; %(default)s")
    parser.add_argument("--engine-minutes", type=int, default=ENGINE_MINUTES, help="the same; %(default)s")
    options = parser.parse_args()
    met = True
    with tempfile.TemporaryDirectory(prefix="timbre-bench-") as folder:
        if options.stub_minutes:
            met &= _with_stub(options.stub_minutes, Path(folder))
        if options.engine_minutes:
            print(f"{options.engine_minutes} min of speech, local engine:")
            with _site(Path(folder) / "engine", {}) as (product, person):
                met &= _together(product, person, options.engine_minutes, Path(folder))
    return 0 if met else 1


def _with_stub(minutes: int, folder: Path) -> bool:
    """Its first voice is the long recording's; whatever else comes is a clip."""
    script = Script(default=Behaviour(delay_s=CLIP_S / TIMES_REAL_TIME, framing="length"))
    first = "21m00Tcm4TlvDq8ikWAM"
    script.voices = {first: [Behaviour(delay_s=minutes * 60 / TIMES_REAL_TIME, framing="length")]}
    print(f"{minutes} min of speech, stub at {TIMES_REAL_TIME} times real time:")
    with scripted(script) as url, _site(folder / "stub", {"ENGINE_URL": url}) as (product, person):
        return _together(product, person, minutes, folder)


@contextmanager
def _site(data_dir: Path, environment: dict[str, str]) -> Iterator[tuple[Product, Person]]:
    """With the processes and intervals of production."""
    cores = str(os.cpu_count() or 1)
    production = {"LEASE_SECONDS": str(LEASE_S), "SWEEP_SECONDS": str(SWEEP_S), "CALLS_CONCURRENCY": "32"}
    production |= {"ENGINE_WORKERS": cores, "CPU_PROCESSES": cores}
    with Product(data_dir, production | environment) as product, Person(product, keep_alive=True) as person:
        yield product, person


def _together(product: Product, person: Person, minutes: int, folder: Path) -> bool:
    with Inside(product.environment_inside()) as inside:
        voices = inside(voice_keys)
        speech = minute_of_speech()
        clip = recording(speech[: len(speech) // 60 * CLIP_S], 1, folder).read_bytes()
        alone = [_time_of(person, clip, voices[1]) for _ in range(ALONE)]
        path = recording(speech, minutes, folder)
        began = time.monotonic()
        with path.open("rb") as file:
            long = person.send({**person.form(), "voice": str(voices[0])}, file, path.name)
        path.unlink()
        beside = []
        while (state := _state_after(person, long, began + EVERY_S * (len(beside) + 1))) in UNFINISHED:
            beside.append(_time_of(person, clip, voices[1]))
        took_s = time.monotonic() - began
        calls = inside(calls_of, long.rstrip("/").rsplit("/", 1)[1])
    usual_s = statistics.median(alone)
    print(f"    {state} after {took_s:.0f} s; {len(beside)} clips meanwhile; alone one takes {usual_s:.2f} s")
    met = state == "ready" and bar("    its calls", calls, 1, "")
    if beside:
        met &= bar("    a clip over one alone, median", statistics.median(beside) / usual_s, 1.5, "x")
        met &= bar("    a clip over one alone, the slowest", max(beside) / usual_s, 1.5, "x")
    return met


def _time_of(person: Person, clip: bytes, voice: int) -> float:
    """From the moment that it is sent until it is seen to be ready."""
    began = time.monotonic()
    address = person.submit(clip, "clip.wav", voice=voice)
    while (state := person.state(address)) in UNFINISHED:
        time.sleep(_LOOK_S)
    assert state == "ready"
    return time.monotonic() - began


def _state_after(person: Person, address: str, until: float) -> str:
    """As it is then, or as soon as it is finished."""
    while (state := person.state(address)) in UNFINISHED and time.monotonic() < until:
        time.sleep(1.0)
    return state


# ---- in a process inside the product ----


def voice_keys() -> list[int]:
    from voices.models import Voice

    return list(Voice.objects.order_by("position", "pk").values_list("pk", flat=True))


def calls_of(conversion_id: str) -> int:
    from conversions.models import Call

    return Call.objects.filter(conversion=uuid.UUID(conversion_id)).count()


if __name__ == "__main__":
    sys.exit(main())
