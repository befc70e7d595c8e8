"""Pages of errors say what happened, and need nobody who asked."""

from __future__ import annotations

import re

import pytest
from django.template import loader


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
def test_one_is_written_without_a_request(status: int) -> None:
    page = loader.get_template(f"{status}.html").render()
    title = re.search(r"<title>(.+) – Timbre</title>", page)
    assert title is not None
    assert f"<h1>{title[1]}</h1>" in page
    assert re.search(r'<p class="lede">\s*\w', page)
    assert page.count('<a class="button" href="/') == 1
