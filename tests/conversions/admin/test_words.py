"""The admin site's lists and forms are for people: lengths, sizes, sums and moments in words, what matters first."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.contrib import admin as django_admin
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversions.models import Call, Conversion, Event, log
from teams.models import Membership, Team, User
from tests.conversions.conftest import Submit
from tests.support.cast import Cast
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db(transaction=True)
LISTS = ["conversions/conversion", "conversions/call", "teams/team", "teams/user", "voices/endpoint", "voices/voice"]
ODD = 7.987664399092971
RAW_FLOAT = re.compile(r"\d\.\d{4,}")
RAW_JSON = re.compile(r"[{\[]['\"]\w+['\"]: ")


def words_of(client: Client, address: str) -> str:
    """What people read on the page, without its markup."""
    response = client.get(address)
    assert response.status_code == 200, address
    page = response.content.decode()
    main = page[page.index('<main id="content-start"') :]
    fields = re.sub(r'<input[^>]* value="([^"]*)"', r"\1<i ", main.replace('type="hidden"', ""))
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", fields)).split())


def queries_of(client: Client, address: str) -> int:
    words_of(client, address)  # what is asked once for a process is asked now
    with CaptureQueriesContext(connection) as captured:
        words_of(client, address)
    return len(captured)


@pytest.fixture
def odd(ready: Conversion, voice: Voice, endpoint: Endpoint, cast: Cast) -> Conversion:
    """Rows of every kind, with figures as they come from decoders and endpoints."""
    Endpoint.objects.update(max_seconds=ODD, max_bytes=12_345_678, billed=True, credits_per_minute=1000)
    Voice.objects.update(settings={"stability": ODD, "use_speaker_boost": True}, labels={"accent": "british"})
    Call.objects.update(seconds=ODD, credits=ODD * 100, sent_at=datetime(2026, 11, 3, 9, 5, tzinfo=UTC))
    Conversion.objects.update(
        source_duration_s=ODD, output_duration_s=ODD, source_lufs=-ODD, output_lufs=-ODD, source_bytes=4_213_222,
        voice_settings={"stability": ODD / 10, "speed": 1.1}, voice_stored_settings={"stability": ODD / 10}, seed=7,
        created_at=datetime(2026, 11, 3, 9, 5, tzinfo=UTC),
    )  # fmt: skip
    log(ready, Event.Kind.DELAYED, words="Testers is busy.", delay_s=ODD, code="busy")
    Team.objects.filter(pk=cast.team.pk).update(monthly_minutes=3000)
    ready.refresh_from_db()
    return ready


def pages(odd: Conversion) -> list[str]:
    rows = {
        "conversions/conversion": odd, "teams/team": odd.team, "teams/user": odd.created_by,
        "voices/endpoint": odd.endpoint, "voices/voice": odd.voice,
    }  # fmt: skip
    forms = [f"/admin/{model}/{row.pk}/change/" for model, row in rows.items()]  # type: ignore[union-attr]
    histories = [f"/admin/{model}/{row.pk}/history/" for model, row in rows.items()]  # type: ignore[union-attr]
    return ["/admin/", *(f"/admin/{model}/" for model in LISTS), *forms, *histories]


def test_no_page_shows_figures_and_values_as_they_lie_in_the_database(admin: Client, odd: Conversion) -> None:
    assert {f"{model._meta.app_label}/{model._meta.model_name}" for model in django_admin.site._registry} == set(LISTS)
    for address in pages(odd):
        words = words_of(admin, address)
        assert not RAW_FLOAT.search(words), (address, RAW_FLOAT.search(words))
        assert not RAW_JSON.search(words), (address, RAW_JSON.search(words))
        assert " a.m." not in words
        assert not re.search(r"\bNone\b(?! is needed| available)", words), address


def test_a_conversion_is_told_in_words(admin: Client, odd: Conversion) -> None:
    assert "Ready 3 Nov 2026, 09:05 UTC 0:08 4.0 MB Nora Alice Harbour Radio" in words_of(
        admin, "/admin/conversions/conversion/"
    )
    words = words_of(admin, f"/admin/conversions/conversion/{odd.pk}/change/")
    for said in (
        "Length: 0:08",
        "Size: 4.0 MB",
        "Format: WAV, 16 kHz",
        "Options: Voice settings: Stability 80%, Speed 1.1×; Seed: 7",
        "Loudness: -8.0 LUFS → -8.0 LUFS",
        "Alice uploaded harbour news.wav for Nora",
        "Testers is busy. It is tried again by itself.",
        "Made: 3 Nov 2026, 09:05 UTC",
        "Cost: 799 credits",
    ):
        assert said in words
    order = [words.index(part) for part in ("State:", "Recording", "Voice and options", "Result", "Technical details")]
    assert order == sorted(order)
    assert words.index("Id:") > words.index("Technical details")


def test_moments_say_the_time_zone_of_the_site(admin: Client, odd: Conversion, settings) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    assert "3 Nov 2026, 10:05 CET" in words_of(admin, "/admin/conversions/conversion/")


def test_why_one_failed_stands_in_the_list(admin: Client, odd: Conversion) -> None:
    Conversion.objects.update(status="failed", error="The <b>endpoint</b> refused it.")
    page = admin.get("/admin/conversions/conversion/").content.decode()
    assert "The &lt;b&gt;endpoint&lt;/b&gt; refused it." in page


def test_what_can_be_done_with_one_can_be_done_on_its_page(admin: Client, odd: Conversion, submit: Submit) -> None:
    Conversion.objects.update(status="failed", error_code="status_400")
    waiting = submit()
    for row, name, asked in ((odd, "Retry", "retry"), (waiting, "Cancel", "cancel")):
        page = admin.get(f"/admin/conversions/conversion/{row.pk}/change/").content.decode()
        assert f'<button name="_selected_action" value="{row.pk}">{name}</button>' in page
        assert f'name="action" value="{asked}"' in page
    answer = admin.post("/admin/conversions/conversion/", {"action": "cancel", "_selected_action": str(waiting.pk)})
    assert "Cancel 1 recording?" in answer.content.decode()


def test_a_team_says_what_it_has_used(admin: Client, odd: Conversion) -> None:
    assert "Harbour Radio 3 3,000 no limit" in words_of(admin, "/admin/teams/team/")
    Call.objects.update(sent_at=datetime.now(UTC))
    words = words_of(admin, f"/admin/teams/team/{odd.team_id}/change/")
    assert "This month: 1 call, 8 seconds" in words
    assert "Credits this month: 799 credits" in words


def test_people_are_listed_with_their_teams(admin: Client, cast: Cast) -> None:
    assert "bob@example.com Bob Harbour Radio (Member)" in words_of(admin, "/admin/teams/user/")


def test_an_endpoint_and_its_voices_are_told_in_words(admin: Client, odd: Conversion, settings) -> None:
    Endpoint.objects.update(secret_name="ENDPOINT_KEY_TEST")
    words = words_of(admin, f"/admin/voices/endpoint/{odd.endpoint_id}/change/")
    assert "ENDPOINT_KEY_TEST is not set: set it there and start Timbre again." in words
    settings.ENDPOINT_SECRETS = {"ENDPOINT_KEY_TEST": "hidden"}
    words = words_of(admin, f"/admin/voices/endpoint/{odd.endpoint_id}/change/")
    assert "ENDPOINT_KEY_TEST is set." in words
    assert "hidden" not in words
    words = words_of(admin, f"/admin/voices/voice/{odd.voice_id}/change/")
    assert "Labels: accent: british" in words
    assert "stability: 7.99, use speaker boost: yes" in words
    Endpoint.objects.update(enabled=False)
    assert "no: its endpoint is switched off" in words_of(admin, "/admin/voices/voice/")
    assert "Switched off: its voices are not offered." in words_of(admin, "/admin/voices/endpoint/")


@pytest.mark.parametrize("model", LISTS)
def test_a_list_costs_the_same_queries_however_long_it_is(admin: Client, odd: Conversion, model: str) -> None:
    Call.objects.update(sent_at=Now())  # the ledger shows this month
    few = queries_of(admin, address := f"/admin/{model}/")
    for number in range(5):
        team = Team.objects.create(name=f"Team {number}")
        person = User.objects.create_user(f"p{number}@example.com", "password")
        Membership.objects.create(team=team, user=person)
        Membership.objects.create(team=odd.team, user=person)
        endpoint = Endpoint.objects.create(key=f"e{number}", name=f"E {number}", base_url="http://127.0.0.1:1")
        voice = Voice.objects.create(endpoint=endpoint, voice_id="v", name="V")
        Conversion.objects.create(
            team=team, created_by=person, title="More", source="x", voice=voice, voice_name="V", endpoint=endpoint,
            status="failed", error="No.",
        )  # fmt: skip
        Call.objects.create(endpoint=endpoint, team=team, user=person, attempt=1, token=uuid4(), seconds=1)
    assert queries_of(admin, address) == few


def test_a_conversions_page_costs_the_same_queries_however_much_happened(admin: Client, odd: Conversion) -> None:
    few = queries_of(admin, address := f"/admin/conversions/conversion/{odd.pk}/change/")
    for number in range(5):
        endpoint = Endpoint.objects.create(key=f"e{number}", name=f"E {number}", base_url="http://127.0.0.1:1")
        log(odd, Event.Kind.RETRIED, actor=User.objects.create_user(f"p{number}@example.com", "password"))
        Call.objects.create(
            conversion=odd, endpoint=endpoint, team=odd.team, attempt=1, token=uuid4(), seconds=1, outcome="refused"
        )
    assert queries_of(admin, address) == few
