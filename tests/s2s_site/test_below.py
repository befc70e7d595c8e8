"""A site below a path: what a proxy may leave or take off."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from s2s_site.below import below
from s2s_site.environment import public_address


@pytest.mark.parametrize(
    ("asked", "arrives"),
    [
        *(("/timbre/history/", "/history/"), ("/timbre/", "/"), ("/history/", "/history/")),
        *(("/timbres/", "/timbres/"), ("/timbre/timbre/", "/timbre/"), ("", "")),
    ],
)
def test_the_path_is_taken_off_once(asked: str, arrives: str) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        return [environ["PATH_INFO"].encode()]

    assert list(below("/timbre", application)({"PATH_INFO": asked}, None)) == [arrives.encode()]
    assert below("", application) is application


@pytest.mark.parametrize(("query", "leads_to"), [("", "/timbre/"), ("take=sample", "/timbre/?take=sample")])
def test_a_link_without_its_end_is_led_there(query: str, leads_to: str) -> None:
    said: list[tuple[str, list[tuple[str, str]]]] = []
    environ = {"PATH_INFO": "/timbre", "QUERY_STRING": query}
    assert list(below("/timbre", lambda *_: [b"not asked"])(environ, lambda *answer: said.append(answer))) == []
    assert said == [("308 Permanent Redirect", [("Location", leads_to)])]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("", ("", "")),
        ("https://timbre.example.com", ("https://timbre.example.com", "")),
        ("https://timbre.example.com:8443/", ("https://timbre.example.com:8443", "")),
        ("http://example.com/voices/timbre/", ("http://example.com", "/voices/timbre")),
    ],
)
def test_an_address_is_an_origin_and_a_path(url: str, address: tuple[str, str]) -> None:
    assert public_address(url) == address


@pytest.mark.parametrize(
    "url",
    [
        *(
            "timbre.example.com",
            "ftp://a",
            "https://",
            "https://a//b",
            "https://a/b?c",
            "https://a/b#c",
            "https://a/b c",
        ),
        *("https://u@a", "/timbre"),
    ],
)
def test_what_is_no_address_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"Write https://timbre\.example\.com"):
        public_address(url)
