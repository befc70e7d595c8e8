"""Channels become one so that whatever is in one of them is heard at its own level, and nothing clips."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from s2s.audio import AudioError, Noticed, decode, examine, excerpt, measure_loudness
from s2s.audio.limiter import Limiter
from s2s.audio.listening import Listener
from s2s.audio.mixing import Mix, Mixer

RATE = 48_000
FRONTS, CENTRE, LOW = ("FL", "FR"), "FC", "LFE"
SURROUND = (*FRONTS, CENTRE, LOW, "BL", "BR")
NAMELESS = ("NONE",) * 4

Samples = NDArray[np.float32]


@cache
def voice(seconds: float, seed: int = 1, peak: float = 0.3) -> Samples:
    """Something with the spectrum and the pauses of speech, always the same."""
    random, n = np.random.default_rng(seed), round(seconds * RATE)
    spectrum, hz = np.fft.rfft(random.standard_normal(n)), np.fft.rfftfreq(n, 1 / RATE)
    sound = np.fft.irfft(spectrum * ((hz > 150) & (hz < 3200)) / (1 + (hz / 900) ** 2), n)
    syllables = random.random(n // 4800 + 2) ** 2 * (random.random(n // 4800 + 2) > 0.3)
    sound *= np.interp(np.arange(n), np.arange(len(syllables)) * 4800, syllables)
    samples = (peak * sound / np.abs(sound).max()).astype(np.float32)
    samples.setflags(write=False)  # it is everybody's
    return samples


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.float32)


def turns(seconds: float, seed: int = 1) -> tuple[Samples, Samples]:
    """Two people who speak in turn, two seconds each."""
    first = np.arange(round(seconds * RATE)) // (2 * RATE) % 2 == 0
    return voice(seconds, seed) * first, voice(seconds, seed + 1) * ~first


def wav(*channels: Samples) -> io.BytesIO:
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((len(channels), 2, RATE, 0, "NONE", ""))
        file.writeframes(np.rint(np.stack(channels, 1) * 32767).astype("<i2").tobytes())
    return content


def level_db(samples: Samples) -> float:
    return 10 * float(np.log10(np.mean(np.square(samples, dtype=np.float64))))


def assert_is(content: io.BytesIO, source: Samples) -> Noticed:
    """Where it was, as long, and as loud: for all that read it."""
    found = examine(content)
    samples = np.concatenate(list(decode(content, sample_rate_hz=RATE)))
    assert found.samples == len(samples)
    size = 1 << (len(samples) + len(source)).bit_length()
    likeness = np.fft.irfft(np.fft.rfft(samples, size) * np.conj(np.fft.rfft(source, size)), size)
    assert np.argmax(np.abs(likeness)) == 0
    assert level_db(samples) - level_db(source) == pytest.approx(0, abs=0.1)
    assert found.level_dbfs == pytest.approx(level_db(samples), abs=0.01)
    assert max(found.peaks) == pytest.approx(255 * np.abs(samples).max(), abs=1)
    with wave.open(io.BytesIO(excerpt(content, 1.0, 2.0))) as file:
        passage = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    assert_allclose(passage, samples[RATE : 3 * RATE], rtol=0, atol=2e-4)
    return found.noticed


@pytest.mark.parametrize("other", [1.0, 10 ** (-1 / 20)])
def test_channels_that_cancel_each_other_leave_one(other: float) -> None:
    noticed = assert_is(wav(voice(6), -other * voice(6)), voice(6))
    assert (noticed.channels_used, noticed.channels_why) == ((1,), "cancel")


def test_the_louder_one_is_left() -> None:
    noticed = assert_is(wav(0.6 * voice(6), -voice(6)), voice(6))
    assert (noticed.channels_used, noticed.channels_why) == ((2,), "cancel")


def test_hum_that_a_balanced_cable_picked_up_in_both_does_not_hide_it() -> None:
    hum = (0.05 * np.sin(2 * np.pi * 50 * np.arange(6 * RATE) / RATE)).astype(np.float32)
    assert examine(wav(voice(6) + hum, hum - voice(6))).noticed.channels_why == "cancel"


def test_a_part_that_cancels_is_enough() -> None:
    other = voice(12).copy()
    other[6 * RATE :] *= -1
    assert assert_is(wav(voice(12), other), voice(12)).channels_why == "cancel"


@pytest.mark.parametrize("side", [1, 2])
def test_a_microphone_on_one_side_keeps_its_level(side: int) -> None:
    channels = [silence(6), silence(6)]
    channels[side - 1] = voice(6)
    noticed = assert_is(wav(*channels), voice(6))
    assert (noticed.channels_used, noticed.channels_why) == ((side,), "silent")


def test_a_constant_is_not_sound() -> None:
    noticed = examine(wav(voice(6), np.full(6 * RATE, 0.2, np.float32))).noticed
    assert (noticed.channels_used, noticed.channels_why) == ((1,), "silent")


def test_two_who_speak_in_turn_into_a_microphone_each_keep_their_level() -> None:
    one, other = turns(20)
    noticed = assert_is(wav(one + 0.05 * other, other + 0.05 * one), one + other)
    assert noticed.channels_why == "apart"


@pytest.mark.parametrize("other", [1.0, 0.7])
def test_the_same_on_both_sides_is_mixed_half_and_half(other: float) -> None:
    assert assert_is(wav(voice(6), other * voice(6)), (1 + other) / 2 * voice(6)) == Noticed()


def test_ordinary_stereo_is_mixed_half_and_half() -> None:
    room = [voice(6, seed) for seed in (2, 3)]
    left, right = voice(6) + room[0], 0.8 * voice(6) + room[1]
    assert assert_is(wav(left, right), (left + right) / 2) == Noticed()


def test_a_voice_that_changes_sides_is_mixed_half_and_half() -> None:
    left = voice(20).copy()
    left[10 * RATE :] = 0
    assert examine(wav(left, voice(20))).noticed == Noticed()


def test_sound_after_a_silent_or_one_sided_beginning_is_listened_to() -> None:
    start = silence(40)
    assert examine(wav(np.append(start, voice(2)), np.append(start, -voice(2)))).noticed.channels_why == "cancel"
    one_sided = np.append(voice(5), -voice(35))
    assert examine(wav(np.append(voice(5), voice(35)), np.append(silence(5), one_sided[5 * RATE :]))).noticed


@pytest.mark.parametrize(("container", "codec"), [("flac", "flac"), ("mp4", "aac"), ("webm", "libopus")])
def test_what_is_decoded_is_listened_to_too(write: Callable[..., bytes], container: str, codec: str) -> None:
    def noticed(*channels: Samples) -> Noticed:
        return examine(io.BytesIO(write(np.stack(channels), RATE, container=container, codec=codec))).noticed

    assert noticed(voice(6), -voice(6)).channels_why == "cancel"
    assert noticed(voice(6), silence(6)).channels_why == "silent"
    assert noticed(voice(6), voice(6)) == Noticed()
    live = io.BytesIO(write(np.stack([voice(6), -voice(6)]), RATE, container="webm", codec="libopus", live=True))
    assert examine(live).noticed.channels_why == "cancel"


def test_the_centre_keeps_its_level(write: Callable[..., bytes]) -> None:
    channels = np.zeros((6, 6 * RATE), np.float32)
    channels[2] = voice(6)
    assert assert_is(io.BytesIO(write(channels, RATE, container="flac", codec="flac")), voice(6)) == Noticed()
    channels[[0, 1, 4, 5]] = [0.05 * voice(6, seed) for seed in range(2, 6)]
    assert assert_is(io.BytesIO(write(channels, RATE, container="flac", codec="flac")), voice(6)) == Noticed()


def test_one_microphone_of_a_recorder_with_four_keeps_its_level(write: Callable[..., bytes]) -> None:
    for number in range(4):
        channels = np.zeros((4, 6 * RATE), np.float32)
        channels[number] = voice(6)
        for layout in ("4.0", "4 channels"):
            content = write(channels, RATE, container="caf", codec="pcm_s16le", layout=layout)
            assert_is(io.BytesIO(content), voice(6))


def test_a_voice_in_the_low_frequency_channel_is_no_low_frequency_effect(write: Callable[..., bytes]) -> None:
    channels = np.zeros((6, 6 * RATE), np.float32)
    channels[[0, 3]] = voice(6), voice(6, 2)
    samples = np.concatenate(
        list(decode(io.BytesIO(write(channels, RATE, container="flac", codec="flac")), sample_rate_hz=RATE))
    )
    assert float(samples @ voice(6, 2)) / float(voice(6, 2) @ voice(6, 2)) == pytest.approx(1, abs=0.1)


def test_what_is_silent_in_every_channel_is_silent() -> None:
    assert examine(wav(silence(3), silence(3))).level_dbfs == -120.0
    assert examine(wav(voice(3), -voice(3))).level_dbfs > -60


def test_loudness_is_that_of_what_is_heard() -> None:
    both = measure_loudness(wav(voice(6), voice(6)))
    assert measure_loudness(wav(voice(6), -voice(6))) == pytest.approx(both, abs=0.1)
    assert measure_loudness(wav(voice(6), silence(6))) == pytest.approx(both, abs=0.1)


def heard(planes: Samples, names: tuple[str, ...]) -> Mix:
    listener = Listener(names, 8000)
    for start in range(0, planes.shape[1], 1200):
        listener.write(planes[:, start : start + 1200])
    return listener.decide()


@given(
    names=st.sampled_from([FRONTS, SURROUND, NAMELESS, (*SURROUND, "SL", "SR"), (*FRONTS, LOW)]),
    data=st.data(),
)
def test_nothing_clips_and_nothing_that_was_heard_is_silent(names: tuple[str, ...], data: st.DataObject) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    gain = st.sampled_from([0.0, 1e-3, 0.1, 0.5, 0.9, 1.0, -1.0, -0.9, -0.1])
    shared, own = random.uniform(-1, 1, 8000), random.uniform(-1, 1, (len(names), 8000))
    count = len(names)
    of_shared = np.array(data.draw(st.lists(gain, min_size=count, max_size=count)))
    of_own = np.array(data.draw(st.lists(gain, min_size=count, max_size=count)))
    planes = (of_shared[:, None] * shared + of_own[:, None] * own).astype(np.float32)
    peak = float(np.abs(planes).max())
    assume(peak > 0)
    planes /= max(1.0, peak)
    mix, mixer = heard(planes, names), Mixer(8000)
    assert len(mix.weights) == count
    assert mix.weights.max() <= 1.0
    assert mix.weights.min() >= 0.0
    mixed = np.concatenate([mixer.write(planes[:, :3000], mix), mixer.write(planes[:, 3000:], mix), mixer.finish()])
    assert len(mixed) == 8000
    assert np.abs(mixed).max() <= 1.0
    loudest = max(level_db(plane) for plane in planes if plane.any())
    assert level_db(mixed) > loudest - 20


@given(
    blocks=st.lists(st.integers(0, 3000), min_size=1, max_size=6),
    loud=st.lists(st.tuples(st.integers(0, 9000), st.floats(-4, 4)), max_size=5),
)
def test_a_limiter_gives_as_much_as_it_got_whatever_the_blocks(
    blocks: list[int], loud: list[tuple[int, float]]
) -> None:
    samples = (0.5 * np.sin(np.arange(sum(blocks)) / 7)).astype(np.float32)
    for place, value in loud:
        samples[place : place + 50] = value
    limiter, given_ = Limiter(8000), []
    ends = np.cumsum(blocks)
    for end, size in zip(ends, blocks, strict=True):
        given_.append(limiter.write(samples[end - size : end]))
    limited = np.concatenate([*given_, limiter.finish()])
    assert len(limited) == len(samples)
    assert np.abs(limited).max(initial=0) <= 1
    at_once = Limiter(8000)
    assert_allclose(limited, np.concatenate([at_once.write(samples), at_once.finish()]), rtol=0, atol=1e-6)
    if np.abs(samples).max(initial=0) <= 1:
        assert np.array_equal(limited, samples)


def test_silence_is_still_refused_by_its_own_name() -> None:
    assert "in any of its channels" in str(AudioError("silent"))
