"""Converts clips by the engine of whichever checkout PYTHONPATH names: python quality_convert.py FOLDER.

FOLDER has jobs.json, a list of {clip, rate_hz, voice}; `clip`.npy holds its samples. Writes `clip`-`voice`.npy, and
done.json with what each took. Runs with engines of the past too, which know nothing but 24 kHz.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import soxr

from s2s.engine.converter import convert, measure_source, speech_in
from s2s.engine.spool import Spool
from s2s.engine.voices import catalogue

_FULL_BAND_HZ, _NARROW_HZ = 48_000, 24_000


def main() -> None:
    folder = Path(sys.argv[1])
    jobs = json.loads((folder / "jobs.json").read_text())
    voices = {voice.name: voice for voice in catalogue().values()}
    knows_rates = "sample_rate_hz" in inspect.signature(convert).parameters
    rate_hz = _FULL_BAND_HZ if knows_rates else _NARROW_HZ
    options = {"sample_rate_hz": rate_hz} if knows_rates else {}
    done = []
    for job in jobs:
        samples = np.load(folder / f"{job['clip']}.npy")
        resampled = soxr.resample(samples, job["rate_hz"], rate_hz).astype(np.float32)
        began = time.process_time()
        converted = np.concatenate(list(convert(iter([resampled]), voices[job["voice"]], **options)))
        cpu_s = time.process_time() - began
        np.save(folder / f"{job['clip']}-{job['voice']}.npy", converted)
        same_length = len(converted) == len(resampled)
        done.append(job | {"cpu_s": cpu_s, "out_rate_hz": rate_hz, "same_length": same_length})
    (folder / "done.json").write_text(json.dumps({"jobs": done, "sources": _sources(folder, jobs)}))


def _sources(folder: Path, jobs: list[dict[str, object]]) -> dict[str, dict[str, float | None]]:
    """What the peers need to be told: the source's F0 and formant scale."""
    found = {}
    for name, rate_hz in {(job["clip"], job["rate_hz"]) for job in jobs}:
        samples = soxr.resample(np.load(folder / f"{name}.npy"), rate_hz, _NARROW_HZ).astype(np.float32)
        with Spool(iter([samples])) as spool:
            source = measure_source(speech_in(spool))
        found[name] = {"f0_hz": float(np.exp(source.log_f0)), "formant_scale": source.formant_scale}
    return found


if __name__ == "__main__":
    main()
