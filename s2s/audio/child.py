"""One job in one process: take the limits on, read the recording, send what it says, end."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from s2s.audio import wire
from s2s.audio.apart import ChannelLevels
from s2s.audio.chain import Sound, opener
from s2s.audio.errors import AudioError
from s2s.audio.filming import film
from s2s.audio.limits import Limits, RawPcm
from s2s.audio.loudness import Loudness
from s2s.audio.opening import Input, open_container
from s2s.audio.passages import passage, stretch
from s2s.audio.peaks import survey
from s2s.audio.remuxing import HEAD_BYTES, Sink, can_be_searched, remux
from s2s.audio.seeking import Place

_SIGN_OF_LIFE_S: Final = 1.0


class Reporter:
    """Our end of the line to the one who asked. A line that is cut ends the process: nobody waits for us any more."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._last_sent = time.monotonic()

    def send(self, kind: bytes, payload: bytes = b"") -> None:
        try:
            self._line.sendall(wire.HEADER.pack(kind, len(payload)))
            self._line.sendall(payload)
        except OSError:
            os._exit(1)
        self._last_sent = time.monotonic()

    def alive(self) -> None:
        """Say now and then that we are at work, e.g. while a large video has no sound in it yet."""
        if time.monotonic() - self._last_sent > _SIGN_OF_LIFE_S:
            self.send(wire.ALIVE)


def run(job: dict[str, Any], line: socket.socket, input_fd: int, sound_fd: int | None = None) -> NoReturn:
    """Do `job` (see `sandbox`) on `input_fd`, report through `line`, and end this process.

    `sound_fd` is the new sound of a film.
    """
    reporter = Reporter(line)
    try:
        limits = Limits(**job["limits"])
        confine(limits)
        raw = RawPcm(**job["raw"]) if job["raw"] else None

        opened = opener(input_fd, reporter.alive, limits, raw, job.get("track"), job.get("channel"))

        match job["task"]:
            case "examine":
                result = _examine(opened(), job["peak_buckets"], reporter, with_levels=job["with_levels"])
            case "loudness":
                result = _loudness(opened(), reporter)
            case "searchable":
                result = _searchable(Input(input_fd, reporter.alive), reporter)
            case "film":
                assert sound_fd is not None
                sounds = _lanes(partial(opener, sound_fd, reporter.alive, limits, raw, None))
                result = _film(Input(input_fd, reporter.alive), sounds, job, reporter)
            case "excerpt":
                result = _excerpt(opened, job["start_s"], job["length_s"], reporter)
            case "stretch":
                places = [Place(*place) for place in job["places"]]
                blocks = stretch(opened, job["start_s"], job["samples"], job["sample_rate_hz"], places)
                result = _sent(blocks, reporter)
            case _:
                result = _sent(opened().blocks(job["sample_rate_hz"]), reporter)
        reporter.send(wire.RESULT, json.dumps(result).encode())
    except AudioError as error:
        _fail(reporter, error.code, error.facts)
    except MemoryError:
        _fail(reporter, "decoder_memory")
    except Exception:  # the last place to know why: the parent logs it
        _fail(reporter, "decoder_failed", cause=traceback.format_exc(limit=-8))
    # Interpreter and libav need not be torn down; one of them might crash on what it has read.
    os._exit(0)


def confine(limits: Limits) -> None:
    """Give up, for good, what decoding does not need: time, memory, core files, writing, opening, forking.

    Every library is loaded by now and the input is open. No number is left for another file or socket; on
    Linux even a write to an open file is refused. What a system does not know (macOS has no limit on address space) is
    left out.
    """
    wanted = {
        "RLIMIT_CPU": (limits.cpu_s, limits.cpu_s + 5),  # SIGXCPU, then SIGKILL
        "RLIMIT_AS": (limits.memory_bytes, limits.memory_bytes),
        "RLIMIT_CORE": (0, 0),
        "RLIMIT_FSIZE": (0, 0),
        "RLIMIT_NPROC": (0, 0),
        "RLIMIT_NOFILE": (0, 0),
    }
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    for name, pair in wanted.items():
        limit = getattr(resource, name, None)
        if limit is None:
            continue
        ceiling = resource.getrlimit(limit)[1]
        soft, hard = (value if ceiling == resource.RLIM_INFINITY else min(value, ceiling) for value in pair)
        try:
            resource.setrlimit(limit, (soft, hard))
        except (OSError, ValueError):
            if name != "RLIMIT_AS":  # refused by macOS
                raise


