"""What pages weigh on the wire (bench/pages has it in figures)."""

from __future__ import annotations

import gzip

import pytest
from django.test import Client

from conversions.models import Conversion

pytestmark = pytest.mark.django_db(transaction=True)
COMPRESSED = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.fixture
def addresses(ready: Conversion) -> dict[str, tuple[str, str]]:
    """Of each page: where it is, and how it ends."""
    end = "</html>"
    return {
        "studio": ("/", end),
        "conversion": (f"/conversions/{ready.pk}/", end),
        "sheet": ("/offering.css", "display: none;\n}"),
    }


@pytest.mark.parametrize("page", ["studio", "conversion", "sheet"])
def test_it_comes_compressed_to_whom_takes_it_so(
    alice: Client, addresses: dict[str, tuple[str, str]], page: str
) -> None:
    address, end = addresses[page]
    plain, small = alice.get(address), alice.get(address, headers=COMPRESSED)
    assert "Content-Encoding" not in plain
    assert (small.status_code, small["Content-Encoding"]) == (200, "gzip")
    assert all("Accept-Encoding" in answer["Vary"] for answer in (plain, small))
    for whole in (plain.content, gzip.decompress(small.content)):
        assert whole.decode().rstrip().endswith(end)
        assert len(small.content) < len(whole) / 2


def test_what_repeats_words_of_its_address_does_not(alice: Client, ready: Conversion) -> None:
    """Its length would tell whether they stand elsewhere in it, too (BREACH)."""
    page = alice.get("/history/", {"q": "harbour"}, headers=COMPRESSED)
    assert (page.status_code, "harbour" in page.content.decode()) == (200, True)
    assert "Content-Encoding" not in page
