"""The pieces of a long recording on its page: each with its state, each heard while the others are converted."""

from __future__ import annotations

import io
import math
import re
import wave
from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversions import actions
from conversions.access.sources import of_conversion
from conversions.files import durable
from conversions.ledger.sums import estimate
from conversions.models import Call, Conversion, Step
from conversions.pages.kept import kept_between
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from tests.conversions.conftest import Submit, done, work_all, work_one
from tests.conversions.pieces import SPEAKS, Samples, wav_of
from tests.conversions.views.conftest import As
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}


def body(response) -> bytes:
    return b"".join(response.streaming_content)


@pytest.fixture
def begun(ten_seconds: Endpoint, submit: Submit, speech: Samples) -> Conversion:
    """Of four pieces the first is finished."""
    conversion = submit(data=wav_of(speech))
    work_one(Lane.CPU)
    work_one(Lane.CALLS)
    conversion.refresh_from_db()
    return conversion


def test_each_has_its_place_its_state_in_words_and_a_link_once_it_is_there(alice: Client, begun: Conversion) -> None:
    held = claim(Lane.CALLS)
    assert held is not None
    page = alice.get(f"/conversions/{begun.pk}/").content.decode()
    assert "1 of 4 finished" in page
    said = re.findall(
        r'<li id="piece-(\d)"[^>]*>.*?</b>\s*<span[^>]*>([^<]*)</span>.*?<span class="state[^>]*>([^<]*)', page, re.S
    )
    assert [(number, state) for number, _span, state in said] == [
        ("1", "Finished"), ("2", "Being converted"), ("3", "Waiting"), ("4", "Waiting")
    ]  # fmt: skip
    assert said[0][1].startswith("0:00 – ")
    assert said[3][1].endswith(" – 0:30")
    assert re.findall(r'href="([^"]*/pieces/\d+/)[?]of=\w{8}"', page) == [f"/conversions/{begun.pk}/pieces/1/"]
    assert len(re.findall(r"<rect ", page)) == 4


def test_a_piece_that_came_as_samples_is_heard_as_a_wav_whole_and_in_parts(alice: Client, begun: Conversion) -> None:
    answer = alice.get(f"/conversions/{begun.pk}/pieces/1/")
    assert answer["Content-Type"] == "audio/wav"
    assert "Content-Disposition" not in answer
    whole = body(answer)
    assert len(whole) == int(answer["Content-Length"])
    piece = begun.steps.get(kind=Step.Kind.CONVERT, position=0)
    with wave.open(io.BytesIO(whole)) as heard, durable.open_file(piece.result) as stored:
        assert (heard.getnchannels(), heard.getsampwidth(), heard.getframerate()) == (1, 2, 16000)
        assert heard.getnframes() / 16000 == pytest.approx(piece.seconds, abs=0.1)
        assert heard.readframes(heard.getnframes()) == stored.read()
    for asked, part in (("0-9", whole[:10]), ("40-49", whole[40:50]), ("44-47", whole[44:48]), ("-7", whole[-7:])):
        found = alice.get(f"/conversions/{begun.pk}/pieces/1/", headers={"Range": f"bytes={asked}"})
        assert found.status_code == 206
        assert body(found) == part
    beyond = alice.get(f"/conversions/{begun.pk}/pieces/1/", headers={"Range": f"bytes={len(whole)}-"})
    assert beyond.status_code == 416


def test_one_that_came_as_mp3_is_heard_as_it_is(
    alice: Client, ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint
) -> None:
    scripted.script(default=Behaviour(speaks=True, most_s=10.0, refused_formats=("pcm_44100",)))
    conversion = done(submit(data=wav_of(speech), output_format="mp3_44100_128"))
    answer = alice.get(f"/conversions/{conversion.pk}/pieces/2/")
    assert answer["Content-Type"] == "audio/mpeg"
    with durable.open_file(conversion.steps.get(kind=Step.Kind.CONVERT, position=1).result) as stored:
        assert body(answer) == stored.read()


