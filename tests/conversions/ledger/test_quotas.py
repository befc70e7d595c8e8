"""Quotas: minutes a month of a team and a person, storage of a team; said in words, before the body is read."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversions import actions
from conversions.ledger.usage import kept_bytes, over_quota, usage_of
from conversions.models import Call, Conversion
from teams.models import Membership, Team, User
from tests.conversions.conftest import Submit, client_of, work_all, work_until_done
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.sound import wav
from voices.models import Voice

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


def test_what_an_endpoint_refuses_for_now_counts_while_it_waits(submit: Submit, cast: Cast, scripted) -> None:
    limit_team(cast, monthly_minutes=1)
    scripted.script(*[Behaviour(status=503)] * 4)
    conversions = []
    for _ in range(4):
        conversions.append(submit(data=wav(25.0, rate_hz=8000)))
        work_all()
    assert usage_of(member(cast.alice)).team_seconds == pytest.approx(50.0)
    work_until_done(*conversions)
    assert sorted(conversion.error_code for conversion in conversions) == ["", "", "quota", "quota"]


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


def test_retry_asks_for_the_minutes_again(submit: Submit, cast: Cast, scripted: ScriptedEndpoint) -> None:
    root = User.objects.create_superuser("root@example.com", "password", name="Ana Okafor")
    limit_team(cast, monthly_minutes=1)
    scripted.script(Behaviour(status=422), Behaviour(status=422))
    failed = []
    for number in range(2):
        failed.append(submit(data=wav(50.0 + number, rate_hz=8000)))
        work_all()
    ready = submit(data=wav(30.0, rate_hz=8000))
    work_all()
    ready.refresh_from_db()
    assert ready.status == "ready"

    words = "used 0 of its 1 minutes this month, and this recording has 1 more."
    alice = client_of(cast.alice)
    answer = alice.post(f"/conversions/{failed[0].pk}/retry/")
    assert words in alice.get(answer["Location"]).content.decode()
    action = {"action": "retry", "_selected_action": [str(conversion.pk) for conversion in failed]}
    page = client_of(root).post("/admin/conversions/conversion/", action, follow=True)
    assert page.content.decode().count(words) == 2
    assert [Conversion.objects.get(pk=conversion.pk).status for conversion in failed] == ["failed", "failed"]
    assert scripted.billed == 1

    limit_team(cast, monthly_minutes=2)
    assert actions.retry(failed[0], cast.alice)
    with pytest.raises(actions.OverQuotaError):
        actions.retry(failed[1], cast.alice)


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


@pytest.fixture
def kept(submit: Submit, cast: Cast) -> Conversion:
    """A long recording, the result of which has 2 MB."""
    conversion = submit(data=wav(5.0))
    work_all()
    Conversion.objects.update(source_bytes=2_000_000, output_bytes=2_000_000, output_duration_s=60.0)
    conversion.refresh_from_db()
    return conversion


def test_a_result_in_other_formats_has_to_fit(kept: Conversion, cast: Cast) -> None:
    client = client_of(cast.bob)
    address = f"/conversions/{kept.pk}/exports/"
    limit_team(cast, storage_megabytes=10)
    for output_format in ("pcm_32000", "mp3_44100_128", "pcm_32000"):  # 3.84 MB, 0.96 MB, and what is there already
        page = client.post(address, {"output_format": output_format})
        assert "does not fit" not in client.get(page["Location"]).content.decode()
    page = client.post(address, {"output_format": "mp3_44100_192"})  # 1.44 MB, while the others are not made yet
    assert "Your team keeps 8 of its 10 MB, and this does not fit." in client.get(page["Location"]).content.decode()
    assert kept.exports.count() == 2


def test_every_conversion_of_a_recording_has_to_have_room_for_it(kept: Conversion, cast: Cast, voice: Voice) -> None:
    more = [Voice.objects.create(endpoint=voice.endpoint, voice_id=f"v{n}", name=f"V{n}").pk for n in range(2)]
    client, take = client_of(cast.alice), f"conversion:{kept.pk}"
    limit_team(cast, storage_megabytes=5)
    for fields in ({"voice": voice.pk}, {"voice": voice.pk, "do": "audition"}):
        response = client.post("/", {"take": take, **fields})
        assert response.status_code == 403
        assert "does not fit" in response.content.decode()
    limit_team(cast, storage_megabytes=7)
    assert client.post("/", {"take": take, "voice": [voice.pk, *more]}).status_code == 403
    assert client.post("/", {"take": take, "voice": voice.pk}).status_code == 303
    assert Conversion.objects.count() == 2


def test_a_new_recording_counts_once_for_every_voice(cast: Cast, voice: Voice) -> None:
    more = [Voice.objects.create(endpoint=voice.endpoint, voice_id=f"v{n}", name=f"V{n}").pk for n in range(2)]
    limit_team(cast, storage_megabytes=1)
    sound = wav(10.0, rate_hz=22050)  # 0.44 MB
    for voices, status in (([voice.pk, *more], 403), ([voice.pk, more[0]], 303)):
        audio = SimpleUploadedFile("a.wav", sound)
        assert client_of(cast.alice).post("/", {"audio": audio, "voice": voices}).status_code == status
    assert Conversion.objects.count() == 2


def test_what_was_auditioned_has_to_fit_too(kept: Conversion, cast: Cast, voice: Voice) -> None:
    client = client_of(cast.alice)
    address = client.post("/", {"take": f"conversion:{kept.pk}", "voice": voice.pk, "do": "audition"})["Location"]
    limit_team(cast, storage_megabytes=7)
    response = client.post(f"{address}convert/", {"voice": voice.pk})
    assert response.status_code == 403
    assert "does not fit" in response.content.decode()
    limit_team(cast, storage_megabytes=9)
    assert client.post(f"{address}convert/", {"voice": voice.pk}).status_code == 303


def test_what_is_being_made_is_counted_without_its_waveforms(ready: Conversion, cast: Cast) -> None:
    """They are a hundred kilobytes each, and there may be a batch of them."""
    before = kept_bytes(cast.team)
    assert actions.export(ready, cast.alice, "pcm_16000")
    with CaptureQueriesContext(connection) as queries:
        assert kept_bytes(cast.team) > before
    assert not [query for query in queries if "_peaks" in query["sql"]]
