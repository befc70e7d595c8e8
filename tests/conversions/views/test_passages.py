"""Which passage voices are tried with: where somebody speaks, and by what the whole recording is measured."""

from __future__ import annotations

import io
import wave
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.db.models import F
from django.test import Client

from conversions.files import durable
from conversions.models import Recording
from conversions.upkeep import retention
from s2s.audio import decode
from tests.conversions.conftest import work_all
from tests.conversions.views.conftest import begin_audition
from tests.support.endpoint import Endpoint as Scripted
from tests.support.music import band
from voices.models import Endpoint, Voice, VoiceModel

pytestmark = pytest.mark.django_db(transaction=True)


def a_man() -> np.ndarray:
    """At 16 kHz."""
    with (Path(__file__).parents[2] / "data" / "speech" / "man_librivox.flac").open("rb") as file:
        return np.concatenate(list(decode(file, sample_rate_hz=16_000)))


def as_wav(*parts: np.ndarray) -> bytes:
    sink = io.BytesIO()
    with wave.open(sink, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(np.rint(np.clip(np.concatenate(parts), -1, 1) * 32767).astype("<i2").tobytes())
    return sink.getvalue()


def a_room(seconds: float) -> np.ndarray:
    """Its noise, at -60 dBFS."""
    return 0.001 * np.random.default_rng(3).standard_normal(round(seconds * 16_000))


@pytest.mark.parametrize("before", ["quiet", "music"])
def test_voices_are_tried_where_somebody_speaks(alice: Client, voices: list[Voice], before: str) -> None:
    lead = a_room(75) if before == "quiet" else band(75, 16_000)
    address = begin_audition(alice, voices[:1], as_wav(lead, a_man()))["Location"]
    kept = Recording.objects.get()
    assert kept.start_s == pytest.approx(74.8, abs=0.5)
    page = alice.get(address)
    assert f'value="{kept.start_s:.1f}"' in page.content.decode()
    assert "We found no speech" not in page.content.decode()
    with durable.open_file(kept.auditions.get().source) as passage, wave.open(passage) as file:
        heard = np.frombuffer(file.readframes(10 * 16_000), "<i2") / 32768
    assert len(heard) == 10 * 16_000
    assert 10 * np.log10(np.mean(heard[16_000:] ** 2)) > -35  # the man, not his room


def test_where_nobody_speaks_the_page_says_so_until_a_passage_is_chosen(alice: Client, voices: list[Voice]) -> None:
    address = begin_audition(alice, voices[:1], as_wav(a_room(3), band(12, 16_000)))["Location"]
    assert "We found no speech in this recording, so the passage begins" in alice.get(address).content.decode()
    alice.post(address, {"voice": voices[0].pk, "start": "1"})
    assert "We found no speech" not in alice.get(address).content.decode()
    alice.post(address, {"voice": voices[0].pk, "start": ""})
    assert "We found no speech" in alice.get(address).content.decode()


def test_a_start_of_more_than_five_minutes_is_not_searched_to_its_end(alice: Client, voices: list[Voice]) -> None:
    address = begin_audition(alice, voices[:1], as_wav(np.zeros(302 * 16_000), a_man()))["Location"]
    words = "We found no speech in the first 5 minutes of this recording"
    assert words in alice.get(address).content.decode()


def test_only_who_takes_it_is_sent_what_is_spoken_in_the_whole(
    alice: Client, voices: list[Voice], endpoint: Endpoint, scripted: Scripted
) -> None:
    model = VoiceModel.objects.create(endpoint=endpoint, model_id="here", name="Here", takes_source_speech=True)
    man = a_man()
    address = begin_audition(alice, voices[:2], as_wav(band(3, 16_000), man), start="12")["Location"]
    work_all()
    sent = [{part.name: part for part in request.parts} for request in scripted.requests if request.method == "POST"]
    assert [set(parts) & {"audio", "source_speech"} for parts in sent] == [{"audio", "source_speech"}] * 2
    assert len({parts["source_speech"].sha256 for parts in sent}) == 1
    with durable.open_file(durable.speech_key(Recording.objects.get().pk)) as file, wave.open(file) as speech:
        assert (speech.getframerate(), speech.getnframes()) == (24_000, 15 * 24_000)
    before = len(scripted.requests)
    VoiceModel.objects.filter(pk=model.pk).update(takes_source_speech=False)
    alice.post(address, {"voice": voices[0].pk, "start": "3"})
    alice.post(f"{address}convert/", {"voice": voices[0].pk})
    work_all()
    later = scripted.requests[before:]
    assert len(later) == 2
    assert not [part for request in later for part in request.parts if part.name == "source_speech"]


def test_what_is_spoken_goes_with_the_recording(alice: Client, voices: list[Voice]) -> None:
    begin_audition(alice, voices[:1], as_wav(a_man()))
    work_all()
    key = durable.speech_key(Recording.objects.get().pk)
    assert durable.exists(key)
    Recording.objects.update(source_since=F("source_since") - timedelta(hours=25))
    retention.forget_recordings()
    assert not durable.exists(key)


def test_the_whole_is_never_sent_it(alice: Client, voices: list[Voice], endpoint: Endpoint, scripted: Scripted) -> None:
    VoiceModel.objects.create(endpoint=endpoint, model_id="here", name="Here", takes_source_speech=True)
    address = begin_audition(alice, voices[:1], as_wav(a_man()))["Location"]
    work_all()
    before = len(scripted.requests)
    alice.post(f"{address}convert/", {"voice": voices[0].pk})
    work_all()
    assert [part.name for part in scripted.requests[before].parts if part.name == "source_speech"] == []
