"""What the environment chooses, and what of it a person is shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from s2s_site.supervisor.config import CHECKOUT, read_config
from s2s_site.supervisor.errors import CannotStart
from s2s_site.supervisor.processes import STOP_ORDER, table


def test_without_any_choice_it_is_for_this_machine_alone() -> None:
    config = read_config({})
    assert (config.local_url, config.shown_url) == ("http://127.0.0.1:8000/",) * 2
    assert not config.is_public
    assert config.data_dir == CHECKOUT / "data"


def test_on_every_address_the_machine_is_named_by_one_that_others_reach() -> None:
    config = read_config({"HOST": "0.0.0.0", "PORT": "8001"})  # noqa: S104
    shown = re.fullmatch(r"http://(.+):8001/", config.shown_url)
    assert shown
    assert shown.group(1) != "0.0.0.0"  # noqa: S104
    assert config.local_url == "http://127.0.0.1:8001/"
    assert config.is_public


def test_an_ipv6_address_is_written_in_brackets() -> None:
    assert read_config({"HOST": "::1"}).local_url == "http://[::1]:8000/"
    assert not read_config({"HOST": "[::1]"}).is_public


def test_a_password_from_a_file_counts_as_given(tmp_path: Path) -> None:
    assert read_config({"ADMIN_PASSWORD_FILE": str(tmp_path / "password")}).password_is_given


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="REDIS_URL_FILE names"):
        read_config({"REDIS_URL_FILE": str(tmp_path / "missing")})


@pytest.mark.parametrize("seconds", ["soon", "-1", "nan", "inf"])
def test_a_time_that_is_none_is_refused(seconds: str) -> None:
    with pytest.raises(CannotStart, match="must be a number of seconds"):
        read_config({"DRAIN_SECONDS": seconds})


def test_another_engine_takes_the_place_of_ours() -> None:
    names = [process.name for process in table(read_config({"ENGINE_URL": "http://engine:8801"}), None)]
    assert names == ["calls", "cpu", "beat", "web"]


def test_every_process_has_its_place_in_the_order_of_stopping() -> None:
    names = {process.name for process in table(read_config({}), 8801)} | {"decoders", "redis", "zygote"}
    assert sorted(name for group in STOP_ORDER for name in group) == sorted(names)


def test_no_command_line_carries_a_secret() -> None:
    config = read_config({"ADMIN_PASSWORD": "hidden", "REDIS_URL": "redis://:hidden@host/0"})
    assert not any("hidden" in word for process in table(config, 8801) for word in process.command)
