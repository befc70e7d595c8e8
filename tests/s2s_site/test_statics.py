"""What is asked for where no page said so."""

from __future__ import annotations

from django.test import Client


def test_the_icon_is_found_where_every_site_has_one() -> None:
    answer = Client().get("/favicon.ico")
    assert (answer.status_code, answer["Location"]) == (302, "/static/icons/favicon.svg")
