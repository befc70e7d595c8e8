"""Files over HTTP: ranges, names, and headers that keep a hostile upload harmless."""

from __future__ import annotations

import pytest
from django.test import Client

from conversions.models import Conversion, Recording
from conversions.pages.progress import progress_of, with_progress, with_told
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep.worker import work
from tests.conversions.conftest import Submit, client_of, work_all
from tests.support.cast import Cast
from tests.support.sound import wav

pytestmark = pytest.mark.django_db(transaction=True)
DATA = wav(1.0)


@pytest.fixture
def ready(submit: Submit) -> Conversion:
    conversion = submit(data=DATA)
    work_all()
    conversion.refresh_from_db()
    return conversion


@pytest.fixture
def client(cast: Cast) -> Client:
    return client_of(cast.bob)


def mark_of(conversion: Conversion) -> str:
    return progress_of(with_told(with_progress(Conversion.objects.all())).get(pk=conversion.pk)).mark


def body(response) -> bytes:
    return b"".join(response.streaming_content)


def test_the_whole_file_is_saved_under_a_name_that_says_what_it_is(client: Client, ready: Conversion) -> None:
    response = client.get(f"/conversions/{ready.pk}/download/")
    assert response.status_code == 200
    assert response["Content-Type"] == "audio/wav"
    assert response["Accept-Ranges"] == "bytes"
    assert "attachment" in response["Content-Disposition"]
    assert "filename*=utf-8''harbour%20news%20%E2%80%93%20Nora.wav" in response["Content-Disposition"]
    assert body(response) == DATA


def test_a_range_is_answered_so_that_players_can_seek(client: Client, ready: Conversion) -> None:
    response = client.get(f"/conversions/{ready.pk}/download/?play=1", headers={"Range": "bytes=100-199"})
    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes 100-199/{len(DATA)}"
    assert response["Content-Length"] == "100"
    assert "Content-Disposition" not in response
    assert body(response) == DATA[100:200]


def test_a_range_behind_the_end_is_416(client: Client, ready: Conversion) -> None:
    response = client.get(f"/conversions/{ready.pk}/download/", headers={"Range": f"bytes={len(DATA)}-"})
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{len(DATA)}"


def test_head_has_the_length_and_no_body(client: Client, ready: Conversion) -> None:
    response = client.head(f"/conversions/{ready.pk}/source/")
    assert response["Content-Length"] == str(len(DATA))


def test_an_upload_can_never_act_as_a_page_of_ours(client: Client, ready: Conversion) -> None:
    Conversion.objects.filter(pk=ready.pk).update(source_container="html", source_name='a".html')
    response = client.get(f"/conversions/{ready.pk}/source/?play=1")
    assert response["Content-Type"] == "application/octet-stream"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"].startswith("sandbox")


def test_an_unfinished_conversion_has_nothing_to_download(client: Client, submit: Submit) -> None:
    conversion = submit()
    assert client.get(f"/conversions/{conversion.pk}/download/").status_code == 404


def test_polling_says_204_until_something_changed(client: Client, submit: Submit) -> None:
    conversion = submit()
    address = f"/conversions/{conversion.pk}/status/"
    mark = mark_of(conversion)
    assert client.get(address, {"seen": mark}).status_code == 204
    work_all()
    changed = client.get(address, {"seen": mark})
    assert changed.status_code == 200
    assert changed["HX-Refresh"] == "true"
    assert "Ready" in changed.content.decode()


def test_a_poll_costs_two_queries_in_every_state_and_a_third_where_something_happened(
    client: Client, submit: Submit, endpoint, django_assert_num_queries
) -> None:
    conversion = submit()
    address = f"/conversions/{conversion.pk}/status/"
    for state in ("waiting", "converting", "ready"):
        conversion.refresh_from_db()
        assert conversion.status == state
        client.get(address)  # the endpoint's pace is learnt once a minute, not with every poll
        with django_assert_num_queries(2):  # the session with its user; the conversion with its progress
            assert client.get(address, {"seen": "something else|"}).status_code == 200
        with django_assert_num_queries(3 if state != "ready" else 2):  # and a timeline that says more
            assert client.get(address, {"seen": "something else|0"}).status_code == 200
        if state == "waiting":
            work(claim(Lane.CPU))
        else:
            work_all()


@pytest.mark.parametrize("kept", [True, False])
def test_of_zero_retention_no_browser_and_no_proxy_keeps_a_copy(
    alice: Client, submit: Submit, settings, kept: bool
) -> None:
    conversion = submit(enable_logging=kept)
    work_all()
    recording = Recording.objects.create(
        team=conversion.team,
        created_by=conversion.created_by,
        name="harbour.wav",
        file=conversion.source,
        size=1,
        given={"enable_logging": kept},
    )
    of_it = f"/conversions/{conversion.pk}/"
    pages = [f"{of_it}{page}" for page in ("download/", "download/?play=1", "source/", "source/?play=1")]
    pages += [f"{of_it}peaks/source/", f"{of_it}peaks/", f"/auditions/{recording.pk}/source/"]
    for proxied in (False, True):
        settings.X_ACCEL = proxied
        for page in pages:
            response = alice.get(page)
            assert response.status_code == 200
            assert response["Cache-Control"] == ("private, max-age=3600" if kept else "no-store"), page
            assert kept or "X-Accel-Redirect" not in response
