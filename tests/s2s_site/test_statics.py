"""Scripts, sheets and icons: what comes with them, and what is asked for where no page said so."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client


def test_the_icon_is_found_where_every_site_has_one() -> None:
    answer = Client().get("/favicon.ico")
    assert (answer.status_code, answer["Location"]) == (302, "/static/icons/favicon.svg")


@pytest.mark.parametrize("path", ["js/upload.js", "css/timbre.css", "icons/favicon.svg"])
def test_they_carry_no_policy_of_pages(settings: Any, path: str) -> None:
    """A page has forty of them, and the policy is as long as some of them."""
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True  # where nobody has collected them
    answer = Client().get(f"/static/{path}")
    assert (answer.status_code, answer["X-Content-Type-Options"]) == (200, "nosniff")
    assert "Content-Security-Policy" not in answer
    assert "Content-Security-Policy" in Client().get("/static/nothing.js")
