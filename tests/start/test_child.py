"""A process under supervision that keeps ending."""

from __future__ import annotations

import os
import sys

import pytest

from s2s_site.supervisor.child import Child
from s2s_site.supervisor.config import read_config
from s2s_site.supervisor.output import Output
from s2s_site.supervisor.processes import Process
from tests.support.product import wait_for


def test_it_is_started_again_after_pauses_that_grow_up_to_the_longest(capfd: pytest.CaptureFixture[str]) -> None:
    longest_s = read_config({"RESTART_PAUSE_SECONDS": "0.6"}).longest_pause_s
    output = Output()
    child = Child(Process("brief", (sys.executable, "-S", "-c", "")), os.environ, output, longest_pause_s=longest_s)
    child.start()
    wait_for(lambda: child.watch() and child.restarts == 2 and not child.is_running, "it has ended three times")
    output.flush()
    said = [line.rpartition(" in ")[2] for line in capfd.readouterr().out.splitlines() if "brief stopped" in line]
    assert said == ["0.5 s", "0.6 s", "0.6 s"]


def test_the_longest_is_half_a_minute_unless_told() -> None:
    assert read_config({}).longest_pause_s == 30.0
