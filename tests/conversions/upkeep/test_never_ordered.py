"""What was uploaded for its parts, and of which nobody has ordered anything, goes after a time that its page says."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db.models import F

from conversions import actions
from conversions.files import inventory
from conversions.models import Conversion, Event
from conversions.upkeep import housekeeping, retention
from s2s.contract import ConvertParameters
from tests.conversions.conftest import Submit, client_of, upload, work_all
from tests.support.cast import Cast
from tests.support.sound import phrase
from tests.support.together import at_once, meet
from voices.models import Voice

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def kept(cast: Cast, voice: Voice) -> Conversion:
    with closing(upload(phrase(30.0))) as file:
        conversion = actions.keep(cast.alice, cast.team, file, actions.Order(ConvertParameters()))
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == "unordered"
    return conversion


def age(days: float) -> None:
    Conversion.objects.update(created_at=F("created_at") - timedelta(days=days))


def wanted(kept: Conversion) -> actions.Order:
    return actions.Order(kept.parameters, regions=(actions.RegionOrder(0.0, 12.0, None, kept.voice),))


def test_it_is_erased_with_its_files_and_only_who_did_what_stays(kept: Conversion, submit: Submit) -> None:
    converted = submit()
    age(29.99)
    housekeeping.housekeep()
    assert Conversion.objects.filter(pk=kept.pk).exists()
    age(0.02)
    housekeeping.housekeep()
    assert list(Conversion.objects.all()) == [converted]
    assert inventory.sizes(kept.pk) == {}
    told = Event.objects.filter(about=kept.pk).order_by("pk")
    assert [event.kind for event in told] == ["submitted", "prepared", "erased"]
    assert all(event.data == {} for event in told)


def test_its_page_says_until_when(kept: Conversion, cast: Cast, settings: Any) -> None:
    address, client = f"/conversions/{kept.pk}/parts/", client_of(cast.alice)
    until = retention.unordered_until(kept)
    assert until == kept.created_at + timedelta(days=30)
    page = client.get(address).content.decode()
    assert "It is kept until" in page
    assert f'datetime="{until:%Y-%m-%dT%H:%M:%S}' in page
    settings.UNORDERED_DAYS = 3
    assert retention.unordered_until(kept) == kept.created_at + timedelta(days=3)
    settings.UNORDERED_DAYS = 0
    assert "It is kept until somebody deletes it." in client.get(address).content.decode()


def test_the_setting_says_when_and_zero_means_never(kept: Conversion, settings: Any) -> None:
    age(400)
    settings.UNORDERED_DAYS = 0
    assert retention.erase_unordered() == 0
    settings.UNORDERED_DAYS = 401
    assert retention.erase_unordered() == 0
    settings.UNORDERED_DAYS = 399
    assert retention.erase_unordered() == 1


def test_what_was_ordered_is_kept(kept: Conversion, cast: Cast) -> None:
    assert actions.order(kept, cast.alice, kept.voice, wanted(kept))
    age(400)
    assert retention.erase_unordered() == 0
    work_all()
    assert retention.erase_unordered() == 0
    kept.refresh_from_db()
    assert retention.unordered_until(kept) is None


def test_what_could_not_be_read_goes_too_and_its_page_says_when(cast: Cast, voice: Voice, submit: Submit) -> None:
    with closing(upload(b"no sound at all" * 100)) as file:
        unread = actions.keep(cast.alice, cast.team, file, actions.Order(ConvertParameters()))
    ordered = submit(data=b"no sound either" * 100)
    work_all()
    for conversion in (unread, ordered):
        conversion.refresh_from_db()
        assert conversion.status == "failed"
    assert retention.unordered_until(unread) == unread.created_at + timedelta(days=30)
    assert retention.unordered_until(ordered) is None
    pages = [client_of(cast.alice).get(f"/conversions/{each.pk}/").content for each in (unread, ordered)]
    assert [b"It is kept until" in page for page in pages] == [True, False]
    age(29.99)
    assert retention.erase_unordered() == 0
    age(0.02)
    assert retention.erase_unordered() == 1
    assert list(Conversion.objects.all()) == [ordered]


def test_what_is_read_once_more_is_left_alone(cast: Cast, voice: Voice) -> None:
    with closing(upload(b"no sound at all" * 100)) as file:
        unread = actions.keep(cast.alice, cast.team, file, actions.Order(ConvertParameters()))
    work_all()
    age(31)
    assert actions.retry(unread, cast.alice)
    assert retention.erase_unordered() == 0
    work_all()
    assert retention.erase_unordered() == 1


def test_who_brought_it_back_has_as_long_again(kept: Conversion, cast: Cast) -> None:
    age(29.99)
    actions.delete(kept, cast.alice)
    age(0.02)
    assert retention.erase_unordered() == 0  # it can be brought back
    assert actions.restore(kept, cast.alice)
    assert retention.erase_unordered() == 0
    kept.refresh_from_db()
    restored = Event.objects.get(kind=Event.Kind.RESTORED)
    assert retention.unordered_until(kept) == restored.at + timedelta(days=30)
    Event.objects.filter(pk=restored.pk).update(at=F("at") - timedelta(days=30, seconds=1))
    assert retention.erase_unordered() == 1


def test_ordered_in_the_same_moment_it_is_kept_or_the_order_says_no(
    kept: Conversion, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    age(31)
    meet(monkeypatch, retention.actions, "erase", before=True)
    order = partial(actions.order, kept, cast.alice, kept.voice, wanted(kept))

    def ordered() -> bool:
        return order()

    erased, done = at_once(retention.erase_unordered, ordered)
    assert Conversion.objects.filter(pk=kept.pk, status="waiting").exists() == bool(done)
    assert erased == 1 or done


def test_ordered_a_moment_too_late_it_is_said_to_be_gone(kept: Conversion, cast: Cast) -> None:
    actions.erase(kept)
    assert not actions.order(kept, cast.alice, kept.voice, wanted(kept))
