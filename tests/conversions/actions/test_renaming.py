"""Renaming: what a name may be, who may give it, and that a zero retention one has none."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from conversions import actions
from conversions.forms.titles import TitleForm
from conversions.models import Conversion, Event
from conversions.pages.timeline import timeline_of
from tests.conversions.conftest import Submit, client_of
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(cast: Cast) -> Client:
    return client_of(cast.alice)


def test_the_new_name_is_everywhere_and_the_file_keeps_its_own(client: Client, submit: Submit) -> None:
    conversion = submit()
    answer = client.post(f"/conversions/{conversion.pk}/rename/", {"title": " Harbour \n news,  final "})
    assert "<bdi>Harbour news, final</bdi></h1>" in client.get(answer["Location"]).content.decode()
    conversion.refresh_from_db()
    assert (conversion.title, conversion.source_name) == ("Harbour news, final", "harbour news.wav")
    assert timeline_of(conversion)[-1].words == "Alice renamed it to “Harbour news, final”"


def test_the_same_name_is_no_event(submit: Submit, cast: Cast) -> None:
    conversion = submit()
    assert not actions.rename(conversion, cast.alice, conversion.title)
    assert not Event.objects.filter(kind="renamed").exists()


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("", "It needs a name."),
        (" \t\r\n ", "It needs a name."),
        ("\u202e\u200b", "It needs a name."),
        ("x" * 201, "This name has 201 characters, and at most 200 fit."),
        ("a\0b", "This name has characters in it that can’t be kept."),
    ],
)
def test_a_name_that_can_not_be_taken_gets_a_sentence(title: str, words: str, client: Client, submit: Submit) -> None:
    conversion = submit()
    answer = client.post(f"/conversions/{conversion.pk}/rename/", {"title": title})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert Conversion.objects.get().title == conversion.title


def test_marks_that_nobody_sees_are_left_out() -> None:
    form = TitleForm({"title": "gnp\u202e.exe\u200b  e\u0301"})
    assert form.is_valid()
    assert form.cleaned_data["title"] == "gnp.exe é"


def test_a_zero_retention_one_keeps_no_name(client: Client, submit: Submit, cast: Cast) -> None:
    conversion = submit(enable_logging=False)
    with pytest.raises(PermissionDenied):
        actions.rename(conversion, cast.alice, "Merger")
    page = client.get(f"/conversions/{conversion.pk}/").content.decode()
    assert "/rename/" not in page
    assert client.post(f"/conversions/{conversion.pk}/rename/", {"title": "Merger"}).status_code == 403
    assert Conversion.objects.get().title == conversion.title
