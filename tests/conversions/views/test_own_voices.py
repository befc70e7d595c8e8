"""The page of a team's own voices, and that no stranger ever sees, uses or hears one of them."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversions import actions
from conversions.models import Conversion, Enrolment
from conversions.upkeep import enrolling
from s2s.contract import ConvertParameters
from tests.conversions.conftest import client_of, done, upload, work_all
from tests.conversions.views.conftest import HUGE
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour, detail
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.sound import wav
from voices.models import Endpoint, Favourite, Voice

pytestmark = pytest.mark.django_db(transaction=True)

MAKE = "/?makes=voice"


def sent(of: Endpoint, **more: Any) -> dict[str, Any]:
    sample = SimpleUploadedFile("me.wav", wav(12), "audio/wav")
    given = {"title": "Bob's", "audio": sample, "endpoint": of.pk, "may_use": "on", "once": str(uuid.uuid4())}
    return {name: value for name, value in {**given, **more}.items() if value is not None}


@pytest.fixture
def own(cast: Cast, endpoint: Endpoint, voice: Voice) -> Enrolment:
    """Bob's voice, ready and with a preview."""
    assert client_of(cast.bob).post(MAKE, sent(endpoint)).status_code == 303
    enrolling.drain()
    enrolment = Enrolment.objects.select_related("voice").get()
    key = default_storage.save("previews/own", ContentFile(wav()))
    Voice.objects.filter(enrolment=enrolment).update(preview=key)
    return enrolment


def page_of(user: Any, address: str = "/voices/") -> str:
    return client_of(user).get(address).content.decode()


def test_a_member_gives_a_sample_and_the_voice_stands_in_the_studio(
    cast: Cast, endpoint: Endpoint, voice: Voice
) -> None:
    client = client_of(cast.bob)
    response = client.post(MAKE, sent(endpoint))
    assert (response.status_code, response["Location"]) == (303, "/voices/")
    page = client.get("/voices/").content.decode()
    assert "Being made" in page
    assert "Bob gave the recording and said that it may be used" in page
    poll = re.search(r'hx-get="([^"]+)"', page)
    assert poll is not None
    assert client.get(poll[1]).status_code == 204
    enrolling.drain()
    assert "Ready" in client.get(poll[1]).content.decode()
    made = Voice.objects.get(team=cast.team)
    page = client.get("/voices/").content.decode()
    assert f'href="/?voice={made.pk}"' in page
    assert "hx-get" not in page  # nothing is waited for any more
    studio = client.get(f"/?voice={made.pk}").content.decode()
    assert re.search(rf'value="{made.pk}"[^>]*checked', studio)


def test_an_earlier_recording_is_the_sample(cast: Cast, endpoint: Endpoint, submit: Any) -> None:
    conversion = done(submit(cast.bob, wav(12)))
    client = client_of(cast.bob)
    assert f'value="conversion:{conversion.pk}"' in client.get("/voices/").content.decode()
    assert client.post(MAKE, sent(endpoint, audio=None, take=f"conversion:{conversion.pk}")).status_code == 303
    enrolling.drain()
    assert Enrolment.objects.get().state == "ready"


def test_of_another_teams_recording_none_is_made(cast: Cast, endpoint: Endpoint, submit: Any) -> None:
    conversion = done(submit(cast.bob, wav(12)))
    response = client_of(cast.mallory).post(MAKE, sent(endpoint, audio=None, take=f"conversion:{conversion.pk}"))
    assert response.status_code == 422
    assert not Enrolment.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"may_use": None}, "Only your own voice can be made"),
        ({"audio": None}, "Choose a recording first."),
        ({"title": " "}, "It needs a name."),
        ({"title": "x" * 121}, "at most 120 fit"),
        *[({"endpoint": pk}, "makes no voices any more") for pk in ["4711", *HUGE]],
    ],
)
def test_what_is_missing_is_said_at_its_field(
    wrong: dict[str, Any], words: str, cast: Cast, endpoint: Endpoint
) -> None:
    response = client_of(cast.bob).post(MAKE, sent(endpoint, **wrong))
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not Enrolment.objects.exists()


def test_where_it_bills_the_slot_in_the_account_is_confirmed(cast: Cast, endpoint: Endpoint) -> None:
    Endpoint.objects.update(billed=True)
    client = client_of(cast.bob)
    assert "At Testers: it is made in the account there" in client.get("/voices/").content.decode()
    assert "Please confirm that too." in client.post(MAKE, sent(endpoint)).content.decode()
    assert client.post(MAKE, sent(endpoint, accepts_slot="on")).status_code == 303


