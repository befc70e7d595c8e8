"""What noise removal does to the speakers of `bench/quality`: in pink noise 5 dB below them, and clean."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from bench.measure import bar
from bench.quality_hearing import at_16k, quality
from bench.quality_speakers import Clip
from s2s.engine.denoiser import RATE_HZ, Denoiser
from tests.s2s.engine.noise import in_noise, lag, si_snr_db

Samples = NDArray[np.float32]
_SNR_DB = 5.0
_LIMIT_DB = 40.0


@dataclass(frozen=True, slots=True)
class Removed:
    """Of a clip: DNSMOS overall before and after, by how much what isn't the speech is quieter than the speech then, by
    how many samples it is late, processor seconds a second."""

    before: float
    after: float
    si_snr_db: float
    lag: int
    cpu_per_s: float


def measure_and_tell(clips: list[Clip]) -> bool:
    """Whether no bar is missed; for speech that is clean by itself."""
    noisy, clean = [], []
    print(f"{'':<14}  at {_SNR_DB:g} dB: DNSMOS    SI-SNR    clean: DNSMOS    SI-SNR    CPU s/s")
    shown = [clip for clip in clips if clip.is_clean]
    for clip in shown:
        speech = np.asarray(soxr.resample(clip.samples, clip.rate_hz, RATE_HZ), np.float32)
        noisy.append(_removed(in_noise(speech, RATE_HZ, _SNR_DB), speech))
        clean.append(_removed(speech, speech))
        print(
            f"{clip.name:<14}  {_words(noisy[-1], 5)}   {_words(clean[-1], 3)}   {noisy[-1].cpu_per_s:>10.3f}",
            flush=True,
        )
    met = bar("DNSMOS lost at 5 dB, mean", -_mean_change(noisy), -0.5, "")
    met &= bar("DNSMOS lost of clean speech, worst", max(each.before - each.after for each in clean), 0.05, "")
    # A telephone adds noise too, and what would be left of its speech alone isn't known: said apart, and counted.
    apart = [each.si_snr_db for clip, each in zip(shown, noisy, strict=True) if "telephone" not in clip.name]
    print(f"SI-SNR gained without the telephones: {float(np.mean(apart)) - _SNR_DB:.1f} dB")
    gained_db = float(np.mean([each.si_snr_db for each in noisy])) - _SNR_DB
    met &= bar("SI-SNR lost at 5 dB, mean", -gained_db, -8.0, "dB")
    met &= bar("late, worst", max(abs(each.lag) for each in noisy), 0, "")
    return met


def _removed(sound: Samples, speech: Samples) -> Removed:
    began_s = time.process_time()
    with Denoiser(_LIMIT_DB) as denoiser:
        cleaned = np.concatenate([denoiser.write(sound), denoiser.finish()])
    cpu_per_s = (time.process_time() - began_s) / (len(sound) / RATE_HZ)
    before, after = (quality(at_16k(each, RATE_HZ)) for each in (sound, cleaned))
    return Removed(before, after, si_snr_db(cleaned, speech), lag(cleaned, speech), cpu_per_s)


def _words(removed: Removed, width: int) -> str:
    return f"{removed.before:>{width + 3}.2f} -> {removed.after:.2f}   {removed.si_snr_db:>7.1f}"


def _mean_change(removed: list[Removed]) -> float:
    return float(np.mean([each.after - each.before for each in removed]))
