"""A moment that the database wrote is the same one when it comes back from us, on either database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models.functions import Now

from conversions.models import Conversion

pytestmark = pytest.mark.django_db

MOMENTS = [
    datetime(2026, 3, 1, 12, 30, 5, microsecond, tzinfo=UTC) for microsecond in (0, 1_000, 250_000, 250_999, 999_999)
]


def test_what_the_database_wrote_is_equal_to_what_was_read(submit) -> None:
    for _ in range(3):
        made = submit()
        made.refresh_from_db()
        same = Conversion.objects.filter(pk=made.pk)
        assert same.filter(created_at=made.created_at).exists()
        assert not same.filter(created_at__gt=made.created_at).exists()
        assert not same.filter(created_at__lt=made.created_at).exists()


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_what_we_wrote_is_in_order_with_what_we_ask_for(submit, moment: datetime) -> None:
    same = Conversion.objects.filter(pk=submit().pk)
    same.update(created_at=moment)
    assert same.filter(created_at=moment, created_at__lte=moment, created_at__gte=moment).exists()
    assert same.filter(created_at__lt=moment + timedelta(milliseconds=1)).exists()
    assert same.filter(created_at__gt=moment - timedelta(milliseconds=1)).exists()


def test_our_clock_and_the_databases_are_in_order(submit) -> None:
    """What we wrote for now is past for a statement that follows, however soon."""
    same = Conversion.objects.filter(pk=submit().pk)
    for _ in range(200):
        same.update(created_at=Now())
        written = same.get().created_at
        same.update(created_at=written)
        assert same.filter(created_at__lte=Now()).exists()
