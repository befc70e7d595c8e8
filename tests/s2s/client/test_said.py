"""The door for what endpoints say takes anything, and lets out what can be kept."""

from __future__ import annotations

import json
import math

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from s2s.client import EndpointError, said
from s2s.client.statuses import MAX_RETRY_AFTER_S, refused, retry_after_s

ANYTHING = st.text(st.characters(exclude_categories=[]))
HEADER = st.text(st.characters(max_codepoint=255))


def _headers(text: dict[str, str]) -> httpx.Headers:
    """As they come over the wire."""
    return httpx.Headers([(name.encode(), value.encode("latin-1")) for name, value in text.items()])


@given(ANYTHING | st.floats().map(str) | st.integers().map(str))
@example("1e400")
@example("١٧")
def test_a_number_is_finite_and_within_its_bounds_or_none(text: str) -> None:
    value = said.number(text, 1000)
    assert value is None or (0 <= value <= 1000 and math.isfinite(value))


@pytest.mark.parametrize(("text", "value"), [("17", 17), (" 17 ", 17), ("3.5", 3.5), ("0", 0), ("1001", None)])
def test_a_plain_number_is_taken(text: str, value: float | None) -> None:
    assert said.number(text, 1000) == value


@given(ANYTHING)
def test_a_name_is_whole_or_none(text: str) -> None:
    assert said.name(text) in (None, text)


@given(ANYTHING)
def test_a_line_can_be_kept_everywhere(text: str) -> None:
    line = said.one_line(text, 20)
    assert len(line) <= 20
    assert not set(line) & set("\0\r\n")
    line.encode()


def test_joiners_stay_in_what_is_written_with_them() -> None:
    family = "\N{MAN}\N{ZERO WIDTH JOINER}\N{BOY}"
    assert said.one_line(family) == family


@given(st.binary())
@example(b"[" * 100_000)
@example(b"9" * 5000)
@example(b'{"a": [NaN, 1e400, -Infinity, 99999999999999999999, "\\u0000\\ud800"]}')
def test_json_has_numbers_that_can_be_reckoned_with_or_is_an_error(body: bytes) -> None:
    try:
        data = said.read_json(body)
    except ValueError:
        return
    json.dumps(data, allow_nan=False)


@given(HEADER)
@example("Mon, 99 Zzz 0000 99:99:99 +999999")
@example("9" * 400)
def test_retry_after_is_within_its_bounds_or_none(text: str) -> None:
    found = retry_after_s(_headers({"retry-after": text}))
    assert found is None or 0 <= found <= MAX_RETRY_AFTER_S


@given(st.integers(100, 999), st.dictionaries(st.sampled_from(["request-id", "location"]), HEADER), st.binary())
@example(400, {}, b'{"detail": ' + b"[" * 900 + b"]" * 900 + b"}")
def test_every_refusal_is_an_error_that_can_be_kept(status: int, headers: dict[str, str], body: bytes) -> None:
    error = refused(status, _headers(headers), body)
    assert isinstance(error, EndpointError)
    for words, most in ((str(error), 800), (error.code, 60), (error.message, 500), (error.request_id, 200)):
        assert len(words or "") <= most
        assert not set(words or "") & set("\0\r\n")
