"""Teams and endpoints in the admin site: what their delete pages say is what happens."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin as django_admin
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from conversions import actions
from conversions.files import inventory
from conversions.ledger import sums
from conversions.models import Conversion, Preset, Recording, Step
from s2s.contract import ConvertParameters
from teams.asking import AskingAdmin
from teams.lists import Lists
from teams.models import Membership, Team, User
from teams.quotas import month_start
from tests.conversions.conftest import Submit, upload
from tests.support.asked import ask, ask_to_delete, choose
from tests.support.cast import Cast
from voices.models import Endpoint, Favourite, Voice, VoiceModel

pytestmark = pytest.mark.django_db(transaction=True)


# ---- teams ----


@pytest.mark.parametrize("alone", [False, True])
def test_a_team_goes_with_all_that_it_made_and_its_people_and_ledger_stay(
    admin: Client, cast: Cast, ready: Conversion, submit: Submit, voice: Voice, alone: bool
) -> None:
    hidden, unfinished = submit(cast.bob, enable_logging=False), submit(cast.bob)
    Conversion.objects.filter(pk=hidden.pk).update(title="Her secret", status="cancelled")
    file = upload()
    tried = actions.audition(
        cast.bob, cast.team, file, [voice], actions.Order(ConvertParameters(output_format="wav_16000"))
    )
    file.close()
    Preset.objects.create(team=cast.team, created_by=cast.bob, name="Ours", shared=True)
    Membership.objects.create(team=cast.other_team, user=cast.victor)
    asked = (
        ask_to_delete(admin, "teams/team", cast.team)
        if alone
        else ask(admin, "teams/team", "delete_selected", cast.team)
    )
    assert "<h1>Delete the team Harbour Radio?</h1>" in asked.words
    assert "4 recordings with their results, also what only their people can see: " in asked.words
    assert "1 of them is not finished: its work is stopped." in asked.words
    assert "1 preset." in asked.words
    assert "3 people keep their sign-ins." in asked.words
    assert "2 of them are in no other team" in asked.words
    assert "1 call stays in the ledger, without the team’s name." in asked.words
    for name in ("Her secret", ready.title):
        assert name not in asked.words
    assert Conversion.objects.filter(team=cast.team).count() == 4
    assert "Deleted: Harbour Radio." in asked.confirm()
    assert not Team.objects.filter(name="Harbour Radio").exists()
    assert [model.objects.count() for model in (Conversion, Recording, Step, Preset)] == [0, 0, 0, 0]
    for row in (ready, hidden, unfinished, tried):
        assert not inventory.sizes(row.pk)
    assert User.objects.filter(pk__in=[cast.alice.pk, cast.bob.pk, cast.victor.pk]).count() == 3
    end = month_start().replace(year=month_start().year + 1)
    (line,) = sums.month(month_start(), end)
    assert (line.team, line.user, line.used.called) == ("(deleted)", "alice@example.com", 1)
    assert "(deleted)" in admin.get("/admin/conversions/call/").content.decode()


def test_a_team_of_another_is_untouched_by_that(admin: Client, cast: Cast, ready: Conversion) -> None:
    ask_to_delete(admin, "teams/team", cast.other_team).confirm()
    assert inventory.sizes(ready.pk)
    with pytest.raises(PermissionDenied):
        actions.disband(cast.team, cast.alice)
    assert list(Team.objects.all()) == [cast.team]


# ---- endpoints ----


@pytest.mark.parametrize("way", [ask_to_delete, lambda admin, model, row: ask(admin, model, "delete_selected", row)])
def test_an_endpoint_that_history_names_can_not_be_deleted_and_is_switched_off_instead(
    admin: Client, ready: Conversion, endpoint: Endpoint, way: Any
) -> None:
    asked = way(admin, "voices/endpoint", endpoint)
    assert "<h1>Testers can’t be deleted</h1>" in asked.words
    assert "Testers stays: 1 recording and 1 call of the ledger name it." in asked.words
    assert "no longer offered; what was sent before is still converted" in asked.words
    assert "1 endpoint is switched off." in asked.confirm()
    endpoint.refresh_from_db()
    assert not endpoint.enabled
    off = way(admin, "voices/endpoint", endpoint).words
    assert "It is switched off already: its voices are not offered." in off
    assert 'value="Switch it off"' not in off
    choose(admin, "voices/endpoint", "switch_on", endpoint)
    endpoint.refresh_from_db()
    assert endpoint.enabled


def test_what_the_ledger_alone_names_stays_too(
    admin: Client, ready: Conversion, endpoint: Endpoint, root: User
) -> None:
    actions.purge(ready, root)
    asked = ask_to_delete(admin, "voices/endpoint", endpoint)
    assert "Testers stays: 0 recordings and 1 call of the ledger name it." in asked.words
    assert not actions.unplug(endpoint, root)


def test_an_endpoint_that_nothing_was_sent_to_goes_with_its_voices(
    admin: Client, cast: Cast, endpoint: Endpoint, voice: Voice
) -> None:
    preview = default_storage.save("previews/nora.mp3", ContentFile(b"sound"))
    Voice.objects.filter(pk=voice.pk).update(preview=preview)
    VoiceModel.objects.create(endpoint=endpoint, model_id="m", name="M")
    Favourite.objects.create(user=cast.bob, voice=voice)
    asked = ask_to_delete(admin, "voices/endpoint", endpoint)
    for words in (
        "Delete Testers?",
        "1 voice.",
        "A person’s favourite among them.",
        "No recording was ever sent to it.",
    ):
        assert words in asked.words
    assert "made anew" not in asked.words
    assert "Deleted: Testers." in asked.confirm()
    assert [model.objects.count() for model in (Endpoint, Voice, VoiceModel, Favourite)] == [0, 0, 0, 0]
    assert not default_storage.exists(preview)


def test_what_is_sent_between_question_and_answer_keeps_the_endpoint(
    admin: Client, endpoint: Endpoint, submit: Submit
) -> None:
    asked = ask_to_delete(admin, "voices/endpoint", endpoint)
    conversion = submit()
    assert "Testers was kept: recordings or the ledger name it." in asked.confirm()
    assert Conversion.objects.get().endpoint == conversion.endpoint


def test_of_several_those_that_can_go_do_and_the_others_are_named(
    admin: Client, endpoint: Endpoint, ready: Conversion
) -> None:
    other = Endpoint.objects.create(key="elevenlabs", name="ElevenLabs", base_url="http://127.0.0.1:1")
    asked = ask(admin, "voices/endpoint", "delete_selected", endpoint, other)
    assert "Delete ElevenLabs?" in asked.words
    assert "Testers stays: 1 recording and 1 call of the ledger name it." in asked.words
    assert "ElevenLabs is made anew, with its first settings, when Timbre starts again" in asked.words
    asked.confirm()
    assert list(Endpoint.objects.all()) == [endpoint]


@pytest.mark.parametrize("way", [ask_to_delete, lambda admin, model, row: ask(admin, model, "delete_selected", row)])
def test_a_voice_is_hidden_instead_of_deleted(admin: Client, ready: Conversion, voice: Voice, way: Any) -> None:
    asked = way(admin, "voices/voice", voice)
    assert "<h1>Nora can’t be deleted</h1>" in asked.words
    assert "1 recording was converted with it." in asked.words
    assert "1 voice is hidden." in asked.confirm()
    voice.refresh_from_db()
    assert voice.hidden
    address = f"/admin/voices/voice/{voice.pk}/delete/"
    admin.post(address, {"confirmed": f"{voice.pk}="})
    assert Voice.objects.filter(pk=voice.pk).exists()


def test_every_model_that_can_be_deleted_here_says_what_goes(admin: Client, root: User, rf: Any) -> None:
    """Django's own page would name what only its creator may see, and say that all of it goes."""
    request = rf.get("/")
    request.user = root
    for site in django_admin.site._registry.values():
        if site.has_delete_permission(request):
            assert isinstance(site, AskingAdmin)


def test_a_list_that_does_not_say_what_deleting_means_can_not_be_registered() -> None:
    class Careless(Lists[Team]):
        def delete_row(self, row: Team, user: User) -> bool:
            return True

    with pytest.raises(TypeError, match="before_deleting"):
        AdminSite().register(Team, Careless)
