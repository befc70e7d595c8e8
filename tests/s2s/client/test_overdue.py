"""A deadline whose timer comes late, as on a busy machine: what ended the call is told all the same."""

from __future__ import annotations

import pytest

from s2s.client import Timeouts, Unclear
from s2s.client.abort import Line
from tests.s2s.client.test_errors import failure
from tests.support.endpoint import Behaviour


@pytest.mark.parametrize("fault", ["hang", "hang_body"])
def test_silence_until_the_deadline_is_the_deadline(endpoint, connect, fault, monkeypatch):
    monkeypatch.setattr(Line, "cut", lambda line, reason: None)
    endpoint.script(Behaviour(fault=fault))
    with connect(endpoint.url, timeout=Timeouts(read_s=0.3, total_s=0.3)) as client:
        error = failure(client)
    assert type(error) is Unclear
    assert error.code == "deadline"
