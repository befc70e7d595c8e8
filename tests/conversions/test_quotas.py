"""Quotas: minutes a month of a team and a person, storage of a team; said in words, before the body is read."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import F
from django.test import Client

from conversions import actions
from conversions.models import Call, Conversion
from conversions.usage import over_quota, usage_of
from teams.models import Membership, Team, User
from tests.conversions.conftest import Submit, work_all
from tests.support.cast import Cast
from tests.support.sound import wav

pytestmark = pytest.mark.django_db(transaction=True)


def member(user: User) -> Membership:
    return Membership.objects.select_related("team").get(user=user)


def limit_team(cast: Cast, **limits: int) -> None:
    Team.objects.filter(pk=cast.team.pk).update(**limits)


def test_usage_is_counted_from_the_ledger_and_survives_deletion(submit: Submit, cast: Cast) -> None:
    first, _second = submit(cast.alice, wav(2.0)), submit(cast.bob, wav(1.0))
    work_all()
    before = usage_of(member(cast.bob))
    assert (before.team_seconds, before.user_seconds) == (pytest.approx(3.0), pytest.approx(1.0))
    assert before.team_bytes == 2 * (len(wav(2.0)) + len(wav(1.0)))
    first.refresh_from_db()
    actions.delete(first, cast.alice)
    after = usage_of(member(cast.bob))
    assert after.team_seconds == pytest.approx(3.0)
    assert after.team_bytes == 2 * len(wav(1.0))


def test_what_was_never_sent_or_refused_does_not_count(submit: Submit, cast: Cast) -> None:
    submit()
    work_all()
    Call.objects.update(outcome=Call.Outcome.REFUSED)
    assert usage_of(member(cast.alice)).team_seconds == 0


def test_a_new_month_begins_at_nothing(submit: Submit, cast: Cast) -> None:
    submit()
    work_all()
    Call.objects.update(sent_at=F("sent_at") - timedelta(days=32))
    Conversion.objects.update(created_at=F("created_at") - timedelta(days=32))
    assert usage_of(member(cast.alice)).team_seconds == 0


def test_without_limits_nothing_is_counted(cast: Cast, django_assert_num_queries) -> None:
    alice = member(cast.alice)
    with django_assert_num_queries(0):
        assert over_quota(alice, seconds=1e9, size=10**15) is None


def test_a_recording_that_would_go_beyond_the_teams_minutes_is_never_sent(submit: Submit, cast: Cast, scripted) -> None:
    User.objects.create_superuser("root@example.com", "password", name="Ana Okafor")
    limit_team(cast, monthly_minutes=1)
    conversion = submit(data=wav(61.0, rate_hz=8000))
    work_all()
    conversion.refresh_from_db()
    assert (conversion.status, conversion.error_code) == ("failed", "quota")
    assert "used 0 of its 1 minutes this month, and this recording has 2 more." in conversion.error
    assert "Ana Okafor can change the limit." in conversion.error
    assert [request for request in scripted.requests if request.method == "POST"] == []

    limit_team(cast, monthly_minutes=2)
    assert actions.retry(conversion, cast.alice)
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == "ready"


def test_a_persons_limit_holds_for_them_alone(submit: Submit, cast: Cast) -> None:
    Membership.objects.filter(user=cast.bob).update(monthly_minutes=0)
    assert "You have used 0 of your 0 minutes" in (over_quota(member(cast.bob)) or "")
    assert over_quota(member(cast.alice)) is None


@pytest.mark.parametrize(
    ("limits", "words"), [({"monthly_minutes": 0}, "0 of its 0 minutes"), ({"storage_megabytes": 0}, "make room")]
)
def test_a_used_up_quota_is_said_before_the_body_is_read(cast: Cast, voice, settings, limits, words: str) -> None:
    limit_team(cast, **limits)
    client = Client()
    client.force_login(cast.bob)
    response = client.post("/", {"audio": SimpleUploadedFile("a.wav", wav()), "voice": voice.pk})
    assert response.status_code == 403
    assert words in response.content.decode()
    assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []
    assert not Conversion.objects.exists()
