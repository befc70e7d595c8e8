"""Limits hold for whoever asks: a page, many requests of one batch, or a program."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

import pytest
from django.test import Client

from conversions import actions
from conversions.access import sources
from conversions.actions import limits
from conversions.files import inventory
from conversions.models import Conversion, Recording
from conversions.queue.plan import too_long_words
from s2s.contract import ConvertParameters
from tests.conversions.conftest import client_of, upload
from tests.conversions.views.conftest import recording
from tests.support.cast import Cast
from tests.support.together import at_once, meet
from voices.models import Endpoint, Voice, VoiceModel

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_AT_ONCE", 3)


def kept() -> int:
    return len(list(inventory.stored_conversions()))


def send(client: Client, voice: Voice, batch: uuid.UUID, name: str) -> int:
    return client.post("/", {"audio": recording(name), "voice": voice.pk, "batch": str(batch)}).status_code


@pytest.mark.usefixtures("few")
def test_a_batch_is_full_also_where_each_of_its_recordings_comes_alone(cast: Cast, voice: Voice) -> None:
    client, batch = client_of(cast.alice), uuid.uuid4()
    assert [send(client, voice, batch, f"{number}.wav") for number in range(4)] == [303, 303, 303, 422]
    assert send(client, voice, batch, "again.wav") == 422
    assert (Conversion.objects.filter(batch=batch).count(), Conversion.objects.count(), kept()) == (3, 3, 3)
    assert send(client, voice, uuid.uuid4(), "another.wav") == 303


@pytest.mark.usefixtures("few")
def test_what_was_sent_alone_fills_a_batch_as_well(cast: Cast, voice: Voice) -> None:
    client, batch = client_of(cast.alice), str(uuid.uuid4())
    forms = [{"voice": voice.pk, "once": str(uuid.uuid4())} for _number in range(4)]
    for form in forms:
        assert client.post("/", {"audio": recording(), **form}).status_code == 303
    together = [client.post("/", {"audio": recording(), **form, "batch": batch}).status_code for form in forms]
    assert together == [303, 303, 303, 422]
    assert (Conversion.objects.filter(batch=batch).count(), Conversion.objects.count()) == (3, 4)


@pytest.mark.usefixtures("few")
def test_of_two_that_come_together_one_finds_the_batch_full(
    cast: Cast, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, batch = client_of(cast.alice), uuid.uuid4()
    for number in range(2):
        send(client, voice, batch, f"{number}.wav")
    meet(monkeypatch, Conversion, "save", before=True)  # they have counted
    come = [partial(send, client_of(cast.alice), voice, batch, name) for name in ("one.wav", "other.wav")]
    assert sorted(at_once(*come)) == [303, 422]
    assert Conversion.objects.filter(batch=batch).count() == 3


@pytest.mark.usefixtures("few")
def test_what_is_too_much_is_refused_before_anything_is_kept(cast: Cast, voice: Voice) -> None:
    files = [upload() for _number in range(4)]
    with pytest.raises(actions.RefusedError, match="more than 3"):
        actions.submit_all(cast.alice, cast.team, files, [voice], actions.Order(ConvertParameters()))
    for file in files:
        file.close()
    assert (Conversion.objects.count(), kept()) == (0, 0)


def test_a_program_is_told_everything_that_can_not_be_had(
    cast: Cast, voice: Voice, endpoint: Endpoint, settings: Any
) -> None:
    settings.MAX_UPLOAD_BYTES = 1000
    VoiceModel.objects.create(endpoint=endpoint, model_id="theirs", name="Theirs")
    Endpoint.objects.update(removes_noise=False, zero_retention=False)
    voice.refresh_from_db()
    wanted = ConvertParameters(model_id="ours", remove_background_noise=True, enable_logging=False)
    order, verbs = actions.Order(wanted), (actions.submit_all, actions.audition)
    for verb in verbs:
        with upload() as file, pytest.raises(actions.RefusedError) as refused:
            verb(cast.alice, cast.team, [file] if verb is actions.submit_all else file, [voice], order)  # type: ignore[operator]
        about = {name for name, _words in refused.value.problems}
        assert about == {"audio", "remove_background_noise", "model_id", "enable_logging"}
    assert (Conversion.objects.count(), Recording.objects.count(), kept()) == (0, 0, 0)


def test_what_is_here_already_and_would_be_too_many_pieces_is_not_taken(
    cast: Cast, voice: Voice, settings: Any
) -> None:
    settings.MAX_PIECES = 3
    Endpoint.objects.update(max_seconds=4.0)  # of which three cover 8.9 s
    voice.refresh_from_db()
    order = actions.Order(ConvertParameters())
    with pytest.raises(actions.RefusedError, match="takes at most 4 seconds at once: that would be more than 3 pieces"):
        actions.submit_all(cast.alice, cast.team, [sources.sample()], [voice], order)
    assert (Conversion.objects.count(), kept()) == (0, 0)
    Endpoint.objects.update(max_seconds=8.0)
    voice.refresh_from_db()
    assert actions.submit_all(cast.alice, cast.team, [sources.sample()], [voice], order).conversions


def test_pieces_are_counted_by_length_before_anything_is_read(endpoint: Endpoint, settings: Any) -> None:
    """Of ten seconds, half a second of which is overlap, and a part of which is room to look for a pause."""
    settings.MAX_PIECES, endpoint.max_seconds = 3, 10.0
    most_s = 3 * 0.85 * (10.0 - 0.52)
    assert too_long_words(endpoint, most_s - 0.01, 1000) == ""
    assert "more than 3 pieces" in too_long_words(endpoint, most_s + 0.01, 1000)


def test_voices_beyond_those_that_can_be_tried_are_refused_and_not_left_out(cast: Cast, endpoint: Endpoint) -> None:
    names = [f"v{number}" for number in range(actions.MOST_VOICES + 1)]
    voices = [Voice.objects.create(endpoint=endpoint, voice_id=name, name=name) for name in names]
    with upload() as file, pytest.raises(actions.RefusedError, match="At most 6 voices"):
        actions.audition(cast.alice, cast.team, file, voices, actions.Order(ConvertParameters()))
    with upload() as file:
        tried = actions.audition(cast.alice, cast.team, file, voices[:1], actions.Order(ConvertParameters()))
    with pytest.raises(actions.RefusedError, match="At most 6 voices"):
        actions.listen(tried, cast.alice, voices, None)
    assert Conversion.objects.count() == 1
