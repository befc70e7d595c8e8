"""A file with several sound tracks says so on its page, and another one can be converted from there."""

from __future__ import annotations

import re

import numpy as np
import pytest
from django.core.files.storage import default_storage

from conversions.models import Conversion, Recording
from conversions.words.noticed import noticed_words, other_tracks, track_words
from s2s.audio import decode
from tests.conversions.conftest import Submit, client_of, work_all
from tests.s2s.audio.test_tracks import TONES_HZ, film, hz
from tests.support.cast import Cast
from voices.models import Voice

pytestmark = pytest.mark.django_db(transaction=True)
RATE = 48_000


def sent_hz(conversion: Conversion) -> float:
    with default_storage.open(conversion.sent) as file:
        return hz(np.concatenate(list(decode(file, sample_rate_hz=RATE))), RATE)


def test_another_track_is_chosen_on_the_page_and_reaches_the_endpoint(submit: Submit, cast: Cast, voice: Voice) -> None:
    first = submit(data=film((True, True)).getvalue())
    work_all()
    first.refresh_from_db()
    client = client_of(cast.alice)
    page = client.get(f"/conversions/{first.pk}/").content.decode()
    assert "This file has 2 sound tracks: 1 English (used), 2 German." in page
    assert re.findall(r"Convert track (\d)", page) == ["2"]
    assert sent_hz(first) == pytest.approx(TONES_HZ[0], abs=2)

    take = f"conversion:{first.pk}:1"
    assert f"/?take={take}" in page
    studio = client.get("/", {"take": take}).content.decode()
    assert f'name="take" value="{take}"' in studio
    assert "Track 2 German." in studio
    assert client.post("/", {"take": take, "voice": voice.pk}).status_code == 303
    work_all()
    second = Conversion.objects.exclude(pk=first.pk).get()
    assert (second.track, second.first_take, second.status) == (1, first.pk, Conversion.Status.READY)
    assert sent_hz(second) == pytest.approx(TONES_HZ[1], abs=2)
    page = client.get(f"/conversions/{second.pk}/").content.decode()
    assert "1 English, 2 German (used)." in page
    assert re.findall(r"Convert track (\d)", page) == ["1"]

    # What is made of that one is of the same track.
    assert client.post("/", {"take": f"conversion:{second.pk}", "voice": voice.pk}).status_code == 303
    assert Conversion.objects.filter(track=1).count() == 2


def test_voices_are_tried_with_the_track_that_was_chosen(submit: Submit, cast: Cast, voice: Voice) -> None:
    first = submit(data=film((True, True)).getvalue())
    work_all()
    take = {"take": f"conversion:{first.pk}:1", "voice": voice.pk}
    assert client_of(cast.alice).post("/", {**take, "do": "audition"}).status_code == 303
    recording = Recording.objects.get()
    assert recording.track == 1
    (tried,) = recording.auditions.all()
    with default_storage.open(tried.source) as file:
        assert hz(np.concatenate(list(decode(file, sample_rate_hz=RATE))), RATE) == pytest.approx(TONES_HZ[1], abs=2)
    work_all()
    assert client_of(cast.alice).post("/", {"take": f"recording:{recording.pk}", "voice": voice.pk}).status_code == 303
    assert Conversion.objects.filter(track=1, audition_of=None).count() == 1


@pytest.mark.parametrize("track", ["2", "-1", "x", "99999999999999999999", "1:1", ""])
def test_a_track_that_is_not_there_is_none(submit: Submit, cast: Cast, voice: Voice, track: str) -> None:
    first = submit(data=film((True, True)).getvalue())
    work_all()
    client, take = client_of(cast.alice), f"conversion:{first.pk}:{track}"
    answer = client.post("/", {"take": take, "voice": voice.pk})
    assert answer.status_code == (303 if not track else 422)
    assert client.get("/", {"take": take}).status_code == 200
    assert Conversion.objects.count() == (2 if not track else 1)


def test_who_may_not_convert_is_offered_no_track(submit: Submit, cast: Cast) -> None:
    first = submit(data=film((True, True)).getvalue())
    work_all()
    page = client_of(cast.victor).get(f"/conversions/{first.pk}/").content.decode()
    assert "2 sound tracks" in page
    assert "Convert track" not in page


def test_languages_are_named_as_people_name_them() -> None:
    tracks = [
        {"index": 0, "language": "fre"},
        {"index": 2, "language": "gsw", "title": "Zürich"},
        {"index": 3, "language": "qaa"},
        {"index": 4},
    ]
    assert noticed_words({"tracks": tracks, "track": 2}, 3.0) == [
        "This file has 4 sound tracks: 1 French, 3 Swiss German “Zürich” (used), 4 qaa, 5."
    ]
    assert [(track.index, track.number) for track in other_tracks({"tracks": tracks, "track": 2})] == [
        (0, 1),
        (3, 4),
        (4, 5),
    ]
    assert (track_words({"tracks": tracks}, 2), track_words({"tracks": tracks}, 1)) == (
        "Track 3 Swiss German “Zürich”",
        "",
    )
