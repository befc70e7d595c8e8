"""An hour of speech at an endpoint that takes five minutes at once: cut, converted in pieces side by side, joined.

The endpoint is a stub of the contract at twenty times real time, eight slots, that gives the samples back in the format
that is asked for. The ideal is what nothing can leave out: the calls, as many at once as there are slots, one decoding
of the recording and one encoding of the result, one after the other. MP3 in and out. What is encoded are samples of 16
bits both times, as a recorder and an endpoint have them: LAME takes 15 % longer for their noise.
Bars: wall clock <= 1.15 of the ideal; memory of the workers <= 150 MB above what they have when they do nothing; from
where the recording is taken until its first piece can be played <= 1.3 of that piece's own call.

    bench/long --minutes 10    another length
    bench/long --flat          ten minutes and four hours instead: memory, and processor time a minute, which grows by
                               1.1 at most. The four hours are the ten minutes again and again, packet by packet.
    bench/long --prove         what comes of 63 minutes of two people, however odd its answers are and though a worker
                               is killed: its length to the sample, every onset, every join, the ledger, and a redo
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soxr
from av.packet import Packet
from numpy.typing import NDArray

from bench.engine import minute_of_speech
from bench.inside import Inside
from bench.measure import PeakRss, bar, tree_cpu_s, tree_pss_bytes
from bench.proving import prepare_endpoint, prove
from bench.site import Site, site
from s2s.audio import encode, examine
from tests.support.endpoint import Behaviour

MINUTES, SHORT, LONG = 60, 10, 240
PROVEN_MINUTES = 63
MOST_S, SLOTS, TIMES_REAL_TIME = 300.0, 8, 20.0
_RATE_HZ = 44_100
_WORKERS = ("calls", "cpu", "decoders")
_PATIENCE_S = 3600.0


@dataclass(frozen=True)
class Run:
    """One recording: seconds of the ideal, of encoding alone, of wall clock and of the workers' processors, megabytes.

    `first`: how long its first piece took until it could be played, over that piece's own call.
    """

    minutes: int
    ideal_s: float
    encode_s: float
    wall_s: float
    cpu_s: float
    growth_mb: float
    first: float


def main() -> int:
    options = _options()
    if options.prove:
        return 0 if prove(options.minutes or PROVEN_MINUTES, MOST_S, SLOTS, TIMES_REAL_TIME) else 1
    options.minutes = options.minutes or MINUTES
    lengths = (SHORT, LONG) if options.flat else (options.minutes,)
    behaviour = Behaviour(speaks=True, pace=TIMES_REAL_TIME, most_s=MOST_S, framing="length")
    with (
        tempfile.TemporaryDirectory(prefix="timbre-bench-") as name,
        site(behaviour) as where,
        Inside(where.product.environment_inside()) as inside,
    ):
        inside(prepare_endpoint, MOST_S, SLOTS)
        runs: dict[int, Run] = {}
        for minutes in lengths:
            runs[minutes] = one(where, inside, Path(name), minutes, runs.get(SHORT))
    met = bar("memory of the workers above idle", max(run.growth_mb for run in runs.values()), 150, "MB")
    if options.flat:
        a_minute = [runs[minutes].cpu_s / minutes for minutes in (SHORT, LONG)]
        met &= bar(f"processor time a minute, {LONG} min over {SHORT}", a_minute[1] / a_minute[0], 1.1, "x")
    else:
        (run,) = runs.values()
        met &= bar(f"{run.minutes} min in {run.wall_s:.1f} s, over the ideal", run.wall_s / run.ideal_s, 1.15, "x")
        met &= bar("first piece playable, over its own call", run.first, 1.3, "x")
    return 0 if met else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="long", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=int)
    parser.add_argument("--flat", action="store_true")
    parser.add_argument("--prove", action="store_true")
    return parser.parse_args()


def first_piece(conversion_id: str) -> float:
    """In the product: from where the recording is taken to where the answer to its beginning is known."""
    from conversions.models import Call

    first = Call.objects.filter(conversion=conversion_id).order_by("step__position", "pk").select_related("conversion")
    call = first[0]
    assert call.conversion is not None
    assert call.answered_at is not None
    return (call.answered_at - call.conversion.created_at) / (call.answered_at - call.sent_at)


def one(where: Site, inside: Inside, folder: Path, minutes: int, short: Run | None) -> Run:
    path = folder / f"{minutes}.mp3"
    if minutes == LONG and short:
        _repeat(folder / f"{SHORT}.mp3", path, LONG // SHORT)
        encode_s = short.encode_s * LONG / SHORT
    else:
        encode_s = _make(path, minutes)
    workers = [where.product.pid(name) for name in _WORKERS]
    idle = sum(map(tree_pss_bytes, workers))
    spent_s = _cpu_s(workers)
    peaks = [PeakRss(worker, tree_pss_bytes, every_s=1.0) for worker in workers]
    for peak in peaks:
        peak.__enter__()
    with path.open("rb") as file:
        address = where.person.send(where.person.form(), file, path.name, "mp3_44100_128")
    began = time.monotonic()
    state = where.person.wait(address, timeout_s=_PATIENCE_S)
    assert state == "ready", where.person.http.get(address).text
    wall_s = time.monotonic() - began
    for peak in peaks:
        peak.__exit__(None, None, None)
    with path.open("rb") as file:
        began = time.monotonic()
        examine(file)
        decode_s = time.monotonic() - began
    calls_s = _calls_s(minutes * 60)
    ideal_s = calls_s + decode_s + encode_s
    growth_mb = (sum(peak.peak_bytes for peak in peaks) - idle) / 1e6
    cpu_s = _cpu_s(workers) - spent_s
    print(
        f"{minutes} min: {wall_s:.1f} s; ideal {ideal_s:.1f} s (calls {calls_s:.1f}, decoding {decode_s:.1f}, encoding "
        f"{encode_s:.1f}); processor time of the workers {cpu_s / minutes:.2f} s a minute"
    )
    first = inside(first_piece, address.rstrip("/").rsplit("/", 1)[1])
    return Run(minutes, ideal_s, encode_s, wall_s, cpu_s, growth_mb, first)


def _cpu_s(workers: list[int]) -> float:
    return sum(map(tree_cpu_s, workers))


def _calls_s(seconds: float) -> float:
    """As few calls as go, of one length, in as many at once as there are slots."""
    pieces = int(np.ceil(seconds / MOST_S))
    return float(np.ceil(pieces / SLOTS)) * seconds / pieces / TIMES_REAL_TIME


def _make(path: Path, minutes: int) -> float:
    """How long encoding takes."""
    minute = soxr.resample(np.frombuffer(minute_of_speech(), "<i2"), 16_000, _RATE_HZ)
    began = time.monotonic()
    with path.open("w+b") as file:
        encode(_speech(minute, minutes), file, "mp3", _RATE_HZ, 128, input_rate_hz=_RATE_HZ)
    return time.monotonic() - began


def _repeat(short: Path, path: Path, times: int) -> None:
    """`short` again and again, packet by packet."""
    with av.open(short) as source, av.open(path, "w", format="mp3") as output:
        stream = source.streams.audio[0]
        packets, written, at = (
            [one for one in source.demux(stream) if one.size],
            output.add_stream_from_template(stream),
            0,
        )
        for packet in packets * times:
            copy = Packet(bytes(packet))
            copy.stream, copy.time_base, copy.duration = written, packet.time_base, packet.duration
            copy.pts = copy.dts = at
            at += packet.duration or 0
            output.mux(copy)


def _speech(minute: NDArray[np.int16], minutes: int) -> Iterator[NDArray[np.float32]]:
    for _ in range(minutes):
        for second in np.split(minute, 60):
            yield second.astype(np.float32) / 32768


if __name__ == "__main__":
    sys.exit(main())
