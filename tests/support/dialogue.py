"""Conversations made of the recordings of real people in tests/data/speech, with who speaks when."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s2s.audio import decode

RATE_HZ = 16_000
_SPEECH = Path(__file__).parent.parent / "data" / "speech"
_GAPS_S = (0.4, -0.3, 0.8, -0.8, 0.2)
Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Said:
    """`who` (a file of tests/data/speech) from `start_s` up to `end_s`."""

    start_s: float
    end_s: float
    who: str


def speech_of(who: str) -> Samples:
    """Mono float32 (n,) at 16 kHz."""
    with (_SPEECH / f"{who}.flac").open("rb") as file:
        return np.concatenate(list(decode(file, sample_rate_hz=RATE_HZ)))


def conversation(people: list[str], length_s: float, seed: int = 0) -> tuple[Samples, list[Said]]:
    """They take turns of 1.5 to 9 seconds; between them lie .2 to .8 seconds, or they speak at once for as long."""
    random = np.random.default_rng(seed)
    voices = {who: speech_of(who) for who in people}
    places = dict.fromkeys(people, 0)
    samples = (random.standard_normal(round((length_s + 12) * RATE_HZ)) * 1e-4).astype(np.float32)
    said: list[Said] = []
    at, turn = round(0.7 * RATE_HZ), 0
    while at < length_s * RATE_HZ:
        who = people[turn % len(people)]
        wanted = round(float(random.uniform(1.5, 9)) * RATE_HZ)
        taken = np.take(voices[who], range(places[who], places[who] + wanted), mode="wrap")
        places[who] = (places[who] + wanted) % len(voices[who])
        samples[at : at + wanted] += taken
        said.append(Said(at / RATE_HZ, (at + wanted) / RATE_HZ, who))
        at += wanted + round(_GAPS_S[turn % len(_GAPS_S)] * RATE_HZ)
        turn += 1
    return samples[: round((said[-1].end_s + 0.5) * RATE_HZ)], said