def test_who_may_not_convert_is_refused_before_the_body_is_read(cast: Cast, endpoint: Endpoint, tmp_path: Any) -> None:
    page = page_of(cast.victor)
    assert 'id="new-voice"' not in page
    response = client_of(cast.victor).post(MAKE, sent(endpoint))
    assert response.status_code == 403
    assert not list((tmp_path / "uploads").iterdir())


def test_what_is_too_large_is_refused_by_its_headers(cast: Cast, endpoint: Endpoint, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 0
    sample = SimpleUploadedFile("me.wav", bytes(2 * 1024**2), "audio/wav")
    response = client_of(cast.bob).post(MAKE, sent(endpoint, audio=sample))
    assert response.status_code == 413
    assert "Your voices" in response.content.decode()


def test_it_needs_its_token(cast: Cast, endpoint: Endpoint) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.bob)
    assert client.post(MAKE, sent(endpoint)).status_code == 403
    assert not Enrolment.objects.exists()


def test_a_refusal_stands_at_the_voice(cast: Cast, endpoint: Endpoint, scripted: ScriptedEndpoint) -> None:
    scripted.script(adds=[Behaviour(status=400, body=detail("voice_sample_several_speakers", "Two."))])
    client_of(cast.bob).post(MAKE, sent(endpoint))
    enrolling.drain()
    page = page_of(cast.bob)
    assert "More than one person speaks in it." in page
    assert "Try again" not in page  # it would be refused again


def test_an_account_that_is_refused_can_be_tried_again(
    cast: Cast, endpoint: Endpoint, scripted: ScriptedEndpoint
) -> None:
    scripted.script(adds=[Behaviour(status=401, body=detail("invalid_api_key", "No."))])
    client = client_of(cast.bob)
    client.post(MAKE, sent(endpoint))
    enrolling.drain()
    assert "Try again" in client.get("/voices/").content.decode()
    enrolment = Enrolment.objects.get()
    assert client.post(f"/voices/{enrolment.pk}/retry/").status_code == 303
    enrolling.drain()
    enrolment.refresh_from_db()
    assert enrolment.state == "ready"


def test_renaming_and_deleting_are_for_who_made_it_and_for_admins(cast: Cast, own: Enrolment) -> None:
    for verb, given in (("rename", {"title": "Mine"}), ("delete", {})):
        address = f"/voices/{own.pk}/{verb}/"
        assert client_of(cast.victor).post(address, given).status_code == 403
        assert client_of(cast.mallory).post(address, given).status_code == 404
        assert client_of(cast.mallory).post(f"/voices/{uuid.uuid4()}/{verb}/", given).status_code == 404
    assert "Rename or delete" not in page_of(cast.victor)
    assert client_of(cast.bob).post(f"/voices/{own.pk}/rename/", {"title": "Bob at night"}).status_code == 303
    assert "Bob at night" in page_of(cast.victor)
    assert "Bob at night" in page_of(cast.bob, "/")
    client = client_of(cast.alice)
    assert client.post(f"/voices/{own.pk}/delete/").status_code == 303
    assert "was deleted" in client.get("/voices/").content.decode()
    enrolling.drain()
    assert "Bob at night" not in page_of(cast.bob, "/")


def test_what_is_deleted_stays_on_the_page_while_its_endpoint_is_away(
    cast: Cast, own: Enrolment, scripted: ScriptedEndpoint
) -> None:
    client_of(cast.bob).post(f"/voices/{own.pk}/delete/")
    with scripted.down():
        enrolling.drain()
    page = page_of(cast.bob)
    assert "Being deleted" in page
    assert "It is tried again by itself." in page


def test_a_voice_that_its_endpoint_has_lost_says_so(cast: Cast, own: Enrolment) -> None:
    Voice.objects.filter(enrolment=own).update(hidden=True, vanished=True)
    page = page_of(cast.bob)
    assert "Testers has it no more." in page
    assert "Use it" not in page


def test_one_that_an_admin_has_hidden_says_so(cast: Cast, own: Enrolment) -> None:
    Voice.objects.filter(enrolment=own).update(hidden=True)
    page = page_of(cast.bob)
    assert "An admin has hidden it: it is not offered." in page
    assert "Use it" not in page


def test_many_cost_no_more_queries_than_one(cast: Cast, own: Enrolment, endpoint: Endpoint) -> None:
    client = client_of(cast.bob)
    client.get("/voices/")
    with CaptureQueriesContext(connection) as of_one:
        client.get("/voices/")
    for number in range(5):
        voice = Voice.objects.create(endpoint=endpoint, voice_id=f"m{number}", name=f"M{number}", team=cast.team)
        Enrolment.objects.create(
            team=cast.team, created_by=cast.alice, name=voice.name, endpoint=endpoint, voice=voice, state="ready"
        )
    with CaptureQueriesContext(connection) as of_six:
        assert "M4" in client.get("/voices/").content.decode()
    assert len(of_six) == len(of_one)


