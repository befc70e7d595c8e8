"""The admin's search finds what it says, however old, and reads no more than it must."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from conversions.admin import search as admin_search
from conversions.models import Conversion
from tests.conversions.conftest import Submit
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rows(submit: Submit, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> list[Conversion]:
    """Newest first: Alice, Bob, Alice, Bob; the search looks for names among the newest two."""
    monkeypatch.setattr(admin_search, "SEARCHED", 2)
    monkeypatch.setattr(admin_search, "FEW", 2)
    made = [submit(user) for user in (cast.alice, cast.bob, cast.alice, cast.bob)]
    for number, row in enumerate(made):
        row.title, row.source_name = f"Chapter {number}", f"take-{number}.wav"
        row.created_at = timezone.now() - timedelta(days=number)
        row.save()
    return made


def search(admin: Client, term: str) -> list[str]:
    response = admin.get("/admin/conversions/conversion/", {"q": term})
    return [row.title for row in response.context["cl"].result_list]


@pytest.mark.parametrize(
    ("term", "titles"),
    [
        ("chapter", ["Chapter 0", "Chapter 1"]),
        ("CHAPTER 1", ["Chapter 1"]),
        ("take-0", ["Chapter 0"]),
        ("chapter 3", []),
        ("bob", ["Chapter 1"]),
        ("bob chapter", ["Chapter 1"]),
        ("bob take-0", []),
        ("bob@example.com", ["Chapter 1", "Chapter 3"]),
        (" Bob@Example.com ", ["Chapter 1", "Chapter 3"]),
        ("nobody@example.com", []),
        ("100% _", []),
        ("", ["Chapter 0", "Chapter 1", "Chapter 2", "Chapter 3"]),
    ],
)
def test_what_is_found(admin: Client, rows: list[Conversion], term: str, titles: list[str]) -> None:
    assert search(admin, term) == titles


def test_an_id_finds_the_oldest_one(admin: Client, rows: list[Conversion]) -> None:
    assert search(admin, str(rows[3].pk)) == search(admin, rows[3].pk.hex) == ["Chapter 3"]


def test_of_someone_who_made_many_the_newest_are_searched(
    admin: Client, rows: list[Conversion], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_search, "FEW", 1)
    assert search(admin, "bob@example.com") == ["Chapter 1"]


def test_zero_retention_is_not_found(admin: Client, rows: list[Conversion]) -> None:
    Conversion.objects.filter(pk=rows[1].pk).update(enable_logging=False)
    for term in ("chapter 1", "bob", str(rows[1].pk)):
        assert search(admin, term) == []
    assert search(admin, "bob@example.com") == ["Chapter 3"]
