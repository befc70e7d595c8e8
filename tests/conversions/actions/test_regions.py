"""Regions as they are ordered: what is kept of them, and what is refused with a sentence before anything is kept."""

from __future__ import annotations

import math
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import ProtectedError

from conversions import actions
from conversions.access import sources
from conversions.files import inventory
from conversions.models import Conversion, Region
from s2s.contract import ConvertParameters, VoiceSettings
from teams.models import User
from tests.conversions.conftest import upload
from tests.support.cast import Cast
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db(transaction=True)

One = actions.RegionOrder


@pytest.fixture
def marcus(endpoint: Endpoint) -> Voice:
    return Voice.objects.create(endpoint=endpoint, voice_id="marcus", name="Marcus", settings={"stability": 0.4})


@pytest.fixture
def atlas(db: None) -> Voice:
    other = Endpoint.objects.create(key="other", name="Others", base_url="http://127.0.0.1:9", zero_retention=False)
    return Voice.objects.create(endpoint=other, voice_id="atlas", name="Atlas")


def send(cast: Cast, voice: Voice, *regions: One, take: Conversion | None = None, **wanted: Any) -> Conversion:
    order = actions.Order(ConvertParameters(**wanted), regions=regions, once=uuid4())
    if take is not None:
        return actions.submit_all(cast.alice, cast.team, [sources.of_conversion(take)], [voice], order).conversions[0]
    with upload() as file:
        return actions.submit_all(cast.alice, cast.team, [file], [voice], order).conversions[0]


def test_they_are_kept_as_they_were_ordered(cast: Cast, voice: Voice, marcus: Voice) -> None:
    regions = (One(0.1, 0.4, voice=marcus, speaker=" Ann\n\x00Lee "), One(0.4, 0.7), One(0.7, voice=voice))
    conversion = send(cast, voice, *regions)
    first, _second, _third = conversion.regions.all()
    assert (first.voice_name, first.voice_stored_settings, first.speaker) == ("Marcus", {"stability": 0.4}, "Ann Lee")
    assert conversion.in_regions
    assert conversion.voice_name == "Nora and Marcus"
    ordered = actions.regions_of(conversion)
    assert [(each.start_s, each.end_s, each.voice) for each in ordered] == [
        (0.1, 0.4, marcus),
        (0.4, 0.7, None),
        (0.7, None, voice),
    ]
    take = send(cast, voice, *ordered, take=conversion)
    assert actions.regions_of(take) == ordered


@pytest.mark.parametrize(
    ("regions", "names"),
    [
        ([(0, 0.5, None), (0.5, None, None)], "Marcus"),
        ([(0, 0.5, None), (0.6, None, None)], "Nora and Marcus"),
        ([(0, 0.5, None)], "Nora and Marcus"),
        ([(0, None, 0)], "Nora and Marcus"),
        ([(0, None, 0), (0, None, 1)], "Marcus"),
    ],
)
def test_who_speaks_nowhere_is_not_named(
    regions: list[tuple[float, float | None, int | None]], names: str, cast: Cast, voice: Voice, marcus: Voice
) -> None:
    ordered = [One(start_s, end_s, channel, marcus) for start_s, end_s, channel in regions]
    assert send(cast, voice, *ordered).voice_name == names