# ---- strangers ----


def test_a_stranger_never_sees_it(cast: Cast, own: Enrolment, submit: Any) -> None:
    kept = actions.keep(
        cast.mallory, cast.other_team, ContentFile(wav(), name="x.wav"), actions.Order(ConvertParameters())
    )
    work_all()
    for address in ("/", "/voices/", "/history/", f"/conversions/{kept.pk}/parts/", "/presets/"):
        page = client_of(cast.mallory).get(address)
        assert page.status_code == 200
        assert "Bob" not in page.content.decode(), address
    mine = actions.keep(cast.bob, cast.team, ContentFile(wav(), name="x.wav"), actions.Order(ConvertParameters()))
    work_all()
    for address in ("/", "/voices/", f"/conversions/{mine.pk}/parts/"):
        assert "Bob&#x27;s" in page_of(cast.bob, address), address


def test_a_stranger_never_hears_it(cast: Cast, own: Enrolment) -> None:
    assert own.voice is not None
    address = f"/voices/{own.voice.pk}/preview/"
    assert client_of(cast.victor).get(address).status_code == 200
    assert client_of(cast.mallory).get(address).status_code == 404
    assert client_of(cast.mallory).get("/voices/4711/preview/").status_code == 404


def test_a_stranger_never_uses_it(cast: Cast, own: Enrolment, endpoint: Endpoint, voice: Voice) -> None:
    assert own.voice is not None
    chosen, mallory = own.voice.pk, client_of(cast.mallory)

    def recording() -> SimpleUploadedFile:
        return SimpleUploadedFile("news.wav", wav(12), "audio/wav")

    answers = [
        mallory.post("/", {"audio": recording(), "voice": pk, "do": do})
        for do in ("", "audition")
        for pk in (chosen, 4711)
    ]
    assert [answer.status_code for answer in answers] == [422] * 4
    assert all("This voice is no longer offered." in answer.content.decode() for answer in answers)
    assert "checked" not in re.findall(
        rf'<input[^>]*value="{chosen}"[^>]*>', mallory.get(f"/?voice={chosen}").content.decode()
    )
    kept = actions.keep(
        cast.mallory, cast.other_team, ContentFile(wav(12), name="x.wav"), actions.Order(ConvertParameters())
    )
    work_all()
    form = {"by": "parts", "rest": chosen, "once": str(uuid.uuid4())}
    assert mallory.post(f"/conversions/{kept.pk}/parts/", form).status_code == 422
    recorded = actions.audition(
        cast.mallory, cast.other_team, ContentFile(wav(12), name="x.wav"), [voice], actions.Order(ConvertParameters())
    )
    for verb in ("", "convert/"):
        answer = mallory.post(f"/auditions/{recorded.pk}/{verb}", {"voice": chosen, "once": str(uuid.uuid4())})
        assert answer.status_code == 422
    assert not Conversion.objects.filter(voice=own.voice).exists()


def test_a_stranger_makes_it_no_favourite(cast: Cast, own: Enrolment) -> None:
    assert own.voice is not None
    assert client_of(cast.mallory).post("/voices/favourite/", {"voice": own.voice.pk}).status_code == 404
    assert client_of(cast.bob).post("/voices/favourite/", {"voice": own.voice.pk}).status_code == 303
    assert Favourite.objects.get().user == cast.bob


def test_a_strangers_history_has_it_in_no_filter(cast: Cast, own: Enrolment) -> None:
    assert own.voice is not None
    file = upload()
    conversion = actions.submit(cast.bob, cast.team, file, own.voice, actions.Order(ConvertParameters()))
    file.close()
    assert f'value="{own.voice.pk}"' in page_of(cast.bob, "/history/")
    page = page_of(cast.mallory, f"/history/?voice={own.voice.pk}")
    assert str(conversion.pk) not in page
    assert f'value="{own.voice.pk}"' not in page


def test_a_strangers_poll_is_as_of_what_doesnt_exist(cast: Cast, own: Enrolment) -> None:
    mallory = client_of(cast.mallory)
    answers = [mallory.get(f"/voices/{pk}/") for pk in (own.pk, uuid.uuid4())]
    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b""), (200, b"")]


def test_someone_without_a_team_is_told(cast: Cast, own: Enrolment) -> None:
    cast.mallory.memberships.all().delete()
    page = page_of(cast.mallory)
    assert "You don’t belong to a team yet." in page
    assert "Bob" not in page


def test_the_admins_list_says_whose_it_is(cast: Cast, own: Enrolment, admin: Client) -> None:
    page = admin.get("/admin/voices/voice/").content.decode()
    assert "Harbour Radio" in page
