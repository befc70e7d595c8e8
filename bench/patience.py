"""Long recordings at endpoints that cost nothing, and a colleague's clip of ten seconds every minute meanwhile.

Three hours of speech go to a stub of the contract that works at ten times real time and says nothing until it is
finished (18 minutes), then half an hour of real speech to the local engine as it is started by default, with a clip
every fifteen seconds. Each must be ready after one call, and each clip within 1.5 times of what it takes alone (the
median of five before). What the engine makes must be as long as what was sent, to the sample.

    bench/patience --stub-minutes 20 --engine-minutes 10     shorter ones
    bench/patience --hours 1 3                               these alone, on a slow machine: the engine's processes run
                                                             for a tenth of the time
    bench/patience --hours 1 --slowed 5 --postgresql         half as slow, with the other database
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from bench.engine import minute_of_speech, recording
from bench.inside import Inside, databases
from bench.measure import bar
from bench.site import LEASE_S, SWEEP_S, scripted
from bench.slow import slowed
from s2s.audio import examine
from tests.support.endpoint import Behaviour, Script
from tests.support.person import UNFINISHED, Person
from tests.support.product import Product

STUB_MINUTES, ENGINE_MINUTES = 180, 30
TIMES_REAL_TIME = 10
SLOWED = 10.0
CLIP_S, EVERY_S, ALONE = 10, 60.0, 5
_OFTEN_S = 15.0  # half an hour is converted in less than two minutes
_FORMAT, _RATE_HZ = "mp3_44100_128", 44_100
_LOOK_S = 0.05


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="patience", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stub-minutes", type=int, default=STUB_MINUTES, help="of speech, 0: none; %(default)s")
    parser.add_argument("--engine-minutes", type=int, default=ENGINE_MINUTES, help="the same; %(default)s")
    parser.add_argument("--hours", type=float, nargs="+", default=[], help="of speech, on a slow machine: these alone")
    parser.add_argument("--slowed", type=float, default=SLOWED, help="how many times that one is slower; %(default)g")
    parser.add_argument("--postgresql", action="store_true", help="instead of SQLite")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="timbre-bench-") as name, contextlib.ExitStack() as stack:
        folder, new_database = Path(name), dict[str, str]
        if options.postgresql:
            new = stack.enter_context(databases())["PostgreSQL"]
            new_database = lambda: {"DATABASE_URL": new()}  # noqa: E731
        met = True
        for hours in options.hours:
            met &= _slowly(hours, options.slowed, folder, new_database())
        if options.stub_minutes and not options.hours:
            met &= _with_stub(options.stub_minutes, folder, new_database())
        if options.engine_minutes and not options.hours:
            print(f"{options.engine_minutes} min of speech, local engine:", flush=True)
            with _site(folder / "engine", new_database()) as (product, person):
                met &= _together(product, person, options.engine_minutes, folder, every_s=_OFTEN_S, is_real=True)
    return 0 if met else 1


def _slowly(hours: float, times: float, folder: Path, database: dict[str, str]) -> bool:
    print(f"{hours:g} h of speech, local engine on a machine that is {times:g} times slower:", flush=True)
    with _site(folder / f"slow-{hours:g}", database) as (product, person):
        with slowed(product.pid("engine"), times) as share:
            met = _together(product, person, round(hours * 60), folder, is_real=True)
        print(f"    the engine's processes ran for {share.of_time:.3f} of the time")
        if share.stood_still_s > LEASE_S / 2:
            print(f"    the machine itself stood still for {share.stood_still_s:.0f} s: leases run out meanwhile")
    return met


def _with_stub(minutes: int, folder: Path, database: dict[str, str]) -> bool:
    """Its first voice is the long recording's; whatever else comes is a clip."""
    script = Script(default=Behaviour(delay_s=CLIP_S / TIMES_REAL_TIME, framing="length"))
    first = "21m00Tcm4TlvDq8ikWAM"
    script.voices = {first: [Behaviour(delay_s=minutes * 60 / TIMES_REAL_TIME, framing="length")]}
    print(f"{minutes} min of speech, stub at {TIMES_REAL_TIME} times real time:", flush=True)
    with scripted(script) as url, _site(folder / "stub", database | {"ENGINE_URL": url}) as (product, person):
        return _together(product, person, minutes, folder)


@contextlib.contextmanager
def _site(data_dir: Path, environment: dict[str, str]) -> Iterator[tuple[Product, Person]]:
    """With the processes and intervals of production."""
    cores = str(os.cpu_count() or 1)
    production = {"LEASE_SECONDS": str(LEASE_S), "SWEEP_SECONDS": str(SWEEP_S), "CALLS_CONCURRENCY": "32"}
    production |= {"ENGINE_WORKERS": cores, "CPU_PROCESSES": cores}
    with Product(data_dir, production | environment) as product, Person(product, keep_alive=True) as person:
        yield product, person


def _together(
    product: Product, person: Person, minutes: int, folder: Path, *, every_s: float = EVERY_S, is_real: bool = False
) -> bool:
    """`is_real`: what comes back is what was sent, in another voice."""
    with Inside(product.environment_inside()) as inside:
        voices = inside(voice_keys)
        speech = minute_of_speech()
        clip = recording(speech[: len(speech) // 60 * CLIP_S], 1, folder).read_bytes()
        alone = [_time_of(person, clip, voices[1]) for _ in range(ALONE)]
        path, began = recording(speech, minutes, folder), time.monotonic()
        long = _send(person, voices[0], path)
        beside = []
        while (state := _state_after(person, long, began + every_s * (len(beside) + 1))) in UNFINISHED:
            beside.append(_time_of(person, clip, voices[1]))
        took_s = time.monotonic() - began
        calls = inside(calls_of, long.rstrip("/").rsplit("/", 1)[1])
    usual_s = statistics.median(alone)
    print(
        f"    {state} after {took_s:.0f} s; {len(beside)} clips meanwhile; alone one takes {usual_s:.2f} s", flush=True
    )
    met = state == "ready" and bar("    its calls", calls, 1, "")
    if is_real and state == "ready":
        off = abs(_samples_of(person, long, folder) - minutes * 60 * _RATE_HZ)
        met &= bar("    samples too many or too few", off, 0, "")
    if beside:
        met &= bar("    a clip over one alone, median", statistics.median(beside) / usual_s, 1.5, "x")
        met &= bar("    a clip over one alone, the slowest", max(beside) / usual_s, 1.5, "x")
    return met


def _send(person: Person, voice: int, path: Path) -> str:
    """The address of the conversion; the file is gone."""
    with path.open("rb") as file:
        address = person.send({**person.form(), "voice": str(voice)}, file, path.name, _FORMAT)
    path.unlink()
    return address


def _samples_of(person: Person, address: str, folder: Path) -> int:
    """Of its result, decoded."""
    with (folder / "result").open("w+b") as file:
        with person.http.stream("GET", f"{address}download/") as answer:
            answer.raise_for_status()
            for piece in answer.iter_bytes():
                file.write(piece)
        return examine(file).samples


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
