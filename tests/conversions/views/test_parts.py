"""Voices for parts and speakers: what the form takes, what is made of it, and who may."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from conversions.ledger.sums import estimate
from conversions.models import Conversion, Region
from s2s_site.door import Request
from tests.conversions.conftest import Submit, client_of, work_all
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.sound import phrase
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db(transaction=True)

LENGTH_S = 30.0
Part = tuple[str, str, str]


@pytest.fixture
def talk(submit: Submit) -> Conversion:
    """Thirty seconds, ready."""
    conversion = submit(data=phrase(LENGTH_S))
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == "ready"
    return conversion


@pytest.fixture
def voices(endpoint: Endpoint) -> list[Voice]:
    return [Voice.objects.create(endpoint=endpoint, voice_id=name, name=name.title()) for name in ("iris", "otto")]


def form(
    speakers: list[tuple[str, Voice | str, str]], parts: list[Part], rest: Voice | str = "", **more: object
) -> dict[str, object]:
    """Speakers as (name, voice or "", same as), parts as (from, to, who)."""
    data: dict[str, object] = {
        "by": "parts",
        "rest": getattr(rest, "pk", rest),
        "speaker-TOTAL_FORMS": len(speakers),
        "speaker-INITIAL_FORMS": 0,
        "part-TOTAL_FORMS": len(parts),
        "part-INITIAL_FORMS": 0,
    }
    for number, (name, voice, same_as) in enumerate(speakers):
        values = {"name": name, "voice": getattr(voice, "pk", voice), "same_as": same_as}
        data |= {f"speaker-{number}-{field}": value for field, value in values.items()}
    for number, (start, end, who) in enumerate(parts):
        values = {"start": start, "end": end, "who": who}
        data |= {f"part-{number}-{field}": value for field, value in values.items()}
    return data | more


def send(client: Client, talk: Conversion, data: dict[str, object], do: str = "convert") -> Any:
    return client.post(f"/conversions/{talk.pk}/parts/", data | {"do": do})


def regions_of(talk: Conversion) -> list[tuple[float, float | None, str, str]]:
    made = Conversion.objects.exclude(pk=talk.pk).get()
    return [(each.start_s, each.end_s, each.voice_name, each.speaker) for each in made.regions.all()]


def test_two_speakers_get_a_voice_each_and_the_rest_stays_as_it_is(
    alice: Client, talk: Conversion, voices: list[Voice], scripted: ScriptedEndpoint
) -> None:
    scripted.script(default=Behaviour(speaks=True))
    iris, otto = voices
    parts = [("0:01", "0:09.5", "1"), ("10", "0:19,25", "2"), ("0:21", "", "1")]
    answer = send(alice, talk, form([("Anna", iris, ""), ("", otto, "")], parts))
    made = Conversion.objects.exclude(pk=talk.pk).get()
    assert (answer.status_code, answer["Location"]) == (303, f"/conversions/{made.pk}/")
    assert (made.take_of, made.voice_name) == (talk.pk, "Iris and Otto")
    assert regions_of(talk) == [
        (0.0, 1.0, "", ""),
        (1.0, 9.5, "Iris", "Anna"),
        (9.5, 10.0, "", ""),
        (10.0, 19.25, "Otto", "Speaker 2"),
        (19.25, 21.0, "", ""),
        (21.0, None, "Iris", "Anna"),
    ]
    work_all()
    made.refresh_from_db()
    assert made.status == "ready", made.error
    assert made.output_duration_s == pytest.approx(LENGTH_S)


def test_what_was_marked_is_marked_again_when_the_take_is_opened(
    alice: Client, talk: Conversion, voices: list[Voice]
) -> None:
    send(alice, talk, form([("Anna", voices[0], ""), ("Ben", "", "")], [("1", "9", "1"), ("9", "20", "2")]))
    made = Conversion.objects.exclude(pk=talk.pk).get()
    work_all()
    page = alice.get(f"/conversions/{made.pk}/parts/").content.decode()
    said = re.findall(r'name="(part-\d-(?:start|end)|speaker-\d-name)" value="([^"]+)"', page)
    assert said == [
        ("speaker-0-name", "Anna"),
        ("speaker-1-name", "Ben"),
        ("part-0-start", "0:01"),
        ("part-0-end", "0:09"),
        ("part-1-start", "0:09"),
        ("part-1-end", "0:20"),
    ]
    assert '<option value="" selected>Left as it is</option>' in page


def test_a_voice_for_everything_else_speaks_where_no_part_is(
    alice: Client, talk: Conversion, voice: Voice, voices: list[Voice]
) -> None:
    send(alice, talk, form([("", "", "")], [("5", "8", "1")], rest=voice))
    assert regions_of(talk) == [(5.0, 8.0, "", "Speaker 1")]
    assert Conversion.objects.exclude(pk=talk.pk).get().voice == voice


def test_speakers_who_are_the_same_person_speak_with_one_voice(
    alice: Client, talk: Conversion, voices: list[Voice]
) -> None:
    speakers = [("Anna", voices[0], ""), ("", voices[1], "1"), ("", "", "2")]
    send(alice, talk, form(speakers, [("1", "4", "2"), ("4", "8", "3"), ("8", "30", "1")]))
    assert [(name, speaker) for _s, _e, name, speaker in regions_of(talk)] == [("", "")] + [("Iris", "Anna")] * 3


def test_speakers_who_are_each_other_are_one(alice: Client, talk: Conversion, voices: list[Voice]) -> None:
    speakers = [("Anna", voices[0], "2"), ("Ben", voices[1], "1")]
    send(alice, talk, form(speakers, [("0", "4", "1"), ("4", "30", "2")]))
    assert {name for _s, _e, name, _speaker in regions_of(talk)} == {"Iris"}


def test_what_it_comes_to_is_said_and_nothing_is_sent(
    alice: Client, talk: Conversion, voices: list[Voice], endpoint: Endpoint
) -> None:
    parts = [("0", "10", "1"), ("10", "15", "2")]
    data = form([("", voices[0], ""), ("", voices[1], "")], parts)
    page = send(alice, talk, data, "check").content.decode()
    assert "2 voices: Iris and Otto. 0:15 of 0:30 is converted; the rest stays as it is." in page
    assert "It costs nothing." in page
    Endpoint.objects.update(billed=True, credits_per_minute=1000)
    assert "It costs about 250 credits." in send(alice, talk, data, "check").content.decode()
    assert Conversion.objects.count() == 1


def test_more_rows_keep_what_is_there(alice: Client, talk: Conversion) -> None:
    data = form([("Anna", "", "")], [("1", "nonsense", "1")])
    page = send(alice, talk, data, "parts").content.decode()
    assert 'name="part-3-start"' in page
    assert 'value="nonsense"' in page
    assert 'name="speaker-1-name"' in send(alice, talk, data, "speakers").content.decode()
    assert Conversion.objects.count() == 1


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([("5", "4", "1")], "This is before its beginning"),
        ([("1", "1.1", "1")], "less than a fifth of a second"),
        ([("31", "", "1")], "The recording has ended before that."),
        ([("1", "45", "1")], "The recording ends at 0:30."),
        ([("1", "9", "1"), ("8", "12", "1")], "Another part goes on until 0:09."),
        ([("1", "", "1"), ("8", "12", "1")], "Another part goes on until 0:30."),
        ([("1", "9", "")], "Say who speaks there."),
        ([("1", "9", "7")], "Select a valid choice"),
        ([("half past", "9", "1")], "Write a time such as 1:02.5."),
        ([("-1", "9", "1")], "Write a time such as 1:02.5."),
        ([("nan", "inf", "1")], "Write a time such as 1:02.5."),
        ([], "Mark a part first."),
        ([("", "", "")], "Mark a part first."),
    ],
)
def test_what_is_wrong_is_said_where_it_is_wrong(
    alice: Client, talk: Conversion, voices: list[Voice], parts: list[Part], said: str
) -> None:
    answer = send(alice, talk, form([("", voices[0], "")], parts))
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert Conversion.objects.count() == 1


def test_a_row_that_is_to_go_is_gone(alice: Client, talk: Conversion, voices: list[Voice]) -> None:
    data = form([("", voices[0], "")], [("1", "nonsense", "1"), ("0", "", "1")], **{"part-0-DELETE": "on"})
    assert send(alice, talk, data).status_code == 303
    assert len(regions_of(talk)) == 1


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"speaker-TOTAL_FORMS": "9" * 30, "part-TOTAL_FORMS": "-4"},
        {"speaker-TOTAL_FORMS": "99999", "part-TOTAL_FORMS": "x"},
        {"by": "sideways", "rest": "0' OR 1=1", "once": "no"},
    ],
)
@pytest.mark.one_database
@pytest.mark.parametrize("do", ["convert", "check", "parts", "speakers", "\x01"])
def test_a_form_that_no_page_of_ours_sends_is_answered_with_words(
    alice: Client, talk: Conversion, broken: dict[str, str], do: str
) -> None:
    answer = send(alice, talk, dict(broken), do)
    assert answer.status_code in (200, 422)
    assert Conversion.objects.count() == 1


@pytest.mark.one_database
@pytest.mark.parametrize("do", ["convert", "parts"])
def test_more_parts_than_anybody_marks_are_answered_with_words(alice: Client, talk: Conversion, do: str) -> None:
    """The page of so many is a large one: it is asked for to order them, and to have more rows."""
    answer = send(alice, talk, {"speaker-TOTAL_FORMS": "x", "part-TOTAL_FORMS": "99999"}, do)
    assert answer.status_code in (200, 422)
    assert Conversion.objects.count() == 1


def test_a_thousand_parts_are_taken_and_so_many_fields_by_no_other_form(
    alice: Client, talk: Conversion, voices: list[Voice], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.test.client.WSGIRequest", Request)  # the product's own, which counts
    Conversion.objects.filter(pk=talk.pk).update(source_duration_s=3600.0)
    parts = [(f"{3 * number}", f"{3 * number + 2}", "1") for number in range(1000)]
    data = form([("", voices[0], "")], parts, **{f"part-{number}-DELETE": "" for number in range(1000)})

    def sent(path: str, **more: str) -> Any:
        body = urlencode(data | {"do": "check"} | more)
        return alice.post(path, body, content_type="application/x-www-form-urlencoded")

    assert "33:20 of 1:00:00 is converted" in sent(f"/conversions/{talk.pk}/parts/").content.decode()
    too_many = {f"more-{number}": "" for number in range(200)}
    assert sent(f"/conversions/{talk.pk}/parts/", **too_many).status_code == 400
    for path in ("/account/choices/", "/presets/"):
        assert sent(path).status_code == 400, path
    garbled = f"speaker-TOTAL_FORMS=1&part-TOTAL_FORMS=1&part-0-start=%FF&do=check&name={chr(255)}".encode("latin-1")
    answer = alice.post(f"/conversions/{talk.pk}/parts/", garbled, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 422


def test_each_channel_of_a_stereo_recording_gets_its_own(alice: Client, talk: Conversion, voices: list[Voice]) -> None:
    assert "Left channel" not in alice.get(f"/conversions/{talk.pk}/parts/").content.decode()
    Conversion.objects.filter(pk=talk.pk).update(source_apart=True)
    assert "Left channel" in alice.get(f"/conversions/{talk.pk}/parts/").content.decode()
    data = form([], [], by="channels", left=voices[0].pk, right=voices[1].pk)
    page = send(alice, talk, data, "check").content.decode()
    assert "Two channels of 0:30 make 1:00 that is converted." in page
    assert send(alice, talk, form([], [], by="channels")).status_code == 422
    assert send(alice, talk, data).status_code == 303
    made = Region.objects.order_by("position")
    assert [(each.channel, each.voice_name, each.end_s) for each in made] == [(0, "Iris", None), (1, "Otto", None)]


def test_sent_twice_it_is_made_once(alice: Client, talk: Conversion, voices: list[Voice]) -> None:
    page = alice.get(f"/conversions/{talk.pk}/parts/").content.decode()
    once = re.search(r'name="once" value="([0-9a-f-]{36})"', page)
    assert once is not None
    data = form([("", voices[0], "")], [("1", "9", "1")], once=once[1])
    assert send(alice, talk, data)["Location"] == send(alice, talk, data)["Location"]


def test_a_voice_that_is_gone_is_no_choice(alice: Client, talk: Conversion, voices: list[Voice]) -> None:
    Voice.objects.filter(pk=voices[0].pk).update(hidden=True)
    answer = send(alice, talk, form([("", voices[0], "")], [("1", "9", "1")]))
    assert answer.status_code == 422
    assert "no longer offered" in answer.content.decode()


def test_a_quota_that_it_goes_beyond_is_said_before(
    alice: Client, talk: Conversion, voices: list[Voice], cast: Cast
) -> None:
    cast.team.monthly_minutes = 1
    cast.team.save()
    data = form([("", voices[0], ""), ("", voices[1], "")], [("0", "16", "1"), ("16", "30", "2")])
    page = send(alice, talk, data | {"rest": voices[0].pk}, "check").content.decode()
    assert "All of it is converted" in page
    assert "notice bad" not in page
    Conversion.objects.filter(pk=talk.pk).update(source_duration_s=90.0)
    assert 'class="notice bad"' in send(alice, talk, data | {"rest": voices[0].pk}, "check").content.decode()


def test_who_may_not_convert_or_is_of_another_team_gets_none_of_it(
    talk: Conversion, voices: list[Voice], cast: Cast
) -> None:
    data = form([("", voices[0], "")], [("1", "9", "1")])
    for who, status in ((cast.victor, 403), (cast.mallory, 404)):
        client = client_of(who)
        assert client.get(f"/conversions/{talk.pk}/parts/").status_code == status
        assert send(client, talk, data).status_code == status
    assert Conversion.objects.count() == 1


def test_a_recording_that_nobody_has_read_yet_says_so(alice: Client, talk: Conversion) -> None:
    Conversion.objects.filter(pk=talk.pk).update(source_duration_s=None, status="waiting")
    page = alice.get(f"/conversions/{talk.pk}/parts/").content.decode()
    assert "still being read" in page
    assert 'id="parts"' not in page


def test_the_page_of_a_conversion_leads_there(alice: Client, talk: Conversion, cast: Cast) -> None:
    address = f'href="/conversions/{talk.pk}/parts/"'
    assert address in alice.get(f"/conversions/{talk.pk}/").content.decode()
    assert address not in client_of(cast.victor).get(f"/conversions/{talk.pk}/").content.decode()


def test_what_its_voices_can_not_have_of_a_recording_that_had_it_is_left_out(
    alice: Client, talk: Conversion, voices: list[Voice]
) -> None:
    """The page asks for neither speed nor model: a sentence about them would be the end of the way."""
    Endpoint.objects.update(removes_noise=False)
    Conversion.objects.filter(pk=talk.pk).update(
        voice_settings={"speed": 0.9, "stability": 0.3}, model_id="another", remove_background_noise=True
    )
    assert send(alice, talk, form([("", voices[0], "")], [("5", "8", "1")])).status_code == 303
    take = Conversion.objects.exclude(pk=talk.pk).get()
    assert (take.voice_settings, take.model_id, take.remove_background_noise) == ({"stability": 0.3}, "", False)


def test_a_recording_whose_regions_are_converted_is_not_said_to_be_too_long(
    alice: Client, talk: Conversion, voices: list[Voice]
) -> None:
    send(alice, talk, form([("", voices[0], ""), ("", voices[1], "")], [("5", "8", "1"), ("8", "12", "2")]))
    work_all()
    take = Conversion.objects.exclude(pk=talk.pk).get()
    html = alice.get(f"/conversions/{take.pk}/").content.decode()
    assert 'id="pieces"' in html
    assert "take all of this recording at once" not in html
    assert "Each voice is sent what it speaks" in html


def test_what_pieces_have_in_common_is_in_the_price(
    alice: Client, talk: Conversion, voices: list[Voice], cast: Cast
) -> None:
    """Before it is cut nobody knows how much: at most half a second for each cut."""
    Endpoint.objects.update(billed=True, credits_per_minute=60_000, max_seconds=6.0)
    data = form([("", voices[0], ""), ("", voices[1], "")], [("0", "10", "1"), ("10", "20", "1"), ("20", "24", "2")])
    page = send(alice, talk, data, "check").content.decode()
    assert "0:24 of 0:30 is converted" in page
    # 20 s are five pieces of at most 6, and 4 s are one.
    assert "It costs about 26,000 credits, with what pieces have in common where they are joined." in page
    send(alice, talk, data)
    work_all()
    made = Conversion.objects.exclude(pk=talk.pk).get()
    sent_s = sum(made.steps.filter(kind="convert").values_list("seconds", flat=True))
    assert 24.0 < sent_s <= 26.0
    assert (estimate(made) or 0) == pytest.approx(sent_s * 1000, abs=1)
    Endpoint.objects.update(max_seconds=None)
    assert "It costs about 24,000 credits.</p>" in send(alice, talk, data, "check").content.decode()
