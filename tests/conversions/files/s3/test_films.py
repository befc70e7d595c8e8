"""A film whose recording and whose result lie in a bucket: made beside them, stored there, watched by signature."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from conversions import actions
from conversions.files import durable
from conversions.models import Export, Step
from tests.conversions.conftest import Submit, client_of
from tests.conversions.files.s3.conftest import both, in_database
from tests.conversions.steps.test_films import a_film, adopted_after_a_crash, done, stored, the_film
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.films import H264, flashes_s, onsets_s, packets, written_film
from tests.support.s3 import S3

pytestmark = pytest.mark.one_database
HEARS = Behaviour(decodes=True)


@in_database
@both
def test_a_film_comes_back_as_a_film_and_goes_without_a_trace(
    server: S3, submit: Submit, scripted: ScriptedEndpoint, cast: Cast, settings: Any
) -> None:
    """Of more than the five megabytes that a bucket takes at once, as films have."""
    others = set(server.stored_keys())
    scripted.script(default=HEARS)
    source = written_film(f"{H264} -vf noise=alls=100:allf=t,scale=640:480 -b:v 30M -c:a aac", "a.mp4")
    assert len(source) > 6 * 1024**2
    conversion = done(submit(data=source, output_format="wav_48000"))
    export = the_film(conversion)
    assert (export.step.status, export.error) == (Step.Status.DONE, "")
    assert packets(stored(export)) == packets(source)
    assert len(onsets_s(stored(export))) == 4
    assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []

    answer = client_of(cast.bob).get(f"/conversions/{conversion.pk}/exports/film/", {"play": "1"})
    address = answer["Location"]
    assert address.startswith(server.url)
    assert httpx.get(address).content == stored(export)
    part = httpx.get(address, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, stored(export)[100:200])

    actions.delete(conversion, cast.alice)
    actions.erase(conversion)
    assert set(server.stored_keys()) == others


@in_database
def test_what_a_crash_left_complete_is_adopted(
    submit: Submit, scripted: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.script(default=HEARS)
    export = adopted_after_a_crash(submit(data=a_film(), output_format="wav_48000"), monkeypatch)
    assert export.step.status == Step.Status.DONE
    assert export.facts == {"container": "mp4", "codec": "aac", "left_out": []}
    film = stored(export)
    assert onsets_s(film) == pytest.approx(flashes_s(film), abs=0.005)


@in_database
def test_one_whose_recording_is_gone_from_the_bucket_says_so(
    submit: Submit, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    scripted.script(default=HEARS)
    conversion = done(submit(data=a_film(), output_format="wav_48000"))
    actions.forget_export(the_film(conversion))
    durable.discard(conversion.source)
    actions.export(conversion, cast.alice, Export.FILM)
    assert the_film(done(conversion)).error == "The film or its new sound is gone from the server."