@pytest.mark.parametrize("number", ["0", "2", "5", "99999999999999999999"])
def test_what_is_not_there_yet_or_never_will_be_is_not_found(alice: Client, begun: Conversion, number: str) -> None:
    assert alice.get(f"/conversions/{begun.pk}/pieces/{number}/").status_code == 404


def test_where_they_were_joined_is_marked_in_the_result(alice: Client, begun: Conversion) -> None:
    address = f"/conversions/{begun.pk}/"
    assert "data-join" not in alice.get(address).content.decode()
    done(begun)
    marked = [float(share) for share in re.findall(r'data-join="([\d.]+)"', alice.get(address).content.decode())]
    pieces = list(begun.steps.filter(kind=Step.Kind.CONVERT).order_by("position"))
    middles = [((one.end_sample or 0) + other.start_sample) / 2 / 16000 / 30 for one, other in pairwise(pieces)]
    assert marked == pytest.approx(middles, abs=1e-4)


def test_a_recording_that_goes_through_as_one_has_none(alice: Client, ready: Conversion) -> None:
    assert alice.get(f"/conversions/{ready.pk}/pieces/1/").status_code == 404
    assert alice.get(f"/conversions/{ready.pk}/pieces/").status_code == 404
    assert 'id="pieces"' not in alice.get(f"/conversions/{ready.pk}/").content.decode()


def test_who_may_not_hear_the_recording_hears_no_piece(as_: As, cast: Cast, begun: Conversion) -> None:
    addresses = [f"/conversions/{begun.pk}/pieces/{name}" for name in ("", "1/")]
    assert [as_(cast.bob).get(address).status_code for address in addresses] == [200, 200]
    assert [as_(cast.mallory).get(address).status_code for address in addresses] == [404, 404]
    begun.only_me = True
    begun.save()
    assert [as_(cast.bob).get(address).status_code for address in addresses] == [404, 404]
    assert [as_(cast.alice).get(address).status_code for address in addresses] == [200, 200]


def test_of_zero_retention_nobody_on_the_way_keeps_a_piece(
    alice: Client, ten_seconds: Endpoint, submit: Submit, speech: Samples
) -> None:
    conversion = done(submit(data=wav_of(speech), enable_logging=False))
    assert alice.get(f"/conversions/{conversion.pk}/pieces/1/")["Cache-Control"] == "no-store"
    alice.get(f"/conversions/{conversion.pk}/pieces/1/").getvalue()
    conversion.refresh_from_db()
    assert conversion.downloaded_at is None  # a part was heard, no more


def test_a_poll_brings_what_has_changed_and_nothing_else(alice: Client, begun: Conversion) -> None:
    address = f"/conversions/{begun.pk}/pieces/"
    assert alice.get(address, {"seen": "rwww"}, headers=HTMX).status_code == 204
    work_one(Lane.CALLS)
    changed = alice.get(address, {"seen": "rwww"}, headers=HTMX).content.decode()
    assert re.findall(r'<li id="(piece-\d)"[^>]* hx-swap-oob="true">', changed) == ["piece-2"]
    assert "2 of 4 finished" in changed
    assert "seen=rrww" in changed
    assert len(re.findall(r"<li ", alice.get(address, {"seen": "?"}, headers=HTMX).content.decode())) == 4
    work_all()
    last = alice.get(address, {"seen": "rrww"}, headers=HTMX).content.decode()
    assert "all 4 finished" in last
    assert "every 2s" not in last


def many(conversion: Conversion, count: int) -> Conversion:
    """The same in so many pieces of a second: the first is there, the second is under way, the third has failed."""
    rest = {"team_id": conversion.team_id, "user_id": conversion.created_by_id, "endpoint_id": conversion.endpoint_id}
    conversion.steps.filter(kind=Step.Kind.CONVERT, position__gt=0).delete()
    running = {
        "status": Step.Status.RUNNING,
        "lease_token": uuid4(),
        "lease_until": timezone.now() + timedelta(hours=1),
    }
    states: dict[int, dict[str, object]] = {1: running, 2: {"status": Step.Status.FAILED}}
    Step.objects.bulk_create(
        Step(
            conversion=conversion, kind=Step.Kind.CONVERT, position=n, start_sample=n * 16000,
            end_sample=(n + 1) * 16000, seconds=1, **rest, **states.get(n, {}),
        )
        for n in range(1, count)
    )  # fmt: skip
    conversion.steps.filter(position=0, kind=Step.Kind.CONVERT).update(start_sample=0, end_sample=16000)
    length = {"source_samples": count * 16000, "source_duration_s": float(count), "source_rate_hz": 16000}
    Conversion.objects.filter(pk=conversion.pk).update(pieces=count, **length)
    conversion.refresh_from_db()
    return conversion


