"""How an endpoint's own words and headers are read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from s2s.client.statuses import retry_after_s, words


def test_retry_after_is_read_in_both_forms_and_kept_sane():
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def wait_s(value: str) -> float | None:
        return retry_after_s(httpx.Headers({"retry-after": value}), now)

    assert wait_s("0") == 0
    assert wait_s("2.5") == 2.5
    assert wait_s("9" * 400) == 3600
    assert wait_s(format_datetime(now + timedelta(seconds=90), usegmt=True)) == 90
    assert wait_s(format_datetime(now - timedelta(days=9))) == 0
    assert wait_s("Fri, 02 Jan 2026 03:05:05 -0000") == 60
    assert wait_s("Fri, 02 Jan 9999 03:05:05 GMT") == 3600
    for nonsense in ("", "soon", "-5", "nan", "inf"):
        assert wait_s(nonsense) is None


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b'{"detail": {"status": "a", "message": "b"}}', "a", "b"),
        (b'{"detail": {"code": "a", "type": "t", "message": "b"}}', "a", "b"),
        (
            b'{"detail": [{"loc": ["query", "seed"], "msg": "m"}, {"loc": ["x"], "msg": "n"}, 3]}',
            None,
            "seed: m; x: n; 3",
        ),
        (b'{"detail": "Not Found"}', None, "Not Found"),
        (b'{"detail": {"status": 3, "message": null}}', None, ""),
        (b'{"message": "b"}', None, "b"),
        (b'{"error": {"code": "a", "message": "b"}}', "a", "b"),
        (b'"text"', None, "text"),
        (b"null", None, ""),
        (b"[" * 60_000, None, "[" * 499 + "…"),
        (b"\xff\xfe\x00oops\r\nagain", None, "\ufffd\ufffd oops again"),
        (b"<!doctype html><TITLE lang=x>A &amp; B</TITLE>", None, "A & B"),
        (b"<html>no title", None, ""),
        (b"", None, ""),
    ],
)
def test_error_bodies_of_every_shape_become_a_code_and_a_line(body, code, message):
    assert words(body) == (code, message)
