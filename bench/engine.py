"""What the local engine costs: processor time, memory, and how soon a stream is heard.

Starts a server with one worker on a free port, sends it 1, 10 and 60 minutes of real speech (tests/data/speech,
joined) as WAV and takes MP3 back. Everything counts: server, worker, and the processes that decode; memory that they
share counts once (PSS). Then streams a minute three times, and takes the worst. Some seven
minutes on a quiet core. Fails when a bar is missed:

- processor time <= .10 s per second of audio, at each length;
- memory <= 300 MB, at each length;
- processor time until the first streamed byte <= 1.0 s.
"""

from __future__ import annotations

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
LARGEST_CPU_PER_S = 0.10
LARGEST_MEMORY_MB = 300
_LOOK_S = 0.25  # the kernel stops a process while it counts
LARGEST_FIRST_BYTE_CPU_S = 1.0

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
    with tempfile.TemporaryDirectory(prefix="timbre-bench-") as name, _engine(Path(name)) as server:
        minute = minute_of_speech()
        met, cpu_per_s = _conversions(server, minute, Path(name))
        met &= _streams(server, minute, Path(name))
    print(f"{cpu_per_s:.3f} CPU-seconds per second of audio, worst of {', '.join(map(str, MINUTES))} minutes")
    return 0 if met else 1


@contextmanager
def _engine(folder: Path) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "s2s.engine", "--port", str(port), "--workers", "1"]
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


def _conversions(server: Server, minute: bytes, folder: Path) -> tuple[bool, float]:
    """Whether every bar was met, and the worst processor time per second of audio."""
    met, worst = True, 0.0
    for minutes in MINUTES:
        path = recording(minute, minutes, folder)
        began, spent_s = time.monotonic(), tree_cpu_s(server.pid)
        with PeakRss(server.pid, tree_pss_bytes, _LOOK_S) as memory, path.open("rb") as file:
            answer = httpx.post(
                f"{server.url}/v1/speech-to-speech/{_VOICE}", files={"audio": file}, timeout=_PATIENCE_S
            )
            answer.raise_for_status()
        cpu_per_s = (tree_cpu_s(server.pid) - spent_s) / (60 * minutes)
        path.unlink()
        print(f"{minutes} min of speech, converted in {time.monotonic() - began:.1f} s")
        met &= bar("    processor time", cpu_per_s, LARGEST_CPU_PER_S, "s/s")
        met &= bar("    memory, at most", memory.peak_bytes / 1e6, LARGEST_MEMORY_MB, "MB")
        worst = max(worst, cpu_per_s)
    return met, worst


def _streams(server: Server, minute: bytes, folder: Path) -> bool:
    path = recording(minute, 1, folder)
    spent, waited = [], []
    for _ in range(_STREAMS):
        before_s, began = tree_cpu_s(server.pid), time.monotonic()
        with (
            path.open("rb") as file,
            httpx.stream(
                "POST",
                f"{server.url}/v1/speech-to-speech/{_VOICE}/stream",
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
    print(f"1 min of speech, streamed; the first byte came after {max(waited):.2f} s")
    return bar("    processor time until then", max(spent), LARGEST_FIRST_BYTE_CPU_S, "s")


if __name__ == "__main__":
    sys.exit(main())
