"""What the supervisor says when it can't start: one sentence, on the error stream, and a code that isn't 0."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from bin.groups import free_port
from s2s_site.supervisor import redis_server
from s2s_site.supervisor.errors import CannotStart
from tests.start.conftest import fill
from tests.support.product import CHECKOUT, Product, wait_for


def refusal(data_dir: Path, **environment: str) -> str:
    """What a start that must fail says; it must leave nothing behind that runs."""
    product = Product(data_dir, environment)
    done = subprocess.run(
        [sys.executable, "-m", "s2s_site.supervisor"],
        cwd=CHECKOUT,
        env=product.env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert product.left_over() == []
    return done.stderr.strip()


def test_a_taken_port_is_named_with_another_to_choose(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refusal(tmp_path / "data", PORT=str(port))
    assert said.startswith(f"Port {port} is taken by another program")
    assert f"PORT={port + 1 if port < 65535 else 8000} bin/start" in said


def test_a_port_that_is_taken_on_every_address_counts_too(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))  # noqa: S104
        taken.listen()
        assert "is taken by another program" in refusal(tmp_path / "data", PORT=str(taken.getsockname()[1]))


@pytest.mark.parametrize("port", ["80a", "0", "70000", "-1"])
def test_a_port_that_is_no_port_is_refused(tmp_path: Path, port: str) -> None:
    assert refusal(tmp_path / "data", PORT=port) == (f"PORT is {port!r}, but must be a whole number from 1 to 65535.")


def test_a_host_that_is_not_this_machine_is_refused(tmp_path: Path) -> None:
    said = refusal(tmp_path / "data", HOST="192.0.2.1", PORT=str(free_port()))
    assert said == "HOST is '192.0.2.1', which is no address of this machine."


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    said = refusal(tmp_path / "file" / "data")
    assert said.startswith(f"DATA_DIR ({tmp_path}/file/data) can't be written (Not a directory)")


def test_a_data_folder_on_a_read_only_disk_is_named(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert "can't be written (Read-only file system)" in refusal(small_disk / "data")


def test_a_data_folder_on_a_full_disk_is_named(small_disk: Path) -> None:
    fill(small_disk)
    assert refusal(small_disk / "data").startswith(f"The disk of DATA_DIR ({small_disk}/data) is full")


def test_a_data_folder_in_use_is_named_with_its_owner(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with (data / "lock").open("w") as lock:
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = refusal(data)
    assert said.startswith(f"DATA_DIR ({data}) is in use by another running Timbre (process {os.getpid()})")


def test_a_database_that_does_not_answer_is_said_in_one_sentence(tmp_path: Path) -> None:
    said = refusal(tmp_path / "data", DATABASE_URL=f"sqlite:////{tmp_path}/missing/folder/db.sqlite3")
    assert said == "The database could not be brought up to date: unable to open database file"


@pytest.mark.parametrize("url", ["mysql://me:hidden@host/name", "somewhere", "sqlite3"])
def test_a_database_that_is_none_of_ours_is_said_without_its_password(tmp_path: Path, url: str) -> None:
    said = refusal(tmp_path / "data", DATABASE_URL=url)
    assert said.startswith("The settings can't be used: DATABASE_URL names no database that Timbre runs on. Write ")
    assert "hidden" not in said


def test_an_admin_address_that_is_none_is_named(tmp_path: Path) -> None:
    said = refusal(tmp_path / "data", ADMIN_EMAIL="nobody")
    assert said == "The first admin could not be made: ADMIN_EMAIL is not an e-mail address: nobody"


def test_a_folder_that_others_use_keeps_its_mode(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    (shared / "theirs").write_text("")
    refusal(shared, DATABASE_URL="sqlite:////missing/db.sqlite3")
    assert shared.stat().st_mode & 0o777 == 0o755
    assert (shared / "media").stat().st_mode & 0o777 == 0o700


def test_a_machine_without_any_redis_gets_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(redis_server.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CannotStart, match="apt install redis-server"):
        redis_server.find_program(tmp_path)


def test_a_packed_redis_without_its_execute_bit_is_made_executable(tmp_path: Path) -> None:
    packed = tmp_path / "redis-server"
    packed.write_text("#!/bin/sh\n")
    packed.chmod(0o644)
    assert os.access(redis_server._executable(packed, tmp_path), os.X_OK)


def test_redis_answers_on_a_socket_or_on_a_port_when_the_path_is_too_long(tmp_path: Path) -> None:
    for folder, scheme in ((tmp_path / "odd %20 ü #", "unix"), (tmp_path / ("long" * 30), "redis")):
        (folder / "redis").mkdir(parents=True)
        server = redis_server.choose(folder)
        server.write_configuration()
        assert server.url.startswith(f"{scheme}://")
        with subprocess.Popen(server.command, stdout=subprocess.DEVNULL) as running:
            try:
                wait_for(server.answers, "Redis answers")
                assert redis.Redis.from_url(server.url).set("key", "value")
                if not server.socket_path:
                    stranger = redis.Redis.from_url(f"redis://127.0.0.1:{server.port}/0")
                    with pytest.raises(redis.AuthenticationError):
                        stranger.get("key")
            finally:
                running.terminate()
