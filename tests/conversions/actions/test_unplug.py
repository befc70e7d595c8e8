"""An endpoint that is switched off or deleted while a recording waits to be ordered: another voice speaks then."""

from __future__ import annotations

from contextlib import closing

import pytest

from conversions import actions
from conversions.models import Conversion
from s2s.contract import ConvertParameters
from teams.models import User
from tests.conversions.conftest import Submit, client_of, done, upload, work_all
from tests.conversions.views.test_parts import form
from tests.support.cast import Cast
from tests.support.endpoint import Behaviour
from tests.support.endpoint import Endpoint as ScriptedEndpoint
from tests.support.sound import phrase
from voices.models import Endpoint, Voice

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def atlas(scripted: ScriptedEndpoint, voice: Voice) -> Voice:
    """Of another endpoint, which comes behind the first one's."""
    scripted.script(default=Behaviour(speaks=True))
    other = Endpoint.objects.create(key="other", name="Others", base_url=scripted.url, slots=2, zero_retention=True)
    return Voice.objects.create(endpoint=other, voice_id="atlas", name="Atlas")


@pytest.fixture
def kept(cast: Cast, voice: Voice) -> Conversion:
    return keep(cast)


def keep(cast: Cast, **wishes: object) -> Conversion:
    with closing(upload(phrase(30.0))) as file:
        order = actions.Order(ConvertParameters.model_validate({"output_format": "wav_16000", **wishes}))
        conversion = actions.keep(cast.alice, cast.team, file, order)
    work_all()
    conversion.refresh_from_db()
    assert conversion.status == "unordered"
    return conversion


def parts(conversion: Conversion, voice: Voice | int) -> dict[str, object]:
    return form([("Anna", voice, ""), ("", "", "")], [("0", "12", "1")], do="convert")


def order(conversion: Conversion, cast: Cast, voice: Voice | int) -> tuple[int, str]:
    answer = client_of(cast.alice).post(f"/conversions/{conversion.pk}/parts/", parts(conversion, voice))
    return answer.status_code, answer.content.decode()


def test_deleted_it_leaves_what_waits_and_another_voice_speaks(
    kept: Conversion, atlas: Voice, cast: Cast, root: User
) -> None:
    testers, nora = kept.endpoint, kept.voice_id
    private = keep(cast, enable_logging=False)
    unread = Conversion.objects.get(pk=private.pk)
    assert {row.endpoint for row in (kept, private, unread)} == {testers}
    assert actions.known_of([testers]).unordered == 2
    assert actions.unplug(testers, root)
    assert list(Endpoint.objects.all()) == [atlas.endpoint]
    page = client_of(cast.alice).get(f"/conversions/{kept.pk}/parts/").content.decode()
    assert "Nora" not in page
    status, words = order(kept, cast, nora)
    assert status == 422
    assert "This voice is no longer offered. Choose another one." in words
    for conversion in (kept, private):
        assert order(conversion, cast, atlas)[0] == 303
        assert done(conversion).voice_name == "Atlas"


def test_switched_off_it_is_said_that_another_must_be_chosen(kept: Conversion, atlas: Voice, cast: Cast) -> None:
    Endpoint.objects.filter(pk=kept.endpoint_id).update(enabled=False)
    status, words = order(kept, cast, kept.voice_id)
    assert status == 422
    assert "This voice is no longer offered. Choose another one." in words
    assert order(kept, cast, atlas)[0] == 303
    assert done(kept).endpoint == atlas.endpoint


def test_where_no_voice_is_left_the_endpoint_stays_and_the_page_says_it(
    kept: Conversion, cast: Cast, root: User
) -> None:
    assert actions.known_of([kept.endpoint]).is_named
    assert not actions.unplug(kept.endpoint, root)
    address = f"/conversions/{kept.pk}/parts/"
    assert "No voice is offered at the moment" not in client_of(cast.alice).get(address).content.decode()
    Endpoint.objects.update(enabled=False)
    page = client_of(cast.alice).get(address)
    assert page.status_code == 200
    assert "No voice is offered at the moment, so nothing can be converted yet." in page.content.decode()
    Endpoint.objects.update(enabled=True, zero_retention=True)
    private = keep(cast, enable_logging=False)
    Endpoint.objects.update(zero_retention=False)
    page = client_of(cast.alice).get(f"/conversions/{private.pk}/parts/")
    assert "No endpoint here can promise to keep nothing at the moment" in page.content.decode()


def test_what_was_converted_keeps_its_endpoint_and_begins_without_its_voice(
    submit: Submit, atlas: Voice, cast: Cast, root: User
) -> None:
    ready = done(submit(data=phrase(30.0)))
    assert not actions.unplug(ready.endpoint, root)
    address = f"/conversions/{ready.pk}/parts/"
    words = "The voice Nora isn’t offered any more. Choose another one."
    assert words not in client_of(cast.alice).get(address).content.decode()
    Endpoint.objects.filter(pk=ready.endpoint_id).update(enabled=False)
    assert words in client_of(cast.alice).get(address).content.decode()
