"""What the local engine costs: processor time, memory, and how soon a stream is heard.

Starts a server with one worker on a free port, sends it 1, 10 and 60 minutes of real speech (tests/data/speech,
joined) as WAV and takes MP3 back. Everything counts: server, worker, and the processes that decode; memory that they
share counts once (PSS). Then streams a minute three times, and takes the worst, as it comes and at
`optimize_streaming_latency` 3; and converts ten minutes once more on one core. Some four minutes on two
quiet cores. Fails when a bar is missed:

- processor time <= .05 s per second of audio, at each length;
- memory <= 300 MB, at each length;
- an hour in 80 s, and ten minutes at least 1.8 times faster on two cores than on one (where there are two);
- processor time until the first streamed byte <= .3 s, at latency 3 <= .15 s.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from bench.measure import CHECKOUT, PeakRss, bar, running, tree_cpu_s, tree_pss_bytes
from bench.site import say_help
from s2s.audio import decode

MINUTES = (1, 10, 60)
LARGEST_CPU_PER_S = 0.05
LARGEST_HOUR_S = 80.0
_COMPARED_MINUTES = 10
LARGEST_SHARE = 1 / 1.8  # of the time that one core takes
LARGEST_MEMORY_MB = 300
_LOOK_S = 0.25  # the kernel stops a process while it counts
LARGEST_FIRST_BYTE_CPU_S = {0: 0.3, 3: 0.15}  # by optimize_streaming_latency

_SOURCES = ("man_librivox.flac", "woman_prompts.flac", "man_cards.flac")
_RATE_HZ = 16_000
_VOICE = "TimbreNora0000000001"
_STREAMS = 3
_PATIENCE_S = 1800


@dataclass(frozen=True, slots=True)
class Server:
    pid: int
    url: str


def main() -> int:
    say_help(__doc__)
    cores = os.sched_getaffinity(0)
    minute = minute_of_speech()
    with tempfile.TemporaryDirectory(prefix="timbre-bench-") as name:
        folder = Path(name)
        with _engine(folder, cores) as server:
            met, cpu_per_s, took_s = _conversions(server, minute, folder)
            for latency in LARGEST_FIRST_BYTE_CPU_S:
                met &= _streams(server, minute, folder, latency)
        if len(cores) > 1:
            met &= bar("an hour takes", took_s[60], LARGEST_HOUR_S, "s")
            with _engine(folder, {min(cores)}) as server:
                alone_s = _converted(server, recording(minute, _COMPARED_MINUTES, folder))
            met &= bar(
                f"{_COMPARED_MINUTES} min on {len(cores)} cores over one",
                took_s[_COMPARED_MINUTES] / alone_s,
                LARGEST_SHARE,
                "x",
            )
    print(f"{cpu_per_s:.3f} CPU-seconds per second of audio, worst of {', '.join(map(str, MINUTES))} minutes")
    return 0 if met else 1


@contextmanager
def _engine(folder: Path, cores: set[int]) -> Iterator[Server]:
    """Of one worker, on these cores."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    on = ",".join(map(str, sorted(cores)))
    command = ["taskset", "-c", on, sys.executable, "-m", "s2s.engine", "--port", str(port), "--workers", "1"]
    url = f"http://127.0.0.1:{port}"
    environment = {"DATA_DIR": str(folder), "TMPDIR": str(folder), "ENGINE_API_KEY": "", "ENGINE_HOST": "127.0.0.1"}
    with running(command, f"{url}/healthz", environment=environment) as process:
        yield Server(process.pid, url)


def minute_of_speech() -> bytes:
    """Signed 16-bit, mono, 16 kHz."""
    parts = []
    for name in _SOURCES:
        with (CHECKOUT / "tests" / "data" / "speech" / name).open("rb") as file:
            parts += list(decode(file, sample_rate_hz=_RATE_HZ))
    minute = np.resize(np.concatenate(parts), 60 * _RATE_HZ)
    return (minute * 32767).astype("<i2").tobytes()


def recording(minute: bytes, minutes: int, folder: Path) -> Path:
    path = folder / f"{minutes}.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(_RATE_HZ)
        for _ in range(minutes):
            out.writeframes(minute)
    return path


def _conversions(server: Server, minute: bytes, folder: Path) -> tuple[bool, float, dict[int, float]]:
    """Whether every bar was met, the worst processor time per second of audio, and how long each took."""
    met, worst, took_s = True, 0.0, {}
    for minutes in MINUTES:
        path = recording(minute, minutes, folder)
        spent_s = tree_cpu_s(server.pid)
        with PeakRss(server.pid, tree_pss_bytes, _LOOK_S) as memory:
            took_s[minutes] = _converted(server, path)
        cpu_per_s = (tree_cpu_s(server.pid) - spent_s) / (60 * minutes)
        print(f"{minutes} min of speech, converted in {took_s[minutes]:.1f} s")
        met &= bar("    processor time", cpu_per_s, LARGEST_CPU_PER_S, "s/s")
        met &= bar("    memory, at most", memory.peak_bytes / 1e6, LARGEST_MEMORY_MB, "MB")
        worst = max(worst, cpu_per_s)
    return met, worst, took_s


def _converted(server: Server, path: Path) -> float:
    """In how many seconds. The file is gone then."""
    began = time.monotonic()
    with path.open("rb") as file:
        answer = httpx.post(f"{server.url}/v1/speech-to-speech/{_VOICE}", files={"audio": file}, timeout=_PATIENCE_S)
    answer.raise_for_status()
    path.unlink()
    return time.monotonic() - began


def _streams(server: Server, minute: bytes, folder: Path, latency: int) -> bool:
    path = recording(minute, 1, folder)
    spent, waited = [], []
    for _ in range(_STREAMS):
        before_s, began = tree_cpu_s(server.pid), time.monotonic()
        with (
            path.open("rb") as file,
            httpx.stream(
                "POST",
                f"{server.url}/v1/speech-to-speech/{_VOICE}/stream",
                params={"optimize_streaming_latency": latency},
                files={"audio": file},
                timeout=_PATIENCE_S,
            ) as answer,
        ):
            answer.raise_for_status()
            pieces = answer.iter_raw()
            next(pieces)
            spent.append(tree_cpu_s(server.pid) - before_s)
            waited.append(time.monotonic() - began)
            for _ in pieces:
                pass
    print(f"1 min of speech, streamed at latency {latency}; the first byte came after {max(waited):.2f} s")
    return bar("    processor time until then", max(spent), LARGEST_FIRST_BYTE_CPU_S[latency], "s")


if __name__ == "__main__":
    sys.exit(main())
