"""Whatever is sent to whatever address by whomever: no answer is an error of ours, and none shows what others have.

Each address gets requests of its own; `--hypothesis-profile=search` makes ten times as many, others each time. What is
found becomes a case in test_refusals.py.
"""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from hypothesis import Phase, given, note, seed, settings

from tests.conversions.conftest import Submit
from tests.conversions.url_map.addresses import Address, all_addresses
from tests.conversions.url_map.asking import Answer, Asked, Client
from tests.conversions.url_map.drawing import Drawing, usual_values
from tests.conversions.url_map.requests import Request
from tests.conversions.url_map.site import PRIVATE, THEIRS, Site
from tests.support.cast import Cast
from voices.models import Voice

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600 if settings.default.derandomize else 3600),
]
ADDRESSES = all_addresses()
# Another one in s2s_site/urls.py goes before it.
CLOSED = {"/admin/r/%(content_type_id)s/%(object_id)s/"}
IN_ADMIN = "/admin/"


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """What is refused is logged, thousands of times."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def site(cast: Cast, submit: Submit, voice: Voice, tmp_path: Path, settings: Any) -> Site:
    settings.HEALTH_TOKEN = "token"
    return Site(cast, submit, voice, tmp_path / "kept")


@pytest.mark.parametrize("part", ["pages", "admin"])
def test_no_request_is_an_error_of_ours_or_shows_what_others_have(site: Site, part: str) -> None:
    addresses = [address for address in ADDRESSES if address.template.startswith(IN_ADMIN) == (part == "admin")]
    client = Client(site)
    with site.watched():
        for address in addresses:
            fuzz(site, client, address)
    unreached = {str(address) for address in addresses if address.view and address.view not in client.reached}
    assert unreached <= CLOSED, "to these no request ever came"


def fuzz(site: Site, client: Client, address: Address) -> None:
    asked = listen(client, address)
    site.renew()

    drawing = Drawing(address, asked)
    answered: set[Request] = set()  # Hypothesis repeats itself

    @settings(max_examples=settings.default.max_examples * drawing.share // 10, phases=[Phase.generate, Phase.shrink])
    @given(request=drawing.requests)
    def ask(request: Request) -> None:
        if request in answered:
            return
        try:
            answer = client.ask(request)
            check(answer, request.who, str(request.address))
            if request.method == "POST" and site.changed:
                look_around(client, request, answer)
            answered.add(request)
        finally:
            site.renew()

    if settings.default.derandomize:  # on each database others, and the same ones each time
        seed(zlib.crc32(f"{connection.vendor} {address}".encode()))(ask)
    ask()


def listen(client: Client, address: Address) -> Asked:
    places = tuple(usual_values(name, kind)[0] for name, kind in address.places)
    who = "root" if address.template.startswith(IN_ADMIN) else "alice"
    stranger = address.template.startswith("/accounts/")
    return client.listen(Request(address, None if stranger else who, places=places, fills_in=True))


def look_around(client: Client, request: Request, answer: Answer) -> None:
    """What was taken in doesn't break the pages that come after it."""
    looks = [("/", "alice"), ("/history/", "alice")]
    location = answer.headers.get("Location", "")
    if location.startswith("/") and not location.startswith("//"):
        looks.append((location, request.who))
    for path, who in looks:
        note(f"then {who} looks at {path}")
        # Staff may have put her into the other team.
        check(client.get(path, who), "root" if request.who in ("root", "staff") else who, path)


def check(answer: Answer, who: str | None, path: str) -> None:
    assert answer.status < 500 or is_not_ready(answer, path), answer
    shown = answer.content + json.dumps(answer.headers).encode()
    assert PRIVATE.encode() not in shown or who == "bob"
    assert THEIRS.encode() not in shown or (who in ("root", "staff") and path.startswith(IN_ADMIN))


def is_not_ready(answer: Answer, path: str) -> bool:
    """No worker runs beside these tests, and /readyz is there to say so."""
    return (
        path == "/readyz"
        and answer.status == 503
        and "no living worker" in json.loads(answer.content)["checks"]["workers"]
    )