def test_a_thousand_pieces_are_a_light_page_and_polls_that_cost_what_a_hundred_do(
    alice: Client, begun: Conversion
) -> None:
    page, poll = f"/conversions/{begun.pk}/", f"/conversions/{begun.pk}/pieces/"
    costs = []
    for count in (100, 1000):
        many(begun, count)
        html = alice.get(page).content
        assert html.count(b'<li id="now-piece-') == 2  # under way, and failed
        assert html.count(b'<li id="piece-') == 0
        assert html.count(b'<details class="block"') == count // 50
        assert f"1 of {count} finished".encode() in html
        assert len(html) < 120_000
        with CaptureQueriesContext(connection) as asked:
            answer = alice.get(poll, {"seen": "x"}, headers=HTMX).content
        costs.append((len(asked), answer.count(b"<rect"), len(answer) < 60_000))
        seen = re.search(rb"seen=(\w{16})", answer)
        assert seen is not None
        assert alice.get(poll, {"seen": seen[1].decode()}, headers=HTMX).status_code == 204
    assert costs[0] == costs[1] == (costs[0][0], 100, True)


def test_a_block_brings_its_pieces_and_what_has_changed_of_them(alice: Client, begun: Conversion) -> None:
    many(begun, 120)
    poll = f"/conversions/{begun.pk}/pieces/"
    first = alice.get(poll, {"block": "1"}, headers=HTMX).content.decode()
    assert re.findall(r'<li id="(piece-\d+)"', first) == [f"piece-{number}" for number in range(1, 51)]
    seen = re.search(r"seen=(\w{50})&amp;of=&amp;block=1", first)
    assert seen is not None
    assert alice.get(poll, {"block": "1", "seen": seen[1]}, headers=HTMX).status_code == 204
    begun.steps.filter(position=8).update(status=Step.Status.DONE, result="x/y", output_format="pcm_16000")
    changed = alice.get(poll, {"block": "1", "seen": seen[1]}, headers=HTMX).content.decode()
    assert re.findall(r'<li id="(piece-\d+)"[^>]* hx-swap-oob="true">', changed) == ["piece-9"]
    assert "pieces-count" not in changed
    assert "2 of 50 finished, 1 failed" in alice.get(poll, headers=HTMX).content.decode()
    last = alice.get(poll, {"block": "3"}, headers=HTMX).content.decode()
    assert re.findall(r'<li id="(piece-\d+)"', last) == [f"piece-{number}" for number in range(101, 121)]
    for number in ("0", "4", "-1", "x", "9" * 30):
        assert alice.get(poll, {"block": number}, headers=HTMX).status_code == 404
    page = alice.get(f"/conversions/{begun.pk}/?block=3").content.decode()
    assert re.findall(r'<li id="(piece-\d+)"', page)[0] == "piece-101"
    assert 'id="block-3" data-block="3"' in page
    assert alice.get(f"/conversions/{begun.pk}/?block=99").status_code == 200