def _examine(recording: Sound, peak_buckets: int, reporter: Reporter, *, with_levels: bool) -> dict[str, object]:
    description = recording.description
    rate_hz = description.sample_rate_hz
    is_stereo = with_levels and description.channels == 2
    channel_levels = ChannelLevels(2, rate_hz) if is_stereo else None
    blocks = _alive(recording.blocks(rate_hz, channel_levels=channel_levels), reporter)
    samples, peaks, level_dbfs, levels = survey(blocks, rate_hz, peak_buckets, with_levels=with_levels)
    promised_s = recording.promised_s(samples / rate_hz)
    noticed = replace(recording.noticed, promised_s=promised_s, is_own=recording.is_own)
    return {
        "container": description.container,
        "codec": description.codec,
        "sample_rate_hz": description.sample_rate_hz,
        "channels": description.channels,
        "samples": samples,
        "pictures": description.pictures,
        "peaks": peaks.hex(),
        "levels": levels.hex(),
        "channel_levels": [each.hex() for each in channel_levels.finish()] if channel_levels else [],
        "level_dbfs": level_dbfs,
        "places": recording.places,
        "noticed": noticed.as_json(),
    }


def _alive(blocks: Iterable[NDArray[np.float32]], reporter: Reporter) -> Iterator[NDArray[np.float32]]:
    for block in blocks:
        reporter.alive()
        yield block


def _loudness(recording: Sound, reporter: Reporter) -> dict[str, object]:
    loudness = Loudness()
    for _block in recording.blocks(recording.description.sample_rate_hz, loudness):
        reporter.alive()
    return {"lufs": loudness.finish()}


def _sent(blocks: Iterable[NDArray[np.float32]], reporter: Reporter) -> dict[str, object]:
    samples = 0
    for block in blocks:
        if len(block):
            reporter.send(wire.BLOCK, block.tobytes())
        reporter.alive()
        samples += len(block)
    return {"samples": samples}


def _searchable(source: Input, reporter: Reporter) -> dict[str, object]:
    container = open_container(source, None)
    head = source.head(HEAD_BYTES)
    if can_be_searched(container, head):
        return {"size": 0}

    sink = _sink(reporter)
    remux(container, head, sink)
    return {"size": sink.size}


def _lanes(opener_of: Callable[[int | None], Callable[[], Sound]]) -> list[Sound]:
    """Of stereo a sound for each channel, else the one."""
    sound = opener_of(None)()
    if sound.description.channels != 2:
        return [sound]
    return [opener_of(channel)() for channel in (0, 1)]


def _film(source: Input, sounds: Sequence[Sound], job: Mapping[str, Any], reporter: Reporter) -> dict[str, object]:
    sink = _sink(reporter)
    made = film(source, job["track"], sounds, lossless=job["lossless"], sink=sink)
    return {"size": sink.size, **made.as_json()}


def _sink(reporter: Reporter) -> Sink:
    return Sink(lambda place, data: reporter.send(wire.BLOCK, wire.PLACE.pack(place) + data))


def _excerpt(
    opened: Callable[[], Sound], start_s: float | None, length_s: float, reporter: Reporter
) -> dict[str, object]:
    found = passage(opened, start_s, length_s)
    reporter.send(wire.BLOCK, found.samples.tobytes())
    return {"sample_rate_hz": found.sample_rate_hz}


def _fail(reporter: Reporter, code: str, facts: Mapping[str, object] | None = None, cause: str = "") -> None:
    reporter.send(wire.FAILURE, json.dumps({"code": code, "facts": facts or {}, "cause": cause}).encode())
