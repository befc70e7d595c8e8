"""A recording that players can't search gets a copy that they can; it counts, it goes with it, nothing hangs on it."""

from __future__ import annotations

import errno
import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from django.core.files.storage import default_storage

from conversions import actions
from conversions.files import durable, inventory
from conversions.ledger.usage import usage_of
from conversions.models import Conversion, Event, Step
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.sound import reading
from conversions.steps import players
from conversions.upkeep.worker import work
from s2s.audio import AudioError, Examination, Noticed, decode, examine
from teams.models import Membership
from tests.conversions.conftest import Submit, client_of, work_until_done
from tests.support.cast import Cast
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)


def body(conversion: Conversion, cast: Cast, query: str = "") -> bytes:
    answer = client_of(cast.alice).get(f"/conversions/{conversion.pk}/source/{query}")
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)  # type: ignore[attr-defined]


def seconds(content: bytes) -> float | None:
    with av.open(io.BytesIO(content)) as container:
        return None if container.duration is None else container.duration / av.time_base


def test_players_get_the_copy_and_everybody_else_the_recording(submit: Submit, cast: Cast, live: bytes) -> None:
    conversion = submit(data=live)
    work_until_done(conversion)
    assert conversion.status == Conversion.Status.READY
    assert body(conversion, cast) == live
    played = body(conversion, cast, "?play=1")
    assert seconds(live) is None
    assert seconds(played) == pytest.approx(4, abs=0.05)
    assert len(played) == conversion.player_bytes


def test_what_players_can_search_has_none(ready: Conversion, cast: Cast) -> None:
    assert (ready.player, ready.player_bytes) == ("", 0)
    assert body(ready, cast, "?play=1") == body(ready, cast)


def test_the_copy_counts_to_the_storage_and_goes_with_its_conversion(submit: Submit, cast: Cast, live: bytes) -> None:
    conversion = submit(data=live)
    work_until_done(conversion)
    used = usage_of(Membership.objects.get(user=cast.alice)).team_bytes
    assert used == conversion.source_bytes + conversion.output_bytes + conversion.player_bytes
    actions.erase(conversion)
    assert not default_storage.exists(conversion.player)


@pytest.fixture
def noticed(monkeypatch: pytest.MonkeyPatch) -> Noticed:
    """Of every recording."""
    found = Noticed(lead_s=1.5)

    def examined(*given: Any, **options: Any) -> Examination:
        return replace(examine(*given, **options), noticed=found)

    monkeypatch.setattr(reading, "examine", examined)
    monkeypatch.setattr(reading, "examine_plain", examined)
    return found


def decoded(content: bytes, sample_rate_hz: int = 48_000) -> np.ndarray:
    return np.concatenate(list(decode(io.BytesIO(content), sample_rate_hz=sample_rate_hz)))


def test_what_was_understood_stands_for_a_recording_of_its_own_kind(
    submit: Submit, cast: Cast, live: bytes, scripted: ScriptedEndpoint, noticed: Noticed
) -> None:
    conversion = submit(data=live)
    work_until_done(conversion)
    assert conversion.status == Conversion.Status.READY
    assert conversion.source_noticed == noticed.as_json()
    assert body(conversion, cast) == live
    played = client_of(cast.alice).get(f"/conversions/{conversion.pk}/source/?play=1")
    assert played["Content-Type"] == "audio/flac"
    sent = default_storage.open(conversion.output).read()  # the endpoint gives back what it got
    assert sent == b"".join(played.streaming_content)  # type: ignore[attr-defined]
    assert np.abs(decoded(sent) - np.clip(decoded(live), -1, 1)).max() <= 1 / 32768
    (request,) = (request for request in scripted.requests if request.method == "POST")
    assert request.audio is not None
    assert request.audio.filename == "recording.flac"


def test_an_endpoint_is_asked_for_what_it_would_get(
    submit: Submit, live: bytes, endpoint: Endpoint, noticed: Noticed
) -> None:
    Endpoint.objects.update(max_bytes=2 * len(live))
    conversion = submit(data=live)
    work_until_done(conversion)
    assert (conversion.status, conversion.error_code) == (Conversion.Status.FAILED, "too_long_for_endpoint")
    assert conversion.player == ""
    stored = inventory.contents([conversion.pk])[conversion.pk]
    assert inventory.left_over(stored, [conversion.source], timedelta(0)) == []


@pytest.mark.usefixtures("noticed")
def test_without_the_copy_that_stands_for_it_nothing_is_sent(
    submit: Submit, live: bytes, scripted: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_given: object, **_options: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("s2s.audio.encode", full)
    conversion = submit(data=live)
    found = claim(Lane.CPU)
    assert found is not None
    work(found)
    conversion.refresh_from_db()
    assert not conversion.finished
    assert conversion.events.filter(kind=Event.Kind.DELAYED).exists()
    assert scripted.requests == []


def test_housekeeping_takes_what_nobody_names_and_leaves_the_copy(submit: Submit, live: bytes) -> None:
    conversion = submit(data=live)
    work_until_done(conversion)
    stored = inventory.contents([conversion.pk])[conversion.pk]
    wanted = [conversion.source, conversion.output, conversion.player]
    assert inventory.left_over(stored, wanted, timedelta(0)) == []
    assert inventory.left_over(stored, wanted[:2], timedelta(0)) == [durable.name_of(conversion.player)]


def test_nothing_is_left_of_a_copy_whose_recording_went_meanwhile(
    submit: Submit, live: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversion = submit(data=live)
    made = players.make_copy

    def erased_meanwhile(*given: object) -> players.Copy:
        copy = made(*given)  # type: ignore[arg-type]
        actions.erase(conversion)
        return copy

    monkeypatch.setattr(players, "make_copy", erased_meanwhile)
    found = claim(Lane.CPU)
    assert found is not None
    work(found)
    assert not Path(default_storage.path(f"conversions/{conversion.pk}")).exists() or not inventory.sizes(conversion.pk)
    assert not Step.objects.exists()


@pytest.mark.parametrize("error", [AudioError("not_audio"), OSError(28, "No space left on device")])
def test_a_copy_that_can_not_be_made_keeps_nothing_back(
    submit: Submit, cast: Cast, live: bytes, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_given: object, **_options: object) -> int:
        raise error

    monkeypatch.setattr(players, "searchable", fails)
    conversion = submit(data=live)
    work_until_done(conversion)
    assert conversion.status == Conversion.Status.READY
    assert body(conversion, cast, "?play=1") == live
