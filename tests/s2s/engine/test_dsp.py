"""The parts of the conversion, each on its own."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pyworld
import soxr
from numpy.typing import NDArray

from s2s.engine import blocks, spectrum
from s2s.engine.analysis import analyse
from s2s.engine.converter import convert, measure_source, speech_in
from s2s.engine.dynamics import as_loud_within_limits, keep_loudness, limit
from s2s.engine.own_sound import OwnSound
from s2s.engine.speaker import measure
from s2s.engine.spool import Spool
from s2s.engine.synthesis import phase, synthesise
from s2s.engine.transform import Strengths, Transform
from s2s.engine.vocoder import (
    BIN_HZ,
    BINS,
    FFT_SIZE,
    HOP,
    SAMPLE_RATE_HZ,
    Features,
    voiced_stretches,
)
from s2s.engine.voices import FOLDER, Voice, catalogue, load
from s2s.voice_settings import VoiceSettings

Load = Callable[[str, int], NDArray[np.float32]]


def in_blocks(samples: NDArray[np.floating], size: int = SAMPLE_RATE_HZ) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(samples), size):
        yield samples[start : start + size].astype(np.float32)


def converted(samples: NDArray[np.floating], voice: Voice, **options: object) -> NDArray[np.float32]:
    return np.concatenate([np.zeros(0, np.float32), *convert(in_blocks(samples), voice, **options)])  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def man(speech: Load) -> NDArray[np.float32]:
    return speech("man_librivox.flac", SAMPLE_RATE_HZ)[: 9 * SAMPLE_RATE_HZ]


@pytest.fixture
def nora() -> Voice:
    return catalogue()["TimbreNora0000000001"]


class TestVocoder:
    def test_puts_together_what_it_took_apart(self, man: NDArray[np.float32]) -> None:
        again = synthesise(analyse(man), len(man))
        assert len(again) == len(man)
        assert again.std() == pytest.approx(man.std(), rel=0.15)

    def test_keeps_every_second_frame_for_statistics(self, man: NDArray[np.float32]) -> None:
        full, half = analyse(man[:48_000]), analyse(man[:48_000], every=2)
        both = full.voiced[::2] & half.voiced
        assert both.sum() > 0.9 * half.voiced.sum()
        assert np.array_equal(full.f0_hz[::2][both], half.f0_hz[both])
        assert np.array_equal(full.envelope[::2][both], half.envelope[both])

    def test_draws_breath_between_some_frames_of_a_vowel(self, man: NDArray[np.float32]) -> None:
        x = man[:72_000].astype(np.float64)
        found = analyse(x)
        times_s = np.arange(len(found.f0_hz)) * HOP / SAMPLE_RATE_HZ
        every = pyworld.d4c(x, found.f0_hz, times_s, SAMPLE_RATE_HZ, threshold=0, fft_size=FFT_SIZE)
        assert np.abs(found.aperiodicity - every)[found.voiced].mean() < 0.08

    def test_a_bright_voice_does_not_get_hoarse(self) -> None:
        """D4C's own decision takes every frame of it for noise, as most of its power lies above 4 kHz."""
        time_s = np.arange(2 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
        buzz = sum(np.cos(2 * np.pi * 200 * k * time_s) * (0.002 if k < 20 else 0.01) for k in range(1, 50))
        at_s = np.arange(100, 300) * HOP / SAMPLE_RATE_HZ
        alone = pyworld.d4c(buzz, np.full(200, 200.0), at_s, SAMPLE_RATE_HZ, threshold=0.85, fft_size=FFT_SIZE)
        assert (alone[:, 0] > 0.999).all()
        found = analyse(np.asarray(buzz))
        assert found.voiced[100:300].all()
        assert (found.aperiodicity[100:300, 0] < 0.5).all()

    def test_a_stretch_sounds_the_same_whatever_is_around_it(self, man: NDArray[np.float32]) -> None:
        found = analyse(man[: 3 * SAMPLE_RATE_HZ])
        whole = synthesise(found, 3 * SAMPLE_RATE_HZ)
        first, stop = max(voiced_stretches(found.f0_hz), key=lambda stretch: stretch[0] if stretch[1] < 590 else 0)
        skipped = first - 40
        part = Features(*(getattr(found, name)[skipped:].copy() for name in Features.__slots__))
        again = synthesise(part, (stop - skipped) * HOP, first_frame=skipped)
        place = slice((first + 2) * HOP, (stop - 2) * HOP)
        assert np.abs(whole[place]).max() > 0.01
        assert np.array_equal(again[place.start - skipped * HOP : place.stop - skipped * HOP], whole[place])

    @pytest.mark.parametrize("length", [0, 1, 100])
    def test_takes_next_to_nothing(self, length: int) -> None:
        features = analyse(np.ones(length))
        assert features.envelope.shape[1] == BINS
        assert np.isfinite(synthesise(features, length)).all()

    def test_knows_where_its_pulses_are(self) -> None:
        """The last pulses before a sample lie a whole number of cycles after the first."""
        voice = analyse(np.zeros(SAMPLE_RATE_HZ))
        voice.f0_hz[:] = np.linspace(100, 140, len(voice.f0_hz))
        voice.envelope[:] = 1e-3
        voice.aperiodicity[:] = 1e-6
        sound = synthesise(voice, SAMPLE_RATE_HZ)
        peaks = [i for i in range(200, len(sound) - 200) if sound[i] == sound[i - 60 : i + 60].max() and sound[i] > 0.1]
        runs = [phase(voice.f0_hz, peak) for peak in peaks]
        phases = np.array([run[1] for run in runs if run is not None]) % 1
        assert len(peaks) > 80
        assert np.ptp(np.unwrap(phases * 2 * np.pi)) / (2 * np.pi) < 0.05


class TestSpectrum:
    def test_moves_a_formant_by_the_scale(self) -> None:
        envelope = np.exp(-(((np.arange(BINS) - 100) / 8.0) ** 2))[None]
        assert int(spectrum.warp(envelope, 1.2).argmax()) == 120

    def test_consonants_stay_where_they_are(self) -> None:
        """A formant below the knee moves, a sibilant above 8 kHz doesn't, and nothing changes places."""
        for scale in (0.8, 1.25):
            came_from = spectrum.warped_from(BIN_HZ, scale)
            assert np.interp(2000.0, BIN_HZ, came_from) == pytest.approx(2000 / scale, abs=5)
            assert np.array_equal(came_from[BIN_HZ >= 8000], BIN_HZ[BIN_HZ >= 8000])
            assert (np.diff(came_from) > 0).all()

    def test_a_smooth_curve_survives_the_mel_grid(self) -> None:
        curve = np.cos(np.arange(spectrum.MEL_BANDS) / 12)
        bins = spectrum.mel_curve_to_bins(curve)
        assert np.abs(spectrum.log_mel(np.exp(bins)[None])[0] - curve)[1:-1].max() < 0.02

    def test_tells_speech_from_pauses_against_one_reference(self) -> None:
        assert spectrum.activity(np.array([-20.0, -90.0]), -20.0) == pytest.approx([1, 0], abs=1e-4)


class TestSpeaker:
    def test_men_and_women_measure_as_they_should(self, speech: Load) -> None:
        man = measure(analyse(speech("man_librivox.flac", SAMPLE_RATE_HZ), every=2), 0.01)
        woman = measure(analyse(speech("woman_prompts.flac", SAMPLE_RATE_HZ), every=2), 0.01)
        assert np.exp(man.log_f0) == pytest.approx(95, abs=5)
        assert np.exp(woman.log_f0) == pytest.approx(190, abs=10)
        assert man.formant_scale is not None
        assert woman.formant_scale is not None
        assert man.formant_scale < 1.1 < woman.formant_scale

    def test_vowels_do_not_make_a_tract_longer(self, speech: Load) -> None:
        """Names of cards have hardly any but o and u in them, which move F2 far down: who says them is no giant."""
        cards = measure(analyse(speech("man_cards.flac", SAMPLE_RATE_HZ), every=2), 0.01)
        assert cards.formant_scale == pytest.approx(1.03, abs=0.06)  # a man's

    def test_telephone_speech_has_no_measurable_formant_scale(self, speech: Load) -> None:
        narrow = speech("woman_prompts.flac", 8000)
        spectrum_wide = np.fft.rfft(narrow)
        wide = (
            np.fft.irfft(np.pad(spectrum_wide, (0, len(narrow) * 3 // 2 + 1 - len(spectrum_wide))), len(narrow) * 3) * 3
        )
        assert measure(analyse(wide, every=2), 0.01).formant_scale is None

    def test_starts_where_the_speech_starts(self, man: NDArray[np.float32]) -> None:
        late = np.concatenate([np.zeros(30 * SAMPLE_RATE_HZ, np.float32), man])
        with Spool(in_blocks(late)) as spool:
            found = measure_source(speech_in(spool))
        assert found.voiced_s > 2
        assert np.exp(found.log_f0) == pytest.approx(95, abs=8)


class TestTransform:
    def test_every_frame_keeps_its_loudness(self, man: NDArray[np.float32], nora: Voice) -> None:
        features = analyse(man)
        transform = Transform(measure(analyse(man, every=2), 0.01), nora, nora.settings(None))
        before = features.envelope.mean(axis=1)
        after = transform.apply(features).envelope.mean(axis=1)
        assert np.abs(10 * np.log10((after + 1e-12) / (before + 1e-12))).max() < 0.1

    def test_settings_have_the_effect_that_is_documented(self, nora: Voice) -> None:
        plain = Strengths.of(nora.settings(None))
        assert (plain.timbre, plain.melody) == pytest.approx((1.0, 1.0))
        assert Strengths.of(nora.settings(VoiceSettings(similarity_boost=0))).timbre == pytest.approx(0.4)
        assert Strengths.of(nora.settings(VoiceSettings(stability=1))).melody == pytest.approx(0.7)
        assert Strengths.of(nora.settings(VoiceSettings(style=1))).melody == pytest.approx(1.3)
        assert Strengths.of(nora.settings(VoiceSettings(speed=1.2, use_speaker_boost=True))) == plain

    def test_a_boost_lifts_the_presence_and_nothing_else(self, man: NDArray[np.float32], nora: Voice) -> None:
        source = measure(analyse(man, every=2), 0.01)
        plain, boosted = (
            Transform(source, nora, nora.settings(VoiceSettings(use_speaker_boost=on))).colour for on in (False, True)
        )
        gain_db = 10 * np.log10(np.exp(boosted - plain))
        assert gain_db.max() == pytest.approx(4, abs=0.1)
        assert 2000 < BIN_HZ[np.argmax(gain_db)] < 5500
        assert gain_db[(BIN_HZ < 900) | (BIN_HZ > 11_000)].max() < 0.6

    def test_an_old_voice_trembles_through_the_whole_recording(self, man: NDArray[np.float32], nora: Voice) -> None:
        old = replace(nora, tremor_cents=30.0)
        source = measure(analyse(man, every=2), 0.01)
        steady = np.full(400, 100.0)
        trembles = Transform(source, old, old.settings(None)).melody(steady)
        cents = 1200 * np.log2(trembles / Transform(source, nora, nora.settings(None)).melody(steady))
        assert np.abs(cents).max() == pytest.approx(30, abs=0.5)
        assert np.sum(np.diff(np.sign(cents)) > 0) == pytest.approx(5.2 * 2, abs=1)
        later = Transform(source, old, old.settings(None)).melody(steady[:100], 250)
        assert np.allclose(later, trembles[250:350])


class TestBlocks:
    def test_edges_are_as_smooth_as_the_rest(self, man: NDArray[np.float32], nora: Voice) -> None:
        """Second differences at block edges are no larger than those of the same speech in one block."""
        source = measure(analyse(man, every=2), 0.01)

        def run(size: int) -> NDArray[np.float32]:
            with Spool(in_blocks(man)) as spool:
                transform = Transform(source, nora, nora.settings(None))
                return np.concatenate(list(blocks.convert_blocks(spool, transform, iter([size] * 999))))

        whole, cut = run(SAMPLE_RATE_HZ * 20), run(SAMPLE_RATE_HZ // 2)
        edges = range(SAMPLE_RATE_HZ // 2, len(man) - 500, SAMPLE_RATE_HZ // 2)
        ratios = [
            np.abs(np.diff(cut[edge - 48 : edge + 300], 2)).max()
            / max(np.abs(np.diff(whole[edge - 400 : edge + 700], 2)).max(), 2e-3)
            for edge in edges
        ]
        assert np.median(ratios) < 1.1
        assert max(ratios) < 2

    def test_aligns_the_pulses_of_neighbours(self, nora: Voice) -> None:
        """In a voice without a pause, which began before the block did."""
        hum = np.sign(np.sin(2 * np.pi * 120 * np.arange(2 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ)).astype(np.float32) * 0.1
        transform = Transform(measure(analyse(hum, every=2), 0.01), nora, nora.settings(None))
        block = blocks._Block(hum, 0, 1, transform, lambda: None)
        at = HOP * 100
        block.align(at, 0.37)
        turn = block.phase(at)
        assert turn is not None
        assert abs((turn - 0.37 + 0.5) % 1 - 0.5) < 1e-6

    @pytest.mark.parametrize(("ratio", "seed"), [(1, 0), (2, 0), (1, 5)])
    def test_blocks_agree_with_the_whole(self, speech: Load, nora: Voice, ratio: int, seed: int) -> None:
        man = speech("man_librivox.flac", SAMPLE_RATE_HZ * ratio)[: 9 * SAMPLE_RATE_HZ * ratio]
        source = measure(analyse(man[::ratio], every=2), 0.01)

        def run(seconds: float) -> NDArray[np.float32]:
            with Spool(in_blocks(man)) as spool:
                transform, sizes = (
                    Transform(source, nora, nora.settings(None), seed),
                    iter([int(seconds * SAMPLE_RATE_HZ)] * 99),
                )
                return np.concatenate(list(blocks.convert_blocks(spool, transform, sizes, ratio)))

        whole, cut = run(20.0), run(2.0)
        assert len(whole) == len(cut) == len(man)
        assert np.corrcoef(whole, cut)[0, 1] > 0.99

    def test_loudness_over_time_is_that_of_the_source(self, man: NDArray[np.float32]) -> None:
        quieter = man * np.linspace(0.5, 1.5, len(man), dtype=np.float32)
        again = keep_loudness(quieter, man)
        assert np.abs(again - man).max() < 0.02

    def test_a_peak_is_made_quieter_with_what_is_around_it_and_nothing_else_is(self) -> None:
        tone = np.sin(2 * np.pi * 500 * np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ).astype(np.float32) * 0.5
        tone[12_000:12_100] *= 4
        limited = limit(tone.copy())
        assert np.abs(limited).max() <= 1
        assert np.abs(limited[:11_700] - tone[:11_700]).max() < 1e-6
        gain = limited[12_003:12_097] / tone[12_003:12_097]
        assert np.ptp(gain[np.abs(tone[12_003:12_097]) > 0.1]) < 0.15  # bent, it would be .5

    def test_what_is_around_a_peak_makes_up_for_it(self, man: NDArray[np.float32]) -> None:
        """Loud pulses of a voice that fills the scale cost it none of its loudness."""
        source = man[: 4 * SAMPLE_RATE_HZ].copy()
        source *= 0.13 / source.std()
        pulses = np.where(np.arange(len(source)) % 100 < 3, source * 5, source * 0.5)
        kept = as_loud_within_limits(pulses.copy(), source)
        assert np.abs(kept).max() <= 1
        assert kept.std() == pytest.approx(source.std(), rel=0.05)
        assert limit(keep_loudness(pulses.copy(), source)).std() < 0.95 * source.std()


class TestOwnSound:
    def test_passes_through_where_nothing_is_coloured(self) -> None:
        noise = np.random.default_rng(3).standard_normal(10_000, np.float32)
        coloured, above = OwnSound(np.zeros(BINS), np.zeros(BINS), 1).coloured(noise)
        assert above is None
        assert np.abs(coloured - noise).max() < 1e-5

    def test_above_the_vocoders_band_the_voice_is_the_sources(self, man: NDArray[np.float32], nora: Voice) -> None:
        """A voice with a whistle at 15 kHz keeps it, at its place and as loud."""
        rate_hz = 2 * SAMPLE_RATE_HZ
        voice = soxr.resample(man[: 4 * SAMPLE_RATE_HZ].astype(np.float64), SAMPLE_RATE_HZ, rate_hz)
        whistle = 0.02 * np.sin(2 * np.pi * 15_000 * np.arange(len(voice)) / rate_hz)
        both = (voice + whistle).astype(np.float32)
        changed = np.concatenate(list(convert(in_blocks(both), nora, sample_rate_hz=rate_hz)))
        assert len(changed) == len(both)

        def above_14k(samples: NDArray[np.floating]) -> float:
            power = np.abs(np.fft.rfft(samples)) ** 2
            return float(power[np.fft.rfftfreq(len(samples), 1 / rate_hz) > 14_000].sum())

        assert above_14k(both) / 8 < above_14k(changed) < 8 * above_14k(both)


class TestConvert:
    @pytest.mark.parametrize("streaming", [False, True])
    @pytest.mark.parametrize("length", [1, 119, 24_000, 120_001])
    def test_gives_as_many_samples_as_it_took(
        self, man: NDArray[np.float32], nora: Voice, length: int, streaming: bool
    ) -> None:
        assert len(converted(man[:length], nora, streaming=streaming)) == length

    def test_an_empty_recording_stays_empty(self, nora: Voice) -> None:
        assert len(converted(np.zeros(0), nora)) == 0

    def test_the_same_again_gives_the_same_samples(self, man: NDArray[np.float32], nora: Voice) -> None:
        assert np.array_equal(converted(man[:60_000], nora), converted(man[:60_000], nora))

    def test_silence_stays_silent(self, nora: Voice) -> None:
        assert np.abs(converted(np.zeros(5 * SAMPLE_RATE_HZ), nora)).max() < 1e-4

    @pytest.mark.parametrize("kind", ["noise", "clipped", "not a number", "one click"])
    def test_survives_what_is_not_speech(self, nora: Voice, kind: str) -> None:
        random = np.random.default_rng(5).standard_normal(4 * SAMPLE_RATE_HZ)
        click = np.zeros(len(random))
        click[30_000] = 1
        made = {"noise": random * 0.1, "clipped": random * 9, "not a number": random * np.nan, "one click": click}
        sound = converted(made[kind], nora)
        assert len(sound) == len(random)
        assert np.isfinite(sound).all()
        assert np.abs(sound).max() <= 1.0001

    def test_similarity_boost_changes_how_far_it_goes(self, man: NDArray[np.float32], nora: Voice) -> None:
        a, b = (converted(man[:72_000], nora, settings=VoiceSettings(similarity_boost=s)) for s in (0.0, 1.0))
        assert not np.allclose(a, b, atol=0.01)

    @pytest.mark.parametrize("calls", [1, 5, 13, 15, 18])
    def test_stops_in_the_middle_of_a_block(self, man: NDArray[np.float32], nora: Voice, calls: int) -> None:
        """Nine seconds are one block. They are searched for speech in ten calls, and measured in four."""
        left, decoded = calls, []

        class LeftError(Exception):
            pass

        def check() -> None:
            nonlocal left
            left -= 1
            if not left:
                raise LeftError

        with pytest.raises(LeftError):
            decoded += list(convert(in_blocks(man), nora, check=check))
        assert decoded == []

    def test_reads_no_further_ahead_than_it_must(self, man: NDArray[np.float32], nora: Voice) -> None:
        taken = 0

        def source() -> Iterator[NDArray[np.float32]]:
            nonlocal taken
            for _ in range(60):
                taken += 1
                yield man[:SAMPLE_RATE_HZ]

        stream = convert(source(), nora, streaming=True, statistics_s=3.0)
        next(stream)
        stream.close()
        assert taken < 12


class TestSpool:
    def test_gives_back_what_came_in(self) -> None:
        ramp = np.linspace(-1, 1, 10_000, dtype=np.float32)
        with Spool(in_blocks(ramp, 999)) as spool:
            assert spool.reach(10_000)
            assert not spool.reach(10_001)
            assert np.abs(spool.read(123, 4567) - ramp[123:4567]).max() < 1e-4
            assert len(spool.read(9_000, 99_000)) == 1000

    def test_leaves_no_file_behind(self) -> None:
        with Spool(iter([np.zeros(10, np.float32)])) as spool:
            spool.reach(10)
            assert not list(Path(tempfile.gettempdir()).glob("timbre-engine-*"))


class TestVoices:
    def test_a_profile_of_another_grid_is_refused(self, tmp_path: Path) -> None:
        profile = json.loads((FOLDER / "nora.json").read_text())
        profile["envelope"] = profile["envelope"][:40]
        path = tmp_path / "odd.json"
        path.write_text(json.dumps(profile))
        with pytest.raises(ValueError, match="64 bands"):
            load(path)

    def test_ids_are_twenty_characters_of_the_contracts_alphabet(self) -> None:
        kinds = [(voice.labels["gender"], voice.labels["descriptive"]) for voice in catalogue().values()]
        assert len(kinds) == 10
        assert {"childlike", "breathy", "androgynous"} <= {descriptive for _gender, descriptive in kinds}
        assert "old" in {voice.labels["age"] for voice in catalogue().values()}
        for voice_id, voice in catalogue().items():
            assert len(voice_id) == 20
            assert voice_id.isalnum()
            assert voice.description.count(".") == 1
            assert {"gender", "age", "use_case", "accent"} <= set(voice.labels)
            assert voice.preview.stat().st_size < 60_000