def test_what_lies_between_two_blocks_is_in_one_of_them(alice: Client, begun: Conversion) -> None:
    many(begun, 120)
    begun.steps.filter(position=50, kind=Step.Kind.CONVERT).update(start_sample=50 * 16000 + 8000)
    begun.steps.filter(position=0, kind=Step.Kind.CONVERT).update(start_sample=8000)
    begun.steps.filter(position=119, kind=Step.Kind.CONVERT).update(end_sample=120 * 16000 - 8000)

    def kept() -> list[list[str]]:
        pages = [alice.get(f"/conversions/{begun.pk}/pieces/", {"block": block}, headers=HTMX) for block in (1, 2, 3)]
        return [re.findall(r'id="kept-([\d.-]+)"', page.content.decode()) for page in pages]

    assert kept() == [["-0.0", "-50.0"], [], ["-119.5"]]
    # Now the second block begins with the other channel, which nobody converts before that.
    begun.steps.update(channel=0)
    begun.steps.filter(position__gte=50).update(channel=1)
    Conversion.objects.filter(pk=begun.pk).update(output_channels=2)
    assert kept() == [["0-0.0", "0-50.0"], ["1-0.0"], ["1-119.5"]]


def test_where_hundreds_were_joined_a_script_alone_has_the_words(alice: Client, begun: Conversion) -> None:
    many(begun, 120)
    Conversion.objects.filter(pk=begun.pk).update(status="ready", output="a/b", output_duration_s=120.0)
    html = alice.get(f"/conversions/{begun.pk}/").content.decode()
    assert html.count("data-join=") == 119
    assert html.count("Joined at") == html.count("Joined at {time}") == 1


def test_sixty_pieces_cost_as_many_queries_as_four(alice: Client, begun: Conversion, django_assert_num_queries) -> None:
    page = f"/conversions/{begun.pk}/"
    many(begun, 4)
    alice.get(page)  # how fast the endpoint works is asked once a minute
    with CaptureQueriesContext(connection) as few:
        alice.get(page)
    many(begun, 60)
    with CaptureQueriesContext(connection) as more:
        html = alice.get(page).content
    assert len(more) <= len(few)
    assert html.count(b'<li id="piece-') == 60
    assert len(html) < 120_000
    with django_assert_num_queries(3):  # the session with its user; the conversion; its pieces
        assert b"Redo" not in alice.get(f"{page}pieces/", {"seen": "r" + "?" * 59}).content
    with django_assert_num_queries(4):  # and who may redo one, where one can be redone
        assert b"Redo" in alice.get(f"{page}pieces/", {"seen": ""}).content


def test_what_failed_is_named_and_what_had_come_is_still_heard(
    alice: Client, ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint
) -> None:
    scripted.script(SPEAKS, Behaviour(status=400), default=SPEAKS)
    conversion = submit(data=wav_of(speech))
    work_all()
    page = alice.get(f"/conversions/{conversion.pk}/").content.decode()
    assert re.findall(r'<span class="state (\w+)">', page.partition('id="pieces"')[2])[:4] == [
        "ready", "failed", "cancelled", "cancelled"
    ]  # fmt: skip
    assert "Not converted" in page
    assert alice.get(f"/conversions/{conversion.pk}/pieces/1/").status_code == 200


def test_what_stays_as_it_is_has_a_row_where_it_lies_and_is_heard_from_the_recording(
    alice: Client,
    ten_seconds: Endpoint,
    submit: Submit,
    speech: Samples,
    cast: Cast,
) -> None:
    first = done(submit(data=wav_of(speech)))
    regions = tuple(
        actions.RegionOrder(start_s, end_s, None, voice)
        for start_s, end_s, voice in ((0.0, 6.0, None), (6.0, 14.0, first.voice), (14.0, 20.0, None))
    )
    order = actions.Order(first.parameters, regions=regions)
    (made,) = actions.submit_all(cast.alice, cast.team, [of_conversion(first)], [first.voice], order).conversions
    work_all()
    page = alice.get(f"/conversions/{made.pk}/").content.decode()
    rows = re.findall(
        r'<li id="([^"]+)"[^>]*data-start="([\d.]+)" data-end="([\d.]+)"', page.partition('class="pieces"')[2]
    )
    found = [(name.split("-")[0], round(float(start)), round(float(end))) for name, start, end in rows]
    assert found[:3] == [("kept", 0, 6), ("piece", 6, 14), ("kept", 14, 20)]
    assert {kind for kind, _start, _end in found[3:]} == {"piece"}
    assert f'href="/conversions/{made.pk}/source/?play=1#t=14.0,20.0"' in page
    assert page.count("Left as it is") == 2
    assert 'id="kept-' not in alice.get(f"/conversions/{first.pk}/").content.decode()


