"""Redo: one piece of a long recording once more. The rest stays as it is, and so does the result if that fails."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import PermissionDenied

from conversions import actions
from conversions.access.sources import of_conversion
from conversions.files import durable, inventory
from conversions.models import Call, Conversion, Event, Export, Step
from conversions.pages.timeline import timeline_of
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.sound.reading import headerless
from conversions.upkeep.worker import work
from s2s.audio import measure_loudness
from s2s.contract import MAX_SEED
from teams.models import Membership
from tests.conversions.conftest import Submit, client_of, done, work_all, work_one
from tests.conversions.pieces import RATE, SPEAKS, Samples, heard, wav_of
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from voices.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)
# More than is evened out where the pieces are joined: it is heard in the result.
SOFT = replace(SPEAKS, louder_db=-20.0)
# More than is put back in its place.
LATE = replace(SPEAKS, late_s=2.0)


@pytest.fixture
def long(ten_seconds: Endpoint, submit: Submit, speech: Samples) -> Conversion:
    """Four pieces, joined."""
    return done(submit(data=wav_of(speech)))


def piece(conversion: Conversion, number: int) -> Step:
    return conversion.steps.get(kind=Step.Kind.CONVERT, position=number - 1)


def loudness_of(conversion: Conversion) -> float | None:
    with durable.open_file(conversion.output) as file:
        return measure_loudness(file, raw=headerless(conversion.format, conversion.output_channels))


def page_of(conversion: Conversion, cast: Cast) -> str:
    html = client_of(cast.alice).get(f"/conversions/{conversion.pk}/").content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def test_the_result_changes_in_that_piece_alone_and_the_old_one_is_there_until_then(
    long: Conversion, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    before, calls, old = heard(long), Call.objects.count(), piece(long, 2)
    Conversion.objects.filter(pk=long.pk).update(output_lufs=-20.0)
    scripted.script(default=SOFT)
    assert actions.redo(long, cast.alice, 2)
    assert np.array_equal(heard(long), before)
    work_one(Lane.CALLS)
    long.refresh_from_db()
    assert long.status == Conversion.Status.READY
    assert np.array_equal(heard(long), before)
    work_one(Lane.CPU)
    first = long.output
    long.refresh_from_db()
    after = heard(long)
    differs = np.flatnonzero(np.abs(after - before) > 1e-3) / RATE
    assert len(differs) > RATE
    assert old.start_sample / RATE <= differs.min()
    assert differs.max() <= (old.end_sample or 0) / RATE
    assert len(after) == len(before)
    assert long.status == Conversion.Status.READY
    assert long.output_lufs == pytest.approx(loudness_of(long), abs=0.3)  # the new one's, though nobody asked yet
    assert long.output != first
    call = Call.objects.latest("pk")
    assert (Call.objects.count(), call.outcome) == (calls + 1, Call.Outcome.ANSWERED)
    assert call.seconds == pytest.approx(old.seconds)
    assert not {durable.name_of(first), durable.name_of(old.result)} & set(inventory.sizes(long.pk))
    assert long.stored_bytes == sum(size for name, size in inventory.sizes(long.pk).items() if name[-5:] != ".json")


def test_of_pieces_that_were_not_alike_in_level_the_others_stay_as_they_are(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    """They were made as loud as they are in the middle, which is another one now."""
    scripted.script(*[replace(SPEAKS, louder_db=-2.0 * number) for number in range(4)])
    long = done(submit(data=wav_of(speech)))
    before, redone = heard(long), piece(long, 1)
    scripted.script(default=replace(SPEAKS, louder_db=-12.0, tone_hz=440.0))
    assert actions.redo(long, cast.alice, 1)
    differs = np.flatnonzero(np.abs(heard(done(long)) - before) > 1e-3) / RATE
    assert len(differs) > RATE
    assert differs.max() <= (redone.end_sample or 0) / RATE


def test_it_is_asked_for_with_a_seed_of_its_own_so_that_another_take_comes_back(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    long = done(submit(data=wav_of(speech), seed=7))
    for _ in range(2):
        assert actions.redo(long, cast.alice, 2)
        work_all()
    seeds = [request.fields.get("seed") for request in scripted.requests]
    assert seeds[:4] == ["7"] * 4
    assert len({"7", *map(str, seeds[4:])}) == 3
    assert all(0 < int(str(seed)) <= MAX_SEED for seed in seeds)


def test_the_timeline_names_the_piece_and_who_wanted_it(long: Conversion, cast: Cast) -> None:
    actions.redo(long, cast.alice, 3)
    work_all()
    words = [line.words for line in timeline_of(long)]
    assert words[-4:] == [
        "Piece 3 of 4: Alice wanted it converted again",
        "Piece 3 of 4: Sent to Testers",
        "Piece 3 of 4: Converted to Nora",
        "Piece 3 of 4: Converted again, and new in the result",
    ]
    assert "Pieces 1–4 of 4: Sent to Testers" in words


@pytest.mark.parametrize("answer", [Behaviour(status=400), replace(SPEAKS, louder_db=-200.0)], ids=["no", "silence"])
def test_one_that_fails_changes_nothing_and_can_be_asked_for_again(
    long: Conversion, scripted: ScriptedEndpoint, cast: Cast, answer: Behaviour
) -> None:
    before, was = heard(long), piece(long, 2)
    scripted.script(answer, default=SOFT)
    assert actions.redo(long, cast.alice, 2)
    assert np.array_equal(heard(done(long)), before)
    assert piece(long, 2).result == was.result
    assert "As it was; redoing it failed" in page_of(long, cast)
    assert any("It could not be converted again." in line.words for line in timeline_of(long))
    assert actions.redo(long, cast.alice, 2)
    assert not np.array_equal(heard(done(long)), before)


def test_where_they_can_not_be_joined_each_is_what_it_was(
    long: Conversion, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    before, was = heard(long), piece(long, 2)
    scripted.script(default=SOFT)
    actions.redo(long, cast.alice, 2)
    work_one(Lane.CALLS)
    assert piece(long, 2).result != was.result
    durable.discard(piece(long, 2).result)
    work_one(Lane.CPU)
    assert np.array_equal(heard(done(long)), before)
    assert (piece(long, 2).result, piece(long, 2).status) == (was.result, Step.Status.DONE)
    assert long.events.filter(kind=Event.Kind.REDO_FAILED).count() == 1
    assert actions.redo(long, cast.alice, 2)
    assert not np.array_equal(heard(done(long)), before)


def test_two_at_once_are_both_in_the_result_also_where_it_was_being_joined(
    long: Conversion, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    before = heard(long)
    scripted.script(default=LATE)
    assert actions.redo(long, cast.alice, 1)
    assert actions.redo(long, cast.alice, 4)
    assert not actions.redo(long, cast.alice, 4)  # it is under way
    work_one(Lane.CALLS)
    joining = claim(Lane.CPU)
    assert joining is not None
    work_one(Lane.CALLS)
    work(joining)  # of a lease that is gone
    long.refresh_from_db()
    assert np.array_equal(heard(long), before)
    assert not actions.redo(long, cast.alice, 1)  # it waits to be joined
    work_all()
    long.refresh_from_db()
    changed = np.abs(heard(long) - before) > 1e-3
    assert changed[: 4 * RATE].any()
    assert changed[-4 * RATE :].any()
    assert not changed[10 * RATE : 19 * RATE].any()
    assert long.events.filter(kind=Event.Kind.REDONE).count() == 2


def test_what_all_pieces_have_in_common_stays_where_half_of_them_are_redone(
    long: Conversion, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    """Else the level of each would follow the loudness of what is redone."""
    before = heard(long)
    scripted.script(default=replace(SPEAKS, louder_db=-6.0))
    for number in (1, 4):
        actions.redo(long, cast.alice, number)
    work_all()
    long.refresh_from_db()
    assert np.abs(heard(long) - before)[10 * RATE : 19 * RATE].max() < 1e-3


def test_while_the_others_are_converted(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    conversion = submit(data=wav_of(speech))
    work_one(Lane.CPU)
    work_one(Lane.CALLS)
    first = piece(conversion, 1).result
    assert not actions.redo(conversion, cast.alice, 2)  # it isn't there yet
    assert actions.redo(conversion, cast.alice, 1)
    done(conversion)
    assert scripted.calls == 5
    assert piece(conversion, 1).result != first
    assert len(heard(conversion)) == len(speech)


def test_one_whose_answer_was_lost_asks_nobody_but_says_so(
    long: Conversion, scripted: ScriptedEndpoint, cast: Cast, settings: object
) -> None:
    settings.LOOKUP_SECONDS = [0.0]  # type: ignore[attr-defined]
    Endpoint.objects.update(billed=True, credits_per_minute=600)
    scripted.script(replace(SPEAKS, fault="reset_body", in_history=False), default=SPEAKS)
    before = heard(long)
    assert "Redo (about" in page_of(long, cast)
    actions.redo(long, cast.alice, 2)
    work_all()
    Step.objects.filter(kind=Step.Kind.REDO).update(not_before=long.created_at)
    work_all()
    long.refresh_from_db()
    assert long.status == Conversion.Status.READY
    assert "the redo was lost, perhaps billed" in page_of(long, cast)
    assert np.array_equal(heard(long), before)
    assert actions.redo(long, cast.alice, 2)  # a person says so
    work_all()
    assert Call.objects.filter(outcome=Call.Outcome.ANSWERED).count() == 5


def test_other_formats_are_made_of_the_new_result(long: Conversion, scripted: ScriptedEndpoint, cast: Cast) -> None:
    actions.export(long, cast.alice, "pcm_16000")
    work_all()
    before = Export.objects.get()
    with durable.open_file(before.file) as file:
        old = file.read()
    scripted.script(default=SOFT)
    actions.redo(long, cast.alice, 2)
    work_all()
    after = Export.objects.get()
    with durable.open_file(after.file) as file:
        new = file.read()
    assert len(new) == len(old)
    assert new != old
    assert not durable.exists(before.file)


def test_no_browser_plays_a_result_that_it_has_kept(long: Conversion, cast: Cast) -> None:
    client = client_of(cast.alice)
    address = f"/conversions/{long.pk}/download/"
    asked = f"{address}?play=1&of={long.edition}"
    assert asked.replace("&", "&amp;") in client.get(f"/conversions/{long.pk}/").content.decode()
    assert client.get(asked)["Cache-Control"] == "private, max-age=3600"
    assert client.get(address)["Cache-Control"] == "private, no-cache"
    actions.redo(long, cast.alice, 2)
    work_all()
    assert client.get(asked)["Cache-Control"] == "private, no-cache"
    poll = client.get(f"/conversions/{long.pk}/pieces/", {"seen": "rrrr", "of": long.edition})
    assert poll["HX-Refresh"] == "true"


def test_who_may_and_what_it_takes(long: Conversion, cast: Cast) -> None:
    for stranger in (cast.bob, cast.victor, cast.mallory):
        with pytest.raises(PermissionDenied):
            actions.redo(long, stranger, 1)
    for number in (0, 5, 99):
        assert not actions.redo(long, cast.alice, number)
    Membership.objects.filter(user=cast.alice).update(monthly_minutes=0)
    with pytest.raises(actions.OverQuotaError):
        actions.redo(long, cast.alice, 1)
    assert not Step.objects.filter(kind=Step.Kind.REDO).exists()
    answer = client_of(cast.alice).post(f"/conversions/{long.pk}/pieces/1/redo/")
    assert answer["Location"] == f"/conversions/{long.pk}/#pieces"
    assert client_of(cast.mallory).post(f"/conversions/{long.pk}/pieces/1/redo/").status_code == 404
    assert client_of(cast.bob).post(f"/conversions/{long.pk}/pieces/1/redo/").status_code == 403


def test_who_listens_is_answered_in_place(long: Conversion, cast: Cast) -> None:
    client, address = client_of(cast.alice), f"/conversions/{long.pk}/pieces/2/redo/"

    def press(address: str) -> Any:
        return client.post(address, headers={"HX-Request": "true"})

    page = press(address).content.decode()
    assert "Piece 2 is converted again." in page
    assert page.count("<li id=") == 1
    assert "Finished, waits to be redone" in page
    assert "This piece can’t be converted again now." in press(address).content.decode()
    Endpoint.objects.update(billed=True)
    words = "Piece 2 stays as it is."
    assert f"{words} What was sent already may be billed." in press(f"{address}cancel/").content.decode()
    Endpoint.objects.update(billed=False)
    press(address)
    assert f"{words}</p>" in press(f"{address}cancel/").content.decode()
    Membership.objects.filter(user=cast.alice).update(monthly_minutes=0)
    assert press(address)["HX-Refresh"] == "true"
    assert "minutes" in client.get(f"/conversions/{long.pk}/").content.decode().split('class="notice bad"')[1][:300]


def test_a_deleted_one_is_not_worked_on_and_a_retry_begins_no_redo(
    long: Conversion, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    calls = scripted.calls
    actions.redo(long, cast.alice, 1)
    actions.delete(long, cast.alice)
    assert work_all() == 0
    actions.restore(long, cast.alice)
    assert work_all() == 0
    assert scripted.calls == calls
    Step.objects.create(
        conversion=long, kind=Step.Kind.REDO, position=1, status=Step.Status.FAILED, endpoint=long.endpoint,
        team=long.team, user=cast.alice, voice=long.voice,
    )  # fmt: skip
    Conversion.objects.filter(pk=long.pk).update(status=Conversion.Status.FAILED, error_code="unforeseen")
    assert actions.retry(long, cast.alice)
    work_all()
    assert scripted.calls == calls


def test_retry_says_what_is_missing_and_what_that_costs(
    ten_seconds: Endpoint, submit: Submit, speech: Samples, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    Endpoint.objects.update(billed=True, credits_per_minute=600)
    scripted.script(SPEAKS, Behaviour(status=400), default=SPEAKS)
    conversion = submit(data=wav_of(speech))
    work_all()
    seconds = sum(each.seconds for each in conversion.steps.filter(kind=Step.Kind.CONVERT).exclude(status="done"))
    assert f"Retry 3 of 4 pieces (about {-(-seconds * 10 // 1):.0f} credits)" in page_of(conversion, cast)


def test_a_redo_is_cancelled_alone_while_it_waits_and_while_it_runs(
    long: Conversion, scripted: ScriptedEndpoint, cast: Cast
) -> None:
    before, was, client = heard(long), piece(long, 2), client_of(cast.alice)
    address = f"/conversions/{long.pk}/pieces/2/redo/cancel/"
    assert not actions.cancel_redo(long, cast.alice, 2)
    actions.redo(long, cast.alice, 2)
    assert address in client.get(f"/conversions/{long.pk}/").content.decode()
    with pytest.raises(PermissionDenied):
        actions.cancel_redo(long, cast.bob, 2)
    assert client.post(address)["Location"] == f"/conversions/{long.pk}/#pieces"
    calls = scripted.calls
    assert work_all() == 0
    assert actions.redo(long, cast.alice, 2)
    running = claim(Lane.CALLS)
    assert running is not None
    assert actions.cancel_redo(long, cast.alice, 2)
    work(running)  # of a lease that is gone
    assert work_all() == 0
    long.refresh_from_db()
    assert scripted.calls <= calls + 1
    assert (long.status, piece(long, 2).result) == (Conversion.Status.READY, was.result)
    assert np.array_equal(heard(long), before)
    page = page_of(long, cast)
    assert "waits to be redone" not in page
    assert "Piece 2 of 4: Alice didn’t want it converted again any more" in [line.words for line in timeline_of(long)]
    assert address not in client.get(f"/conversions/{long.pk}/").content.decode()
    scripted.script(default=SOFT)
    assert actions.redo(long, cast.alice, 2)
    work_all()
    long.refresh_from_db()
    assert not np.array_equal(heard(long), before)
    assert not actions.cancel_redo(long, cast.alice, 2)


def test_a_region_that_is_a_single_piece_is_redone(
    submit: Submit,
    speech: Samples,
    scripted: ScriptedEndpoint,
    cast: Cast,
) -> None:
    takes_all = replace(SPEAKS, most_s=60.0)
    scripted.script(default=takes_all)
    whole = done(submit(data=wav_of(speech)))
    assert whole.pieces == 1
    regions = tuple(
        actions.RegionOrder(start_s, end_s, None, voice)
        for start_s, end_s, voice in ((0.0, 10.0, None), (10.0, 20.0, whole.voice), (20.0, None, None))
    )
    order = actions.Order(whole.parameters, regions=regions)
    (made,) = actions.submit_all(cast.alice, cast.team, [of_conversion(whole)], [whole.voice], order).conversions
    made = done(made)
    assert made.pieces == 1
    before, edition, page = heard(made), made.edition, page_of(made, cast)
    assert "Piece 1" in page
    assert client_of(cast.alice).get(f"/conversions/{made.pk}/pieces/1/").status_code == 200
    scripted.script(default=replace(takes_all, louder_db=-20.0))
    answer = client_of(cast.alice).post(f"/conversions/{made.pk}/pieces/1/redo/")
    assert answer.status_code == 303
    work_all()
    made.refresh_from_db()
    differs = np.flatnonzero(np.abs(heard(made) - before) > 1e-3) / RATE
    assert len(differs) > RATE
    assert differs.min() >= 10.0
    assert differs.max() <= 20.0
    assert made.edition != edition
    assert not actions.redo(whole, cast.alice, 1)  # that is a take
