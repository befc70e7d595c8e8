"""A stereo recording with a person on each side: converted channel by channel, it comes back stereo and in step."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import numpy as np
import pytest

from conversions import actions
from conversions.files import durable
from conversions.ledger.sums import estimate
from conversions.ledger.usage import export_size, usage_of
from conversions.models import Call, Conversion, Export, Step
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep.worker import work
from s2s.audio import decode, examine, measure_loudness
from s2s.audio.limits import RawPcm
from tests.conversions.conftest import client_of, done
from tests.conversions.pieces import RATE, Samples, heard
from tests.conversions.steps.band import EDGE, VOICES, Band, speaks
from tests.support.films import H264, written_film
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)

One = actions.RegionOrder


@pytest.fixture(scope="session")
def interview(speech: Samples) -> Samples:
    """Twenty seconds, `(2, n)`: each speaks into the own microphone, and is faintly in the other one."""
    turns = (np.arange(20 * RATE) // (3 * RATE) % 2).astype(np.float32)
    said = speech[: 20 * RATE] * np.stack([1 - turns, turns])
    return np.asarray(said + 0.05 * said[::-1], np.float32)


@pytest.mark.one_database
def test_the_left_voice_is_left_and_the_right_one_right_to_the_sample(band: Band, interview: Samples) -> None:
    conversion = done(band.send(interview, One(0, channel=0, voice=band.marcus), One(0, channel=1, voice=band.atlas)))
    assert conversion.source_apart
    assert conversion.output_channels == 2
    for channel, name in enumerate(("marcus", "atlas")):
        result = heard(conversion, channel)
        assert len(result) == interview.shape[1]
        rest = result - interview[channel]
        assert speaks(rest) == name
        assert np.abs(rest).max() < 0.03
    with durable.open_file(conversion.output) as file:
        assert examine(file).channels == 2


def test_it_costs_what_both_channels_cost(band: Band, interview: Samples) -> None:
    conversion = band.send(interview, One(0, channel=0, voice=band.atlas), One(0, channel=1, voice=band.atlas))
    prepare = claim(Lane.CPU)
    assert prepare is not None
    work(prepare)
    conversion.refresh_from_db()
    assert estimate(conversion) == 400
    done(conversion)
    assert sum(call.seconds for call in Call.objects.all()) == pytest.approx(40.0)
    assert usage_of(band.cast.alice.memberships.get()).team_seconds == pytest.approx(40.0)


def test_regions_of_one_channel_leave_the_other_one_alone(band: Band, interview: Samples) -> None:
    marked = One(0, 5, channel=0), One(5, 12, channel=0, voice=band.marcus), One(12, channel=0), One(0, channel=1)
    conversion = done(band.send(interview, *marked))
    left, right = heard(conversion, 0), heard(conversion, 1)
    assert np.abs(right - interview[1]).max() < 1.01 / 32768
    assert np.abs(left - interview[0])[: 5 * RATE].max() < 1.01 / 32768
    assert np.abs(left - interview[0])[12 * RATE :].max() < 1.01 / 32768
    assert speaks((left - interview[0])[5 * RATE + EDGE : 12 * RATE - EDGE]) == "marcus"
    assert band.asked == ["marcus"]


@pytest.mark.one_database
def test_answers_that_come_late_are_in_step_again(band: Band, interview: Samples) -> None:
    late = {name: [replace(behaviour, tone_hz=0.0, late_s=0.08)] * 9 for name, behaviour in VOICES.items()}
    late["atlas"] = [replace(VOICES["atlas"], tone_hz=0.0, late_s=-0.03)] * 9
    band.scripted.script(voices=late)
    conversion = done(band.send(interview, One(0, channel=0, voice=band.marcus), One(0, channel=1, voice=band.atlas)))
    for channel in (0, 1):
        result = heard(conversion, channel)
        lag = np.argmax(np.correlate(result[RATE : 15 * RATE], interview[channel][2 * RATE : 14 * RATE])) - RATE
        assert abs(lag) <= 0.004 * RATE


@pytest.mark.one_database
def test_each_channel_is_cut_where_it_is_quiet_itself(band: Band) -> None:
    Endpoint.objects.filter(key="other").update(max_seconds=10.0)
    sound = np.random.default_rng(0).uniform(-1, 1, (2, 20 * RATE)).astype(np.float32) * np.float32([[0.02], [0.2]])
    sound[0, 6 * RATE : round(6.6 * RATE)] = 0
    sound[1, 7 * RATE : round(7.6 * RATE)] = 0
    conversion = done(band.send(sound, One(0, channel=0, voice=band.atlas), One(0, channel=1, voice=band.atlas)))
    pieces = list(conversion.steps.filter(kind=Step.Kind.CONVERT).order_by("position"))
    second = {piece.channel: piece.start_sample / RATE for piece in reversed(pieces) if piece.start_sample}
    assert 6 <= second[0] <= 6.6
    assert 7 <= second[1] <= 7.6


def test_the_other_channel_is_the_conversions_own_voices(band: Band, interview: Samples) -> None:
    conversion = done(band.send(interview, One(0, channel=1, voice=band.marcus)))
    assert speaks(heard(conversion, 0) - interview[0]) == "nora"
    assert speaks(heard(conversion, 1) - interview[1]) == "marcus"
    assert conversion.voice_name == "Nora and Marcus"


@pytest.mark.one_database
@pytest.mark.parametrize("output_format", ["mp3_44100_128", "opus_48000_64", "pcm_16000", "ulaw_8000"])
def test_every_format_has_both(output_format: str, band: Band, interview: Samples) -> None:
    marked = One(0, channel=0, voice=band.marcus), One(0, channel=1, voice=band.atlas)
    conversion = done(band.send(interview, *marked, output_format=output_format))
    raw = {"pcm_16000": RawPcm(16_000, 2), "ulaw_8000": RawPcm(8_000, 2, "ulaw")}.get(output_format)
    with durable.open_file(conversion.output) as file:
        for channel in (0, 1):
            found = np.concatenate(list(decode(file, sample_rate_hz=RATE, raw=raw, channel=channel)))
            assert len(found) == pytest.approx(interview.shape[1], abs=2)
            assert np.corrcoef(found[: 19 * RATE], interview[channel][: 19 * RATE])[0, 1] > 0.9
        assert conversion.output_lufs == pytest.approx(measure_loudness(file, raw=raw), abs=0.5)  # MP3 leaves some out


def test_another_format_of_it_has_both_too(band: Band, interview: Samples) -> None:
    marked = One(0, channel=0, voice=band.marcus), One(0, channel=1, voice=band.atlas)
    conversion = done(band.send(interview, *marked))
    made = actions.export(conversion, band.cast.alice, "pcm_8000")
    assert made is not None
    done(conversion)
    made.refresh_from_db()
    assert made.size == export_size(conversion, "pcm_8000") == 2 * 2 * 8000 * 20
    with durable.open_file(made.file) as file:
        content = io.BytesIO(file.read())
    for channel in (0, 1):
        found = np.concatenate(list(decode(content, sample_rate_hz=RATE, raw=RawPcm(8000, 2), channel=channel)))
        assert np.corrcoef(found, interview[channel])[0, 1] > 0.9


def test_a_channel_that_is_converted_once_more_leaves_the_other_one_alone(band: Band, interview: Samples) -> None:
    marked = One(0, channel=0, voice=band.marcus), One(0, channel=1, voice=band.atlas)
    conversion = done(band.send(interview, *marked))
    left = heard(conversion, 0)
    band.scripted.script(voices={"atlas": [VOICES["nora"]]})
    assert actions.redo(conversion, band.cast.alice, 2)
    done(conversion)
    assert sorted(band.asked) == ["atlas", "atlas", "marcus"]
    assert speaks(heard(conversion, 1) - interview[1]) == "nora"
    assert np.array_equal(heard(conversion, 0), left)


@pytest.mark.one_database
def test_a_film_has_both_in_step_with_its_pictures(band: Band) -> None:
    """The right channel is a quarter of a second behind the left one."""
    film = written_film(f"{H264} -c:a aac -af pan=stereo|c0=c0|c1=c0,adelay=0|250", "a.mp4")
    conversion = done(
        band.send(film, One(0, channel=0), One(0, channel=1, voice=band.marcus), output_format="wav_48000")
    )
    with durable.open_file(conversion.exports.get(output_format=Export.FILM).file) as file:
        made = io.BytesIO(file.read())
    assert examine(made).channels == 2
    for channel, name in enumerate(("", "marcus")):
        found = np.concatenate(list(decode(made, sample_rate_hz=RATE, channel=channel)))
        first = np.flatnonzero(np.abs(found) > 0.2)[0] / RATE
        assert first == pytest.approx(0.48 + 0.25 * channel, abs=0.005)
        assert speaks(found[RATE : round(1.4 * RATE)]).replace("nora", "").strip() == name


def test_without_regions_both_are_one_as_ever(band: Band, interview: Samples) -> None:
    conversion: Conversion = done(band.send(interview))
    assert conversion.output_channels == 1
    assert conversion.source_apart
    assert band.asked == ["nora"]


def test_its_page_says_of_each_piece_which_channel_it_is_and_who_speaks(band: Band, interview: Samples) -> None:
    """Else two pieces have the same place, and from the beginning the left channel would be heard, then the right."""
    conversion = band.send(interview, One(0, channel=0, voice=band.marcus), One(0, channel=1, voice=band.atlas))
    done(conversion)
    html = " ".join(client_of(band.cast.alice).get(f"/conversions/{conversion.pk}/").content.decode().split())
    assert "<bdi>left channel, Marcus</bdi>" in html
    assert "<bdi>right channel, Atlas</bdi>" in html
    assert len(set(re.findall(r'transform="translate\(0 (\d)\) scale', html))) == 2
    assert 'id="play-beginning"' not in html