REFUSED = {
    "shorter than 0.2": [One(0, 0.1)],
    "ends before it begins": [One(0.5, 0.2)],
    "Regions 1 and 2 overlap": [One(0, 0.5), One(0.4, 0.8)],
    "Regions 1 and 3 overlap": [One(0.5, 0.9, channel=0), One(0, 0.5, channel=1), One(0, 0.3, channel=0)],
    "Regions 2 and 3 overlap": [One(0, 0.5), One(0.5), One(0.6, 0.9)],
    "begins and ends": [One(math.nan, 0.5)],
    "Region 1 begins and": [One(math.inf)],
    "region 1 begins and ends": [One(0, math.inf)],
    "tell where region 1 begins": [One(0, 1e308)],
    "can tell where region 1": [One(1e300)],
    "where region 1": [One(-1, 0.5)],
    "no recording has": [One(0, 0.5, channel=2)],
    "but not both": [One(0, 0.5), One(0.5, 0.8, channel=1)],
    "at most 1000": [One(number, number + 0.5) for number in range(1001)],
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_can_not_be_had_is_refused_with_a_sentence(words: str, cast: Cast, voice: Voice) -> None:
    with pytest.raises(actions.RefusedError, match=f"(?i){words}") as refused:
        send(cast, voice, *REFUSED[words])
    assert {about for about, _words in refused.value.problems} == {"regions"}
    assert (Conversion.objects.count(), len(list(inventory.stored_conversions()))) == (0, 0)


def test_regions_that_only_touch_are_taken(cast: Cast, voice: Voice) -> None:
    touching = (One(0, 0.3), One(0.3, 0.5), One(0.5))
    assert send(cast, voice, *touching).regions.count() == 3


def test_one_behind_the_end_is_refused_where_the_length_is_known(ready: Conversion, cast: Cast, voice: Voice) -> None:
    with pytest.raises(actions.RefusedError, match="has ended"):
        send(cast, voice, One(0.9), take=ready)


def test_a_voice_that_is_not_offered_any_more_is_refused(cast: Cast, voice: Voice, marcus: Voice) -> None:
    marcus.hidden = True
    marcus.save()
    with pytest.raises(actions.RefusedError, match="Marcus isn’t offered"):
        send(cast, voice, One(0, 0.5, voice=marcus))


def test_so_is_one_of_an_endpoint_that_is_switched_off(cast: Cast, voice: Voice, atlas: Voice) -> None:
    Endpoint.objects.filter(pk=atlas.endpoint_id).update(enabled=False)
    atlas.refresh_from_db()
    with pytest.raises(actions.RefusedError, match="Atlas isn’t offered"):
        send(cast, voice, One(0, 0.5, voice=atlas))


def test_zero_retention_is_promised_by_every_endpoint_or_refused(cast: Cast, voice: Voice, atlas: Voice) -> None:
    with pytest.raises(actions.RefusedError, match="Others can't promise"):
        send(cast, voice, One(0, 0.5, voice=atlas), enable_logging=False)
    order = actions.Order(ConvertParameters(enable_logging=False), regions=(One(0, 0.5, voice=atlas),))
    with upload() as file, pytest.raises(PermissionDenied):
        actions.submit(cast.alice, cast.team, file, voice, order)


def test_zero_retention_keeps_no_names(cast: Cast, voice: Voice) -> None:
    conversion = send(cast, voice, One(0, 0.5, voice=voice, speaker="Ann"), enable_logging=False)
    assert conversion.regions.get().speaker == ""


def test_another_speed_would_move_them(cast: Cast, voice: Voice) -> None:
    with pytest.raises(actions.RefusedError, match="speed to 1"):
        send(cast, voice, One(0, 0.5), voice_settings=VoiceSettings(speed=0.9))
    send(cast, voice, One(0, 0.5), voice_settings=VoiceSettings(speed=1.0))


def test_they_belong_to_one_recording(cast: Cast, voice: Voice) -> None:
    order = actions.Order(ConvertParameters(), regions=(One(0, 0.5),))
    with upload() as one, upload() as other, pytest.raises(actions.RefusedError, match="one recording"):
        actions.submit_all(cast.alice, cast.team, [one, other], [voice], order)


def test_the_same_recording_with_other_regions_is_another_request(cast: Cast, voice: Voice) -> None:
    page, made = uuid4(), set()
    for regions in ((One(0, 0.5),), (One(0, 0.6),), (One(0, 0.6),), ()):
        order = actions.Order(ConvertParameters(), regions=regions, once=page)
        with upload() as file:
            made.add(actions.submit_all(cast.alice, cast.team, [file], [voice], order).conversions[0].pk)
    assert len(made) == 3


def test_they_go_with_their_conversion(cast: Cast, voice: Voice, marcus: Voice) -> None:
    conversion = send(cast, voice, One(0, 0.5, voice=marcus))
    actions.delete(conversion, cast.alice)
    actions.erase(conversion)
    assert not Region.objects.exists()


def test_a_voice_that_only_speaks_in_a_region_keeps_its_endpoint(
    cast: Cast, voice: Voice, atlas: Voice, root: User
) -> None:
    send(cast, voice, One(0, 0.5, voice=atlas))
    assert actions.known_of([atlas.endpoint]).conversions == 1
    assert not actions.unplug(atlas.endpoint, root)
    with pytest.raises(ProtectedError):
        atlas.delete()
