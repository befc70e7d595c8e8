"""A film whose sound is converted in pieces, by an endpoint that puts nothing back where it was: nobody sees it."""

from __future__ import annotations

import pytest

from conversions.files import durable
from conversions.models import Conversion, Export
from tests.conversions.conftest import Submit, done
from tests.conversions.pieces import SPEAKS
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.films import H264, flashes_s, onsets_s, packets, written_film
from voices.models import Endpoint

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]

LENGTH_S = 36
IN_SYNC_S = 0.005
ODD = [
    Behaviour(speaks=True, late_s=0.08, stretch=1.003, louder_db=-3.0 * (number % 2), tone_hz=151.0)
    for number in range(3)
]


@pytest.mark.parametrize(
    ("name", "sound", "ordered", "codec"),
    [
        ("a.mp4", "aac", "mp3_44100_128", "aac"),
        ("a.mov", "pcm_s16le", "wav_48000", "pcm_s16le"),
        ("a.mkv", "aac", "mp3_44100_128", "flac"),
    ],
)
def test_its_sound_is_in_time_with_its_pictures_in_every_piece(
    ten_seconds: Endpoint, submit: Submit, scripted: ScriptedEndpoint, name: str, sound: str, ordered: str, codec: str
) -> None:
    source = written_film(f"{H264} -c:a {sound}", name, length_s=LENGTH_S)
    scripted.script(*ODD, default=SPEAKS)
    conversion = done(submit(data=source, output_format=ordered))
    assert conversion.pieces >= 4
    film = the_film(conversion, codec)
    heard = onsets_s(film)
    assert len(heard) == LENGTH_S
    assert heard == pytest.approx(onsets_s(source), abs=IN_SYNC_S)
    assert heard == pytest.approx(flashes_s(film), abs=IN_SYNC_S)
    assert [data for data, _ in packets(film)] == [data for data, _ in packets(source)]


def the_film(conversion: Conversion, codec: str) -> bytes:
    export = conversion.exports.get(output_format=Export.FILM)
    assert export.facts["codec"] == codec
    with durable.open_file(export.file) as file:
        return file.read()
