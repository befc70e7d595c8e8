"""Whatever an endpoint says in headers, statuses, errors, lists and its history: rows take it, and pages open."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from conversions.files import durable
from conversions.ground.clock import db_now
from conversions.ledger import sums
from conversions.models import Call, Conversion, Step
from conversions.queue.bells import Lane
from conversions.queue.claim import claim
from conversions.upkeep.worker import work
from s2s.client import said
from teams.models import User
from tests.conversions.conftest import Submit, client_of, work_all
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from voices import breaker, catalogue
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db(transaction=True)

# ---- what may be said ----

NUMBERS = st.sampled_from(
    ["inf", "nan", "-inf", "NaN", "Infinity", "-1", "1e400", "1e308", "9" * 30, "0x10", "1_0", "3.5", "17", "0", "1,2"]
) | st.integers(min_value=10**20, max_value=10**30).map(str)
LONG = st.builds(lambda text, times: text * times, st.text(min_size=1, max_size=5), st.integers(50, 900))
# What a header may bring over the wire, control characters too.
HEADER_TEXT = st.text(st.characters(max_codepoint=255, exclude_characters="\0\r\n\x0b\x0c\x1c\x1d\x1e\x85"))
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "character-cost",
            "request-id",
            "history-item-id",
            "maximum-concurrent-requests",
            "current-concurrent-requests",
        ]
    ),
    NUMBERS | HEADER_TEXT | st.integers(201, 3000).map("é".__mul__),
)
ODD = (
    st.none()
    | st.booleans()
    | st.floats()  # with NaN and infinity, as Python's own JSON says them
    | st.integers(-(2**70), 2**70)
    | st.text(st.characters(exclude_categories=[]), max_size=20)  # with NUL and halves of surrogate pairs
    | LONG
    | st.recursive(st.just([]), lambda deeper: st.lists(deeper, min_size=1, max_size=2), max_leaves=4)
)
WORDS = st.fixed_dictionaries({}, optional=dict.fromkeys(["status", "code", "message"], ODD))
ERRORS = st.one_of(
    st.builds(lambda detail: json.dumps({"detail": detail}), WORDS | st.lists(WORDS | ODD, max_size=3) | ODD),
    st.builds(lambda depth: "[" * depth, st.integers(1, 30_000)),
    st.just('{"detail": {"status": 1e400, "message": NaN}}'),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=50).map("<title>{}".format),
)
STATUSES = st.sampled_from([400, 401, 402, 403, 404, 408, 422, 429, 500, 502, 503, 504, 418, 299, 599, 999])
CALLS = st.one_of(
    st.builds(Behaviour, headers=HEADERS),
    st.builds(Behaviour, status=STATUSES, body=ERRORS, headers=HEADERS),
    st.builds(Behaviour, content_type=st.just("text/html") | HEADER_TEXT.map("text/{}".format), body=ERRORS),
    st.builds(Behaviour, headers=HEADERS, fault=st.sampled_from(["reset_body", "close", "cut_body"])),
)
ENTRY = dict.fromkeys(
    ["name", "description", "labels", "settings", "preview_url", "category"],
    ODD | st.dictionaries(st.text(max_size=5), ODD, max_size=3),
)
ID = st.sampled_from(["nora", "frank"]) | ODD
LISTS = st.lists(
    st.fixed_dictionaries(
        {"voice_id": ID, "model_id": ID, "can_do_voice_conversion": st.just(True) | ODD}, optional=ENTRY
    ),
    max_size=3,
)
COUNTERS = ["character_count_change_from", "character_count_change_to"]
ITEM = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(["request_id", "voice_id", "source", "state", "date_unix", *COUNTERS], ODD)
)


# ---- what becomes of it ----


class Errors(logging.Handler):
    """What a worker caught, because nobody had foreseen it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(logging.Formatter().format(record))


@contextmanager
def nothing_unforeseen() -> Iterator[None]:
    errors = Errors()
    logging.getLogger().addHandler(errors)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(errors)
    assert not errors.said, "\n".join(errors.said)


@pytest.fixture
def billed(endpoint: Endpoint, settings: Any) -> Endpoint:
    Endpoint.objects.update(billed=True, credits_per_minute=1000)
    settings.LOOKUP_SECONDS = [0.0, 0.0]
    endpoint.refresh_from_db()
    return endpoint


@pytest.fixture
def admin(db: None) -> Client:
    return client_of(User.objects.create_superuser("root@example.com", "password"))


def pages_open(member: Client, admin: Client, conversion: Conversion) -> None:
    for address in ("/", "/history/", f"/conversions/{conversion.pk}/"):
        assert member.get(address).status_code == 200, address
    for address in ("call/", "call/?format=csv", f"conversion/{conversion.pk}/change/"):
        assert admin.get(f"/admin/conversions/{address}").status_code == 200, address
    assert admin.get("/admin/voices/endpoint/").status_code == 200


