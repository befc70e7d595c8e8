"""How good the local engine sounds, beside what it was and what others do.

    bench/quality                                          everything: some half an hour
    bench/quality --against COMMIT                         with the engine of that commit beside it
    bench/quality --speakers en-man-awb,it-man --voices Atlas --seconds 6 --without-peers     a quick look
    bench/quality --noise                                  noise removal instead: a few minutes

Ten speakers (`quality_speakers.py`) through every voice: DNSMOS overall less that of the source, word errors by Whisper
where the words are known, similarity to the source by GE2E (lower is more changed), cents of the median F0 from the
voice's by Praat, processor seconds a second. Needs Debian for speech and peers, and root where programs are missing.
Results are in the cache folder, to be listened to. Fails when a bar is missed, on the extremes and clean speech:

- DNSMOS change: mean >= -.03, worst >= -.50;
- word error rate <= .080;
- similarity to the source <= .73;
- F0: median error <= 15 cents;
- length to the sample;
- all voices set apart: two of them by .75 on the mean and the nearest two by .88 at most, by GE2E, over the clips.

With --noise, in pink noise that is 5 dB quieter than the speech, and of clean speech:

- DNSMOS change: mean >= .50 in noise, >= -.05 of clean speech;
- SI-SNR gain: mean >= 8 dB; in its place to the sample.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import quality_needs as needs
from bench.measure import CHECKOUT, bar, revision

EXTREMES = ("Atlas", "Lyra")
_ENGINE, _BEFORE = "engine", "before"


@dataclass(frozen=True, slots=True)
class Heard:
    """A clip in a voice by a method."""

    method: str
    clip: str
    voice: str
    is_clean: bool
    quality_change: float
    errors: int
    errors_before: int
    said: int
    similarity: float
    cents: float
    cpu_per_s: float
    same_length: bool
    speaker: NDArray[np.float32]


def main() -> int:
    arguments = _arguments()
    needs.prepare()
    from bench import quality_speakers as speakers

    clips = speakers.clips(_names(arguments.speakers), arguments.seconds)
    if arguments.noise:
        from bench.quality_noise import measure_and_tell

        return 0 if measure_and_tell(clips) else 1
    voices = _names(arguments.voices)
    rows = []
    with tempfile.TemporaryDirectory(prefix="timbre-bench-") as name:
        sources, made = _by_engine(CHECKOUT, Path(name), clips, voices)
        rows += _heard(_ENGINE, clips, made)
        if arguments.against:
            with revision(arguments.against) as checkout:
                rows += _heard(_BEFORE, clips, _by_engine(checkout, Path(name), clips, voices)[1])
        if not arguments.without_peers:
            rows += _by_peers(clips, voices, sources)
    for kind, is_clean in (("clean", True), ("in noise", False)):
        _table(kind, [row for row in rows if row.is_clean is is_clean])
    _worst([row for row in rows if row.method == _ENGINE])
    return 0 if _bars([row for row in rows if row.method == _ENGINE and row.is_clean]) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", metavar="COMMIT")
    parser.add_argument("--speakers", default="", metavar="NAME,NAME")
    parser.add_argument("--voices", default="", metavar="NAME,NAME")
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--without-peers", action="store_true")
    parser.add_argument("--noise", action="store_true")
    return parser.parse_args()


def _names(words: str) -> list[str]:
    return [word for word in words.split(",") if word]


def _catalogue(wanted: list[str]):
    from s2s.engine.voices import catalogue

    return [voice for voice in catalogue().values() if not wanted or voice.name in wanted]


def _by_engine(checkout: Path, folder: Path, clips, voices: list[str]):
    """What the peers need to know of each source, and what was made: (clip, voice, samples, rate, CPU s, exact)."""
    pairs = [(clip, voice.name) for clip in clips for voice in _catalogue(voices)]
    for clip in clips:
        np.save(folder / f"{clip.name}.npy", clip.samples)
    jobs = [{"clip": clip.name, "rate_hz": clip.rate_hz, "voice": voice} for clip, voice in pairs]
    (folder / "jobs.json").write_text(json.dumps(jobs))
    # Without -P modules beside the script would come first: bench has a `queue`.
    command = [sys.executable, "-P", str(CHECKOUT / "bench" / "quality_convert.py"), str(folder)]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": str(checkout)}, cwd=checkout)
    done = json.loads((folder / "done.json").read_text())
    made = [
        (
            job["clip"],
            job["voice"],
            np.load(folder / f"{job['clip']}-{job['voice']}.npy"),
            job["out_rate_hz"],
            job["cpu_s"],
            job["same_length"],
        )
        for job in done["jobs"]
    ]
    return done["sources"], made


def _by_peers(clips, voices: list[str], sources: dict[str, dict[str, float]]) -> list[Heard]:
    from bench.quality_peers import PEERS, Source, cpu_s

    rows = []
    for method, peer in PEERS.items():
        made = []
        for clip in clips:
            for voice in _catalogue(voices):
                before_s = cpu_s()
                samples = peer(clip, voice, Source(**sources[clip.name]))
                made.append((clip.name, voice.name, samples, clip.rate_hz, cpu_s() - before_s, True))
        rows += _heard(method, clips, made)
    return rows


def _heard(method: str, clips, made) -> list[Heard]:
    from bench import quality_hearing as hearing
    from bench.quality_speakers import write_wav

    by_name, due = {clip.name: clip for clip in clips}, {voice.name: voice.f0_hz for voice in _catalogue([])}
    folder = needs.CACHE / "results" / method
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, voice, samples, rate_hz, cpu_s, same_length in made:
        clip = by_name[name]
        before, after = hearing.at_16k(clip.samples, clip.rate_hz), hearing.at_16k(samples, rate_hz)
        (errors, said), (errors_before, _) = (_word_errors(clip, heard) for heard in (after, before))
        write_wav(folder / f"{name}-{voice}.wav", samples, rate_hz)
        rows.append(
            Heard(
                method,
                name,
                voice,
                clip.is_clean,
                hearing.quality(after) - hearing.quality(before),
                errors,
                errors_before,
                said,
                float(hearing.speaker(before) @ hearing.speaker(after)),
                hearing.cents_off(samples, rate_hz, due[voice]),
                cpu_s / (len(clip.samples) / clip.rate_hz),
                same_length,
                hearing.speaker(after),
            )
        )
    return rows


def _word_errors(clip, heard) -> tuple[int, int]:
    """How many words of it are heard otherwise, and how many are said; `heard` at 16 kHz."""
    from bench import quality_hearing as hearing

    errors = said = 0
    for passage in clip.passages:
        span = slice(*(round(at_s * hearing.RATE_HZ) for at_s in (passage.start_s, passage.end_s)))
        wrong, of = hearing.word_errors(passage.text, hearing.words(heard[span]))
        errors, said = errors + wrong, said + of
    return errors, said


def _rate(rows: list[Heard]) -> float:
    return sum(row.errors for row in rows) / max(1, sum(row.said for row in rows))


def _table(kind: str, rows: list[Heard]) -> None:
    for only_extremes in (True, False):
        shown = [row for row in rows if row.voice in EXTREMES or not only_extremes]
        if not shown or (not only_extremes and all(row.voice in EXTREMES for row in rows)):
            continue
        print(f"\n{kind}, {'Atlas and Lyra' if only_extremes else 'all voices'}")
        print(f"{'':<12}  n  DNSMOS mean/worst   words (before)  alike   F0 median/worst   CPU s/s")
        for method in dict.fromkeys(row.method for row in shown):
            own = [row for row in shown if row.method == method]
            change, cents = [row.quality_change for row in own], np.abs([row.cents for row in own])
            before = sum(row.errors_before for row in own) / max(1, sum(row.said for row in own))
            print(
                f"{method:<12} {len(own):>2}  {np.mean(change):>+6.3f} {min(change):>+6.2f}       {_rate(own):.3f} "
                f"({before:.3f})   {np.mean([row.similarity for row in own]):.3f}   {np.nanmedian(cents):>6.1f} "
                f"{np.nanmax(cents):>6.1f}     {np.mean([row.cpu_per_s for row in own]):.3f}",
                flush=True,
            )


def _worst(rows: list[Heard]) -> None:
    print("\nthe engine's worst")
    for row in sorted(rows, key=lambda row: row.quality_change)[:5]:
        print(
            f"    {row.clip} as {row.voice}: DNSMOS {row.quality_change:+.2f}, words {row.errors} of {row.said} wrong "
            f"({row.errors_before} before), alike {row.similarity:.2f}, F0 {row.cents:+.0f} cents"
        )
    print()


def _bars(rows: list[Heard]) -> bool:
    extremes = [row for row in rows if row.voice in EXTREMES] or rows
    change = [row.quality_change for row in extremes]
    met = bar("DNSMOS lost, mean", -float(np.mean(change)), 0.03, "")
    met &= bar("DNSMOS lost, worst", -min(change), 0.50, "")
    met &= bar("word error rate", _rate(extremes), 0.080, "")
    met &= bar("similarity to the source", float(np.mean([row.similarity for row in extremes])), 0.73, "")
    met &= bar("F0, median error", float(np.nanmedian(np.abs([row.cents for row in extremes]))), 15, "cents")
    met &= bar("of another length", sum(not row.same_length for row in rows), 0, "")
    names = sorted({row.voice for row in rows})
    return met & _set_apart(rows, names) if len(names) == len(_catalogue([])) else met


def _set_apart(rows: list[Heard], names: list[str]) -> bool:
    """Each clip in one voice against the same in another."""
    clips = sorted({row.clip for row in rows})
    found = {(row.clip, row.voice): row.speaker for row in rows}
    speakers = np.array([[found[clip, name] for name in names] for clip in clips])
    alike = np.einsum("cas,cbs->ab", speakers, speakers) / len(clips)
    one, other = np.triu_indices(len(names), 1)
    nearest = int(np.argmax(alike[one, other]))
    print(f"nearest: {names[one[nearest]]} and {names[other[nearest]]}")
    met = bar("two voices alike, mean", float(alike[one, other].mean()), 0.75, "")
    return met & bar("two voices alike, nearest", float(alike[one, other].max()), 0.88, "")


if __name__ == "__main__":
    sys.exit(main())
