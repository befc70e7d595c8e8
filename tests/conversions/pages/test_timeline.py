"""Every kind of event is a sentence, and one that this version doesn't know is left out."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import unquote

import pytest
from django.test import Client

from conversions import actions
from conversions.models import Conversion, Event, Step, log
from conversions.pages.timeline import timeline_of
from conversions.words.noticed import noticed_words
from tests.conversions.conftest import Submit, client_of
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def conversion(submit: Submit) -> Conversion:
    found = submit()
    Event.objects.all().delete()
    return found


def words(conversion: Conversion) -> list[str]:
    return [line.words for line in timeline_of(conversion)]


@pytest.mark.parametrize("kind", list(Event.Kind))
def test_every_kind_has_a_sentence_even_without_its_data(conversion: Conversion, kind: Event.Kind) -> None:
    log(conversion, kind)
    (sentence,) = words(conversion)
    assert sentence
    assert "%" not in sentence


def test_an_unknown_kind_is_left_out(conversion: Conversion) -> None:
    Event.objects.create(
        conversion=conversion, about=conversion.pk, team=conversion.team, kind="from_2030", data={"words": "?"}
    )
    log(conversion, Event.Kind.READY)
    assert words(conversion) == ["Ready to listen"]


def test_a_lost_answer_is_looked_for_and_then_found(conversion: Conversion) -> None:
    log(conversion, Event.Kind.DELAYED, code="lost", words="The answer of ElevenLabs was lost.")
    log(conversion, Event.Kind.LOOKED_UP)
    log(conversion, Event.Kind.DELAYED, code="busy", words="ElevenLabs is busy.")
    assert words(conversion) == [
        "The answer of ElevenLabs was lost.",
        "The lost answer was found in the endpoint’s history and used",
        "ElevenLabs is busy. It is tried again by itself.",
    ]


def test_what_happened_again_and_again_is_said_once(conversion: Conversion) -> None:
    for _ in range(30):
        log(conversion, Event.Kind.SENT, endpoint="ElevenLabs")
        log(conversion, Event.Kind.DELAYED, code="busy", words="ElevenLabs is busy.")
    for _ in range(3):
        log(conversion, Event.Kind.SENT, endpoint="ElevenLabs")
    log(conversion, Event.Kind.READY)
    lines = timeline_of(conversion)
    assert [(line.words, line.times) for line in lines] == [
        ("Sent to ElevenLabs", 30),
        ("ElevenLabs is busy. It is tried again by itself.", 30),
        ("Sent to ElevenLabs", 3),
        ("Ready to listen", 1),
    ]
    assert lines[0].at == conversion.events.filter(kind="sent").order_by("pk")[29].at


def test_what_was_unusual_about_a_recording_is_said_where_it_was_read(conversion: Conversion) -> None:
    noticed = {"lead_s": 1.5, "gaps": 2, "gaps_s": 3.2, "stretches": 3}
    log(conversion, Event.Kind.PREPARED, duration_s=12.0, codec="aac", noticed=noticed)
    assert words(conversion) == [
        "Read: 12 seconds of sound. Its sound begins 1.5 s after its start; there is silence until then. "
        "3.2 s of sound are missing in 2 places; there is silence instead. "
        "It was cut: its 3 stretches are heard as its edit list has them."
    ]


def test_a_hole_that_is_hardly_one_is_not_of_no_seconds(conversion: Conversion) -> None:
    log(conversion, Event.Kind.PREPARED, duration_s=12.0, codec="aac", noticed={"gaps": 1, "gaps_s": 0.04})
    assert words(conversion) == [
        "Read: 12 seconds of sound. 0.1 s of sound are missing in one place; there is silence instead."
    ]


@pytest.mark.parametrize(
    ("noticed", "sentence"),
    [
        (
            {"channels": 2, "channels_used": [1], "channels_why": "cancel"},
            "Channels 1 and 2 cancel each other: the left one was used.",
        ),
        (
            {"channels": 2, "channels_used": [2], "channels_why": "silent"},
            "Only the right channel has sound: it keeps its level.",
        ),
        (
            {"channels": 2, "channels_used": [1, 2], "channels_why": "apart"},
            "Each channel has sound of its own: both keep their level.",
        ),
        (
            {"channels": 4, "channels_used": [3], "channels_why": "silent"},
            "Only channel 3 has sound: it keeps its level.",
        ),
        (
            {"channels": 6, "channels_used": [1, 2, 4], "channels_why": "cancel"},
            "Channels cancel each other: channels 1, 2 and 4 were used.",
        ),
        ({"scaled_db": 3.04}, "Made 3.0 dB quieter, so that its loudest places are not distorted."),
    ],
)
def test_how_channels_were_mixed_is_said(noticed: dict[str, object], sentence: str) -> None:
    assert noticed_words(noticed, 3.0) == [sentence]


def test_a_worker_that_stops_is_told_of_once_for_all_its_pieces_and_again_when_it_happens_again(
    conversion: Conversion,
) -> None:
    conversion.pieces = 9
    about = {"endpoint": "Testers", "voice": "Nora"}
    for kind, pieces, data in (
        (Event.Kind.SENT, (1, 2, 3, 4), {}),
        (Event.Kind.CONVERTED, (1,), {}),
        (Event.Kind.INTERRUPTED, (2, 3, 4), {}),
        (Event.Kind.SENT, (4, 2, 3), {"attempt": 2}),
        (Event.Kind.INTERRUPTED, (2, 3), {}),
        (Event.Kind.INTERRUPTED, (2,), {}),
        (Event.Kind.SENT, (2, 3), {"attempt": 3}),
        (Event.Kind.CONVERTED, (3, 2, 4), {}),
    ):
        for piece in pieces:
            log(conversion, kind, piece=piece, **about, **data)
    stopped = "A worker stopped in the middle; the work goes on by itself"
    assert words(conversion) == [
        "Pieces 1–4 of 9: Sent to Testers",
        "Piece 1 of 9: Converted to Nora",
        f"Pieces 2–4 of 9: {stopped}",
        "Pieces 2–4 of 9: Sent to Testers, attempt 2",
        f"Pieces 2–3 of 9: {stopped}",
        f"Piece 2 of 9: {stopped}",
        "Pieces 2–3 of 9: Sent to Testers, attempt 3",
        "Pieces 2–4 of 9: Converted to Nora",
    ]


def test_pieces_that_fare_alike_are_told_of_when_the_first_of_them_did(conversion: Conversion) -> None:
    conversion.pieces = 4
    converted, sent = Event.Kind.CONVERTED, Event.Kind.SENT
    for kind, number in (converted, 3), (sent, 4), (converted, 2), (sent, 1), (converted, 4), (converted, 1):
        log(conversion, kind, piece=number, voice="Nora", endpoint="Testers")
    for place, event in enumerate(conversion.events.all()):
        Event.objects.filter(pk=event.pk).update(at=conversion.created_at + timedelta(seconds=place))
    told = [(line.words, (line.at - conversion.created_at).seconds) for line in timeline_of(conversion)]
    assert told == [
        ("Pieces 2–3 of 4: Converted to Nora", 0),
        ("Pieces 1, 4 of 4: Sent to Testers", 1),
        ("Pieces 1, 4 of 4: Converted to Nora", 4),  # none of them before it was sent
    ]


def polled(client: Client, conversion: Conversion, seen: str) -> tuple[str, str]:
    """What a poll of a page that has `seen` brings, and what it has seen then."""
    address = f"/conversions/{conversion.pk}/status/"
    answer = client.get(address, {"seen": seen}, headers={"HX-Request": "true"}).content.decode()
    found = re.search(r'\?seen=([^"]+)"', answer)
    return answer, unquote(found[1]) if found else seen


def test_it_goes_on_while_one_watches(submit: Submit, cast: Cast) -> None:
    conversion, client = submit(), client_of(cast.alice)
    page = client.get(f"/conversions/{conversion.pk}/").content.decode()
    assert page.count('<ol class="timeline" id="timeline">') == 1
    found = re.search(r'/status/\?seen=([^"]+)"', page)
    assert found is not None
    seen = unquote(found[1])
    assert polled(client, conversion, seen) == ("", seen)
    assert actions.rename(conversion, cast.alice, "Another name")
    answer, seen = polled(client, conversion, seen)
    assert '<ol class="timeline" id="timeline" hx-swap-oob="true">' in answer
    assert "Alice renamed it to “Another name”" in answer
    assert polled(client, conversion, seen) == ("", seen)
    Step.objects.filter(conversion=conversion).update(status="cancelled")  # the state alone is another one
    Conversion.objects.filter(pk=conversion.pk).update(status="preparing")
    answer, seen = polled(client, conversion, seen)
    assert "Reading your recording" in answer
    assert 'id="timeline"' not in answer


def test_of_hundreds_of_pieces_it_goes_on_with_the_bar(submit: Submit, cast: Cast) -> None:
    conversion, client = submit(), client_of(cast.alice)
    Conversion.objects.update(pieces=500, status="converting", in_regions=True)
    steps = [
        Step(
            conversion=conversion, kind="convert", position=n, team=cast.team, user=cast.alice, status=status, seconds=5
        )
        for n, status in enumerate(["done"] * 4 + ["waiting"] * 496)
    ]
    Step.objects.bulk_create(steps)
    _, seen = polled(client, conversion, "x")
    log(conversion, Event.Kind.CONVERTED, voice="Nora", piece=4)
    assert polled(client, conversion, seen) == ("", seen)
    Step.objects.filter(conversion=conversion, position=4).update(status="done")
    log(conversion, Event.Kind.CONVERTED, voice="Nora", piece=5)
    answer, _ = polled(client, conversion, seen)
    assert "Pieces 4–5 of 500: Converted to Nora" in answer


def test_how_channels_would_be_mixed_is_no_news_where_each_has_a_voice(conversion: Conversion, cast: Cast) -> None:
    noticed = {"channels": 2, "channels_used": [1, 2], "channels_why": "apart"}
    log(conversion, Event.Kind.PREPARED, duration_s=12.0, codec="aac", noticed=noticed)
    Conversion.objects.filter(pk=conversion.pk).update(source_noticed=noticed)
    sentence, page = "Each channel has sound of its own", f"/conversions/{conversion.pk}/"
    said = []
    for channels in (1, 2):
        Conversion.objects.filter(pk=conversion.pk).update(output_channels=channels)
        said.append(client_of(cast.alice).get(page).content.decode().count(sentence))
    assert said == [2, 0]  # as a notice, and in the timeline
