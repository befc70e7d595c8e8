"""An hour of real speech through an endpoint that puts nothing back where it was: what `bench/long --prove` hears.

Two people talk in turns; the endpoint answers late, a little slower than they spoke, every other piece softer. On the
way the worker that waits for it is killed, and in the end one piece is converted once more.
"""

from __future__ import annotations

import io
import json
import tempfile
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import numpy as np

from bench.inside import Inside
from bench.measure import bar
from bench.site import Site, site
from s2s.audio import decode, encode, examine
from tests.support.dialogue import RATE_HZ, Said, Samples, conversation
from tests.support.endpoint import Behaviour, Script
from tests.support.joins import MOST, ONSET_S, heard_at, moved_s
from tests.support.product import wait_for

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from conversions.models import Step

_FORMAT, _RESULT_HZ = "wav_44100", 44_100
_PATIENCE_S = 3600.0
_NOT_HEARD = 1e-3  # of full scale


@dataclass(frozen=True)
class _Run:
    """What came of `recording` at first, and when piece `redone` (from 0) of its `pieces` had been redone.

    `pieces`: from which of its samples up to which; `sent_s`: of all that was answered at first.
    """

    recording: bytes
    first: bytes
    second: bytes
    pieces: list[tuple[int, int]]
    redone: int
    sent_s: float


def prove(minutes: float, most_s: float, slots: int, pace: float) -> bool:
    """Prints a line for each thing that must hold; whether all do."""
    with (
        tempfile.TemporaryDirectory(prefix="timbre-bench-") as folder,
        site(Behaviour()) as where,
        Inside(where.product.environment_inside()) as inside,
    ):
        inside(prepare_endpoint, most_s, slots)
        said = write(Path(folder, "talk.mp3"), minutes)
        run = _through(where, inside, Path(folder, "talk.mp3"), Behaviour(speaks=True, most_s=most_s, pace=pace))
    known = examine(io.BytesIO(run.recording))
    source, result = heard(run.recording), heard(run.first)
    wanted = round(known.samples * _RESULT_HZ / known.sample_rate_hz)
    met = bar("samples of its length that are off", abs(examine(io.BytesIO(run.first)).samples - wanted), 0, "")
    moved_ms = 1000 * max(abs(moved_s(source, result, one.start_s)) for one in said)
    met &= bar(f"furthest of {len(said)} onsets from where it was", moved_ms, 1000 * ONSET_S, "ms")
    overlaps = [(start, end) for (_, end), (start, _) in pairwise(run.pieces)]
    scale = RATE_HZ / known.sample_rate_hz
    joins = [round((start + end) / 2 * scale) for start, end in overlaps]
    for name, value in heard_at(joins, source, result).items():
        met &= bar(f"{name} at {len(joins)} joins, over the usual elsewhere", value, MOST[name], "dB")
    needed_s = known.duration_s + sum(end - start for start, end in overlaps) / known.sample_rate_hz
    met &= bar("seconds answered beside its length and overlaps", abs(run.sent_s - needed_s), 0.01, "s")
    first, last = (round(edge * scale) for edge in run.pieces[run.redone])
    return met & _only_there(result, heard(run.second), slice(first, last))


def _through(where: Site, inside: Inside, recording: Path, speaks: Behaviour) -> _Run:
    odd = replace(speaks, late_s=0.08, stretch=1.003, tone_hz=151.0)
    say(where, Script(calls=[odd, replace(odd, louder_db=-3.0)] * 500))
    address = send(where, recording)
    wait_for(lambda: inside(pieces_done, address) >= 2, "two pieces are there", _PATIENCE_S)
    where.product.kill("calls")
    state = where.person.wait(address, timeout_s=_PATIENCE_S)
    assert state == "ready", where.person.http.get(address).text
    edges, seconds = inside(pieces, address), inside(sent_s, address)
    first = where.person.download(address)
    say(where, Script(default=replace(odd, tone_hz=220.0)))
    redone = len(edges) // 2
    redo(where, inside, address, redone)
    return _Run(recording.read_bytes(), first, where.person.download(address), edges, redone, seconds)


def _only_there(first: Samples, second: Samples, piece: slice) -> bool:
    differs = np.abs(second - first) > _NOT_HEARD
    kept = 1 - float(differs[piece].mean())
    differs[piece] = False
    met = bar("samples changed beside the piece that was redone", int(differs.sum()), 0, "")
    return met & bar("part of that piece that is as it was", kept, 0.5, "")


def write(path: Path, minutes: float) -> list[Said]:
    """An MP3 of two people, and when each of them begins."""
    talk, said = conversation(["man_librivox", "woman_prompts"], minutes * 60)
    with path.open("w+b") as file:
        encode(iter(np.array_split(talk, len(talk) // RATE_HZ)), file, "mp3", 44_100, 128, input_rate_hz=RATE_HZ)
    return said


def send(where: Site, recording: Path) -> str:
    with recording.open("rb") as file:
        return where.person.send(where.person.form(), file, recording.name, _FORMAT)


def redo(where: Site, inside: Inside, address: str, piece: int) -> None:
    before = inside(result_of, address)
    token = where.person.form()["csrfmiddlewaretoken"]
    answer = where.person.http.post(f"{address}pieces/{piece + 1}/redo/", data={"csrfmiddlewaretoken": token})
    assert answer.is_redirect, answer.text
    wait_for(lambda: inside(result_of, address) != before, "the piece is in the result", _PATIENCE_S)


def say(where: Site, script: Script) -> None:
    """To the endpoint: how it answers from now on."""
    httpx.post(f"{where.endpoint_url}/_script", content=json.dumps(asdict(script)), trust_env=False).raise_for_status()


def heard(content: bytes) -> Samples:
    return np.concatenate(list(decode(io.BytesIO(content), sample_rate_hz=RATE_HZ)))


# ---- in the product's process ----


def prepare_endpoint(most_s: float, slots: int) -> None:
    from voices.models import Endpoint

    Endpoint.objects.update(max_seconds=most_s, slots=slots)


def _steps(address: str) -> QuerySet[Step]:
    from conversions.models import Step

    return Step.objects.filter(conversion=_id(address), kind=Step.Kind.CONVERT).order_by("position")


def _id(address: str) -> str:
    return address.rstrip("/").rsplit("/", 1)[1]


def pieces(address: str) -> list[tuple[int, int]]:
    """From which sample of the recording up to which."""
    return [(step.start_sample, step.end_sample or 0) for step in _steps(address)]


def pieces_done(address: str) -> int:
    return int(_steps(address).filter(status="done").count())


def sent_s(address: str) -> float:
    """Seconds of all calls that were answered, as the ledger has them."""
    from conversions.models import Call

    return sum(call.seconds for call in Call.objects.filter(conversion=_id(address), outcome="answered"))


def result_of(address: str) -> str:
    from conversions.models import Conversion

    return Conversion.objects.get(pk=_id(address)).output