def test_of_each_channel_what_stays_is_named_with_it(ready: Conversion) -> None:
    ready.source_samples, ready.source_rate_hz, ready.output_channels = 100, 10, 2
    steps = [Step(start_sample=0, end_sample=40, channel=0), Step(start_sample=20, end_sample=100, channel=1)]
    kept = [(each.channel, each.span, each.who) for each in kept_between(ready, steps)]
    assert kept == [(0, "0:04 – 0:10", "left channel"), (1, "0:00 – 0:02", "right channel")]


def test_what_it_cost_counts_what_pieces_have_in_common(begun: Conversion) -> None:
    Endpoint.objects.update(billed=True, credits_per_minute=60_000)
    begun.refresh_from_db()
    sent_s = sum(begun.steps.filter(kind=Step.Kind.CONVERT).values_list("seconds", flat=True))
    assert sent_s > (begun.source_duration_s or 0)
    assert estimate(begun) == math.ceil(sent_s * 1000)


def test_a_redo_says_on_its_button_what_it_costs(alice: Client, begun: Conversion, cast: Cast) -> None:
    Endpoint.objects.update(billed=True, credits_per_minute=60_000)
    piece = begun.steps.filter(kind=Step.Kind.CONVERT).earliest("position")
    page = alice.get(f"/conversions/{begun.pk}/").content.decode()
    said = re.search(r'id="redo-1"[^>]*>.*?Redo \(about ([\d,]+) credits\)', page, re.S)
    assert said is not None
    assert float(said[1].replace(",", "")) == math.ceil(piece.seconds * 1000)
    assert actions.redo(begun, cast.alice, 1)
    work_all()
    call = Call.objects.get(step__kind=Step.Kind.REDO)
    assert call.seconds == pytest.approx(piece.seconds)


def test_of_hundreds_one_is_redone_and_left_again_in_its_block(alice: Client, begun: Conversion) -> None:
    many(begun, 120)
    begun.steps.filter(kind=Step.Kind.CONVERT).exclude(position=0).update(
        status=Step.Status.DONE, result="x/y", lease_token=None, lease_until=None
    )
    Conversion.objects.filter(pk=begun.pk).update(status="ready", output="a/b", output_duration_s=120.0)
    address = f"/conversions/{begun.pk}/pieces/"
    row = alice.get(address, {"block": "1"}, headers=HTMX).content.decode()
    pressed = re.search(r'hx-post="([^"]+/1/redo/\?block=1)"', row)
    assert pressed is not None
    assert 'id="block-1-poll" class="pieces-poll"' in row
    assert "every 2s" not in row  # nothing more happens in it

    answer = alice.post(pressed[1], headers=HTMX)
    html = answer.content.decode()
    assert "HX-Refresh" not in answer
    assert re.findall(r'<li id="(piece-\d+)"[^>]* hx-swap-oob="true">', html) == ["piece-1"]
    assert html.count("Finished, waits to be redone") == 2  # and above the blocks
    assert re.search(r'id="block-1-poll" class="pieces-poll"\s+hx-swap-oob="true"\s+hx-get="[^"]+block=1"', html)
    assert re.search(r'id="pieces-poll" class="pieces-poll"\s+hx-get="', html)
    assert '<p id="announcement" hx-swap-oob="innerHTML">Piece 1 is converted again.' in html
    assert "Piece 1 of 120: Alice wanted it converted again" in html
    cancel = re.search(r'hx-post="([^"?]+/1/[^"?]+)" hx-target="#pieces-poll"', html)
    assert cancel is not None  # above the blocks: which of them are open nobody knows
    left = alice.post(cancel[1], headers=HTMX)
    assert "HX-Refresh" not in left
    assert 'id="piece-1"' not in left.content.decode()
    assert "waits to be redone" not in left.content.decode()
    assert "Piece 1 stays as it is." in left.content.decode()
