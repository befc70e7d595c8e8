"""The style page is for who works on the product; tests/browser/test_styleguide.py looks at it."""

from __future__ import annotations

import pytest

from tests.conversions.conftest import client_of
from tests.support.cast import Cast


@pytest.mark.django_db
def test_it_is_not_there_without_debug(cast: Cast) -> None:
    assert client_of(cast.alice).get("/styleguide/").status_code == 404
