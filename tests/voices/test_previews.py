"""Previews of voices: our own copies, of sound alone, and from nowhere in our network but the endpoint itself."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from teams.models import User
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.sound import lengthless, wav
from tests.voices.conftest import keep_sound
from voices import catalogue, previews
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db(transaction=True)

PUBLIC = "93.184.216.34"


@pytest.fixture
def stranger() -> Iterator[ScriptedEndpoint]:
    """Somebody else's server in our network."""
    with ScriptedEndpoint() as server:
        yield server


@pytest.fixture
def fetched(endpoint: Endpoint) -> Callable[[str], bytes | None]:
    """What is kept of the preview at this address."""

    def fetched(address: str) -> bytes | None:
        voice = Voice.objects.create(endpoint=endpoint, voice_id="nora", name="Nora", preview_url=address)
        previews.fetch(voice)
        voice.refresh_from_db()
        if not voice.preview:
            return None
        with default_storage.open(voice.preview) as file:
            return file.read()

    return fetched


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes a name say these addresses: those of one tuple each time that it is asked."""
    real = socket.getaddrinfo

    def names(name: str, *answers: tuple[str, ...]) -> None:
        said = iter(answers)

        def getaddrinfo(host: str, port: object, *details: Any, **more: Any) -> list[Any]:
            places = next(said) if host == name else (host,)
            return [found for place in places for found in real(place, port, *details, **more)]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return names


@pytest.mark.parametrize("sound", [wav(0.2), lengthless(wav(0.2))])
def test_a_preview_of_the_endpoint_itself_is_copied(fetched, scripted, sound: bytes) -> None:
    assert fetched(keep_sound(scripted, sound)) == sound


def test_a_sync_copies_them_and_people_hear_our_copy(endpoint: Endpoint, scripted: ScriptedEndpoint) -> None:
    scripted.ledger.voices[0]["preview_url"] = keep_sound(scripted)
    scripted.ledger.voices[1]["preview_url"] = f"{scripted.url}/nowhere"
    assert catalogue.sync(endpoint)
    good, bad = endpoint.voices.all()
    assert bad.preview == ""
    client = Client()
    client.force_login(User.objects.create_user("vera@example.com", "password", name="Vera"))
    assert b"".join(client.get(f"/voices/{good.pk}/preview/")) == wav(0.2)
    assert client.get(f"/voices/{bad.pk}/preview/").status_code == 404


@pytest.mark.parametrize("content", [b'{"secret": "of a metadata server"}', b"<html>Router</html>", b""])
def test_what_is_no_sound_is_not_kept(fetched, scripted, content: bytes) -> None:
    assert fetched(keep_sound(scripted, content)) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0", "2130706433"])
def test_nothing_else_in_our_network_is_asked(fetched, stranger: ScriptedEndpoint, host: str) -> None:
    address = keep_sound(stranger).replace("127.0.0.1", host)
    assert fetched(address) is None
    assert stranger.requests == []


@pytest.mark.parametrize(
    "place",
    ["10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "fd00::1", "fe80::1", "2002:7f00:1::", "224.0.0.1"],
)
def test_these_are_not_public(place: str) -> None:
    with pytest.raises(previews.NotKept):
        previews._refuse_unless_public(place)


@pytest.mark.parametrize("place", [PUBLIC, "142.250.185.123", "2a00:1450:4001:830::201b", f"::ffff:{PUBLIC}"])
def test_these_are_public(place: str) -> None:
    previews._refuse_unless_public(place)


def test_a_name_that_says_something_else_the_second_time_is_not_followed(fetched, stranger, names) -> None:
    names("rebound.example", (PUBLIC,), ("127.0.0.1",))
    assert fetched(keep_sound(stranger).replace("127.0.0.1", "rebound.example")) is None
    assert stranger.requests == []


def test_a_public_preview_is_fetched_also_through_the_proxy_of_the_environment(
    fetched, stranger, names, monkeypatch
) -> None:
    address = keep_sound(stranger).replace(stranger.url, "http://previews.example")
    names("previews.example", (PUBLIC,))
    monkeypatch.setenv("HTTP_PROXY", stranger.url)
    assert fetched(address) == wav(0.2)


def test_a_name_is_public_only_with_all_that_it_says(fetched, stranger, names, monkeypatch) -> None:
    names("both.example", (PUBLIC, "10.0.0.1"))
    monkeypatch.setenv("HTTP_PROXY", stranger.url)
    assert fetched(keep_sound(stranger).replace(stranger.url, "http://both.example")) is None
    assert stranger.requests == []


def test_a_private_address_is_not_asked_for_through_a_proxy_either(fetched, stranger, monkeypatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", stranger.url)
    assert fetched("http://10.0.0.1/preview") is None
    assert stranger.requests == []


def test_no_redirect_is_followed(fetched, scripted, stranger) -> None:
    away = Behaviour(status=302, headers={"location": keep_sound(stranger)})
    scripted.script(gets=[away])
    assert fetched(keep_sound(scripted)) is None
    assert stranger.requests == []


@pytest.mark.parametrize(
    "slow", [Behaviour(trickle_s=0.1), Behaviour(framing="close", fault="hang_body")], ids=["drips", "stops"]
)
def test_one_that_does_not_end_is_given_up(fetched, scripted, monkeypatch, slow: Behaviour) -> None:
    monkeypatch.setattr(previews, "DEADLINE_S", 0.5)
    scripted.script(gets=[slow])
    assert fetched(keep_sound(scripted)) is None


def test_one_that_is_too_large_is_not_kept(fetched, scripted, monkeypatch) -> None:
    monkeypatch.setattr(previews, "MAX_BYTES", 1000)
    assert fetched(keep_sound(scripted)) is None


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "ftp://127.0.0.1/", "nora.mp3", "http://", "http://h:x/", ""]
)
def test_what_is_no_address_of_the_web_is_left_alone(fetched, address: str) -> None:
    assert fetched(address) is None


# ---- one that changes ----


def copies(voice: Voice) -> list[str]:
    return [name for name in default_storage.listdir("previews")[1] if name.partition("-")[0] == str(voice.pk)]


@pytest.fixture
def synced(endpoint: Endpoint, scripted: ScriptedEndpoint) -> Callable[[str], tuple[Voice, list[str]]]:
    """A voice and the copies that are kept of its preview, after a sync that lists this address."""

    def synced(address: str) -> tuple[Voice, list[str]]:
        scripted.ledger.voices[0]["preview_url"] = address
        catalogue.sync(endpoint)
        voice = endpoint.voices.get(position=0)
        return voice, copies(voice)

    return synced


def test_one_with_another_address_is_fetched_anew_and_the_old_copy_goes(synced, scripted) -> None:
    before, _ = synced(keep_sound(scripted))
    other = wav(0.3)
    voice, kept = synced(keep_sound(scripted, other, "other"))
    assert voice.preview != before.preview
    assert kept == [voice.preview.removeprefix("previews/")]
    with default_storage.open(voice.preview) as file:
        assert file.read() == other


def test_one_that_has_not_changed_is_fetched_once(synced, scripted) -> None:
    address = keep_sound(scripted)
    assert synced(address)[1] == synced(address)[1]
    assert sum(request.path.endswith("/audio") for request in scripted.requests) == 1


def test_the_old_copy_stays_until_the_new_one_is_there(synced, scripted) -> None:
    _, before = synced(keep_sound(scripted))
    voice, kept = synced(f"{scripted.url}/nowhere")
    assert kept == before == [voice.preview.removeprefix("previews/")]


def test_whoever_dies_over_it_leaves_no_copy_behind(synced, scripted, monkeypatch) -> None:
    synced(keep_sound(scripted))
    address = keep_sound(scripted, wav(0.3), "other")
    with monkeypatch.context() as broken:
        broken.setattr(type(default_storage), "delete", lambda storage, name: {}["the process died"], raising=False)
        assert len(synced(address)[1]) == 2
    voice, kept = synced(address)
    assert kept == [voice.preview.removeprefix("previews/")]


def test_one_that_is_withdrawn_goes(synced, scripted) -> None:
    synced(keep_sound(scripted))
    voice, kept = synced("")
    assert (voice.preview, kept) == ("", [])


def test_a_copy_from_before_copies_said_their_address_is_replaced(synced, scripted) -> None:
    address = keep_sound(scripted)
    voice, _ = synced(address)
    default_storage.delete(voice.preview)
    Voice.objects.filter(pk=voice.pk).update(preview=default_storage.save(f"previews/{voice.pk}", ContentFile(b"old")))
    voice, kept = synced(address)
    assert kept == [voice.preview.removeprefix("previews/")]


def test_slow_ones_leave_the_rest_to_the_next_sync(endpoint: Endpoint, scripted, monkeypatch) -> None:
    monkeypatch.setattr(previews, "ALL_OF_THEM_S", -1.0)
    scripted.ledger.voices[0]["preview_url"] = keep_sound(scripted)
    assert catalogue.sync(endpoint)
    assert not endpoint.voices.exclude(preview="").exists()