def works_on(conversion: Conversion) -> None:
    """Its calls, and the searches of the history; what its endpoint's pause holds back may wait."""
    for _ in range(5):
        Step.objects.filter(conversion=conversion, status=Step.Status.WAITING).update(not_before=db_now())
        if not work_all():
            return


def test_whatever_an_endpoint_says_rows_take_it_and_pages_open(
    cast: Cast, submit: Submit, billed: Endpoint, scripted: ScriptedEndpoint, admin: Client
) -> None:
    member = client_of(cast.alice)

    @settings(
        max_examples=settings.default.max_examples * 4 // 10,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(call=CALLS, item=ITEM, voices=LISTS, models=LISTS)
    def say(call: Behaviour, item: dict[str, Any], voices: list[Any], models: list[Any]) -> None:
        # What was said before has been looked at, and would only make the pages longer.
        Conversion.objects.all().delete()
        Call.objects.all().delete()
        scripted.ledger.clear()
        breaker.resume(billed.pk)
        Endpoint.objects.update(strikes=0, struck_by="", learnt_slots=None, rest_until=None)
        Voice.objects.update(hidden=False)
        with nothing_unforeseen():
            conversion = submit(data=None)
            scripted.script(call)
            work_all()
            for known in scripted.ledger.history:
                known.update(item)
            works_on(conversion)
            bodies = json.dumps({"voices": voices}), json.dumps(models)
            scripted.script(gets=[Behaviour(body=body) for body in bodies])
            Endpoint.objects.update(syncing_until=None)
            catalogue.sync(billed)
            pages_open(member, admin, conversion)
        Step.objects.filter(status=Step.Status.WAITING).update(status=Step.Status.CANCELLED)
        assert math.isfinite(sums.used_this_month(cast.team).credits)

    say()


@pytest.mark.parametrize("cost", ["inf", "nan", "-1", "1e400", "1e13"])
def test_a_cost_that_cannot_be_believed_leaves_the_estimate(
    cast: Cast, submit: Submit, billed: Endpoint, scripted: ScriptedEndpoint, admin: Client, cost: str
) -> None:
    scripted.script(Behaviour(headers={"character-cost": cost}))
    conversion = submit()
    work_all()
    call, conversion = Call.objects.get(), Conversion.objects.get()
    assert call.outcome == Call.Outcome.ANSWERED
    assert call.credits == pytest.approx(1000 * call.seconds / 60)
    assert conversion.status == Conversion.Status.READY
    pages_open(client_of(cast.alice), admin, conversion)


def test_a_refusal_with_a_code_of_any_length_is_kept_in_its_column(
    submit: Submit, billed: Endpoint, scripted: ScriptedEndpoint
) -> None:
    body = json.dumps({"detail": {"status": "too_" * 100, "message": "No\0 \ud800" + "!" * 9000}})
    scripted.script(Behaviour(status=422, body=body, headers={"request-id": "r" * 900}))
    submit()
    work_all()
    conversion, call = Conversion.objects.get(), Call.objects.get()
    assert conversion.status == Conversion.Status.FAILED
    assert len(conversion.error_code) == 60
    assert (call.outcome, call.request_id, len(call.error)) == (Call.Outcome.REFUSED, "", 300)


def test_a_note_from_before_the_door_may_hold_anything(cast: Cast, submit: Submit, billed: Endpoint) -> None:
    conversion = submit()
    work(claim(Lane.CPU))
    step, token = conversion.steps.get(kind=Step.Kind.CONVERT), uuid4()
    Call.objects.create(
        conversion=conversion,
        step=step,
        endpoint=billed,
        team=cast.team,
        attempt=1,
        token=token,
        seconds=3.0,
        credits=50.0,
    )
    headers = {"character-cost": "inf", "request-id": "r\0" * 500, "maximum-concurrent-requests": "9" * 4000}
    with durable.open_file(conversion.source) as answer:
        durable.store_result(conversion.pk, step.pk, 1, token, answer, headers)
    with nothing_unforeseen():
        work_all()
    call = Call.objects.get()
    conversion.refresh_from_db()
    assert conversion.status == Conversion.Status.READY
    assert (call.outcome, call.credits, call.request_id) == (Call.Outcome.ANSWERED, 50.0, "")


def test_what_passes_the_door_fits_its_columns() -> None:
    def longest(model: Any, field: str) -> int:
        return int(model._meta.get_field(field).max_length)

    assert longest(Conversion, "error_code") == said.CODE_CHARACTERS
    assert longest(Call, "request_id") == longest(Call, "history_item_id") == said.NAME_CHARACTERS
