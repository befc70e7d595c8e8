"""The real product: what a person sees who starts it, breaks it and starts it again."""

from __future__ import annotations

import io
import os
import re
import signal
import sqlite3
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.start.conftest import fill, small_disk_at
from tests.support.person import Person
from tests.support.product import START_TIMEOUT_S, STOP_TIMEOUT_S, Product, wait_for

EVERY_CHILD = ("zygote", "redis", "decoders", "engine", "calls", "cpu", "beat", "web")


def is_running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def is_ready(product: Product) -> bool:
    try:
        return httpx.get(f"{product.url}/readyz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def admins(product: Product) -> list[tuple[int, str, str]]:
    with sqlite3.connect(product.data_dir / "timbre.sqlite3") as connection:
        return connection.execute("SELECT id, email, password FROM teams_user").fetchall()


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """For the tests after which it runs as before, one of which fills its disk; each start costs seconds."""
    folder = tmp_path_factory.mktemp("running")
    said = folder / "output.txt"
    with small_disk_at(folder / "disk") as disk, Product(disk / "data", {"MIN_FREE_BYTES": "0"}, None, said) as running:
        yield running


def test_it_says_that_it_is_ready_when_it_is(product: Product) -> None:
    assert is_ready(product)
    assert product.output().count(f"Timbre is ready: {product.url}/") == 1
    assert set(product.pids()) == set(EVERY_CHILD)


def test_everything_in_the_data_folder_is_for_its_owner_alone(product: Product) -> None:
    assert product.data_dir.stat().st_mode & 0o077 == 0
    assert (product.data_dir / "secret_key").stat().st_mode & 0o777 == 0o600
    assert [path for path in product.data_dir.rglob("*") if path.lstat().st_mode & 0o077] == []


def test_a_password_that_was_given_is_not_repeated(product: Product) -> None:
    assert f"Sign in as {product.admin_email} with the password you set" in product.output()
    assert product.admin_password not in product.output()


def test_an_archive_that_breaks_off_does_not_look_whole(product: Product) -> None:
    speech = next((Path(__file__).parents[1] / "data" / "speech").glob("*.mp3")).read_bytes()
    recordings = [("audio", (name, speech)) for name in ("first.mp3", "second.mp3")]
    with Person(product) as person:
        batch = person.http.post("/", data=person.form(), files=recordings).headers["location"]
        archive = f"{batch}download/"
        ids = set(re.findall(r"/conversions/([0-9a-f-]{36})/", person.http.get(batch).text))
        assert [person.wait(f"/conversions/{one}/") for one in ids] == ["ready"] * 2
        whole = zipfile.ZipFile(io.BytesIO(person.http.get(archive).content))
        assert whole.testzip() is None
        with sqlite3.connect(product.data_dir / "timbre.sqlite3") as connection:
            (key,) = connection.execute(
                "SELECT output FROM conversions_conversion WHERE source_name LIKE 'second%'"
            ).fetchone()
        stored = product.data_dir / "media" / key
        stored.unlink()
        stored.mkdir()  # what can't be read, also by root
        with pytest.raises(httpx.RemoteProtocolError):
            person.http.get(archive)


def test_a_child_that_dies_is_started_again_and_said_in_one_line(product: Product) -> None:
    for name in EVERY_CHILD:
        killed = product.kill(name)
        wait_for(lambda name=name, killed=killed: product.pid(name) not in (0, killed), f"{name} runs again")
        line = f"{name} stopped (killed by signal 9); starting it again in 0.5 s"
        assert product.output().splitlines().count(line) == 1
        assert product.restarts(name) == 1
    wait_for(lambda: is_ready(product), "the product is ready again", START_TIMEOUT_S)


def test_workers_end_with_their_main_process_even_when_nobody_cleans_up(product: Product) -> None:
    assert product.supervisor is not None
    names = ("web", "cpu", "engine")
    wait_for(lambda: all(len(product.pids().get(name, [])) > 1 for name in names), "each has workers")
    families = {name: product.pids()[name] for name in names}
    product.supervisor.send_signal(signal.SIGSTOP)  # so that it isn't the supervisor who ends them
    try:
        for main, *_ in families.values():
            os.kill(main, signal.SIGKILL)
        everyone = [pid for pids in families.values() for pid in pids]
        wait_for(lambda: not any(is_running(pid) for pid in everyone), "the workers are gone")
    finally:
        product.supervisor.send_signal(signal.SIGCONT)


def test_it_goes_on_when_the_disk_was_full(product: Product) -> None:
    wait_for(lambda: is_ready(product), "it has got over the test before", START_TIMEOUT_S)
    died = product.output().count("calls stopped (killed")
    filler = fill(product.data_dir.parent)
    killed = product.kill("calls")
    wait_for(lambda: product.output().count("calls stopped (killed") > died, "the death was noticed")
    time.sleep(3)
    assert product.supervisor is not None
    assert product.supervisor.poll() is None
    filler.unlink()
    wait_for(lambda: is_ready(product), "it is ready again", START_TIMEOUT_S)
    wait_for(lambda: product.pid("calls") not in (0, killed), "calls runs again")


# ---- another copy, which is stopped, killed and started again ----


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """In a folder with an odd name. Nobody gave it a password. To drain, it would take longer than anybody waits here:
    what doesn't listen is killed at once or not within a test.
    """
    folder = tmp_path_factory.mktemp("copy") / "an odd name %20 ü #1"
    folder.mkdir()
    with Product(folder / "data", {"ADMIN_PASSWORD": "", "DRAIN_SECONDS": "600"}) as running:
        yield running


@pytest.fixture
def second(copy: Product) -> Product:
    """It runs, whatever the test before has left of it."""
    if copy.supervisor is None or copy.supervisor.poll() is not None:
        copy.start()
    return copy


def test_a_second_copy_runs_beside_it_in_a_folder_with_an_odd_name(product: Product, second: Product) -> None:
    wait_for(lambda: is_ready(product), "the first copy is ready")
    assert is_ready(second)
    assert is_ready(product)
    assert {path.name for path in second.data_dir.parent.iterdir()} == {"data", "data.output.txt"}
    assert list(second.data_dir.parents[1].iterdir()) == [second.data_dir.parent]  # nothing of it lies elsewhere
    assert len(admins(second)) == 1


def test_ctrl_c_stops_in_order_and_a_second_start_keeps_the_data_and_the_password_that_was_shown(
    product: Product, second: Product
) -> None:
    password = second.admin_password
    assert len(password) >= 12
    assert f"Sign in as {second.admin_email} with the password {password}" in second.output()
    key, people = (second.data_dir / "secret_key").read_text(), admins(second)
    (second.data_dir / "media" / "recording").write_bytes(b"sound")
    assert second.supervisor is not None
    second.supervisor.send_signal(signal.SIGINT)
    gone = in_which_order_they_end({name: pids[0] for name, pids in second.pids().items()})
    assert second.supervisor.wait(STOP_TIMEOUT_S) == 0
    assert gone[:2] == ["web", "beat"]
    assert set(gone[2:4]) == {"calls", "cpu"}
    assert gone[4] == "engine"
    assert set(gone[5:]) == {"decoders", "redis", "zygote"}
    assert second.left_over() == []
    assert not (second.data_dir / "supervisor.json").exists()
    assert is_ready(product)

    second.start()
    assert (second.data_dir / "secret_key").read_text() == key
    assert admins(second) == people
    assert (second.data_dir / "media" / "recording").read_bytes() == b"sound"
    assert second.output().count(password) == 1
    assert second.output().count("Sign in as") == 1
    files = [path for path in second.data_dir.rglob("*") if path.is_file()]
    assert [path for path in files if password.encode() in what_is_in(path)] == []


def what_is_in(path: Path) -> bytes:
    """Nothing, where it is gone since it was listed: previews and the database's files come and go."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def test_nothing_outlives_a_killed_supervisor_and_damaged_files_do_not_stop_the_next_start(second: Product) -> None:
    assert second.supervisor is not None
    second.supervisor.kill()
    second.supervisor.wait()
    wait_for(lambda: not second.left_over(), "everything is gone")

    redis = second.data_dir / "redis"
    assert (redis / "redis.sock").exists()  # nobody removed it
    assert second.status()["ready"]
    for path in (second.data_dir / "beat-schedule", *second.data_dir.glob("beat-schedule*")):
        path.write_bytes(b"\x00damaged" * 100)
    (redis / "appendonly.aof").write_bytes(b"*3\r\n$3\r\nSET\r\nnonsense" * 100)
    second.start()
    assert is_ready(second)
    assert "redis could not read its data" in second.output()
    assert list(redis.glob("damaged-*/appendonly.aof"))
    beat = second.pid("beat")
    time.sleep(2)
    assert second.pid("beat") == beat


def test_a_second_ctrl_c_does_not_wait(second: Product) -> None:
    """That SIGTERM is heard too, tests/faults/test_stopping.py tries."""
    assert second.supervisor is not None
    second.kill("calls", signal.SIGSTOP)  # a process that doesn't listen
    said = second.output().count("Press Ctrl-C again to stop at once")
    second.supervisor.send_signal(signal.SIGINT)
    wait_for(lambda: second.output().count("Press Ctrl-C again to stop at once") > said, "it has heard")
    time.sleep(1)
    assert second.supervisor.poll() is None
    second.supervisor.send_signal(signal.SIGINT)
    assert second.supervisor.wait(STOP_TIMEOUT_S) == 0
    assert second.left_over() == []


def in_which_order_they_end(mains: dict[str, int]) -> list[str]:
    """Looks at the last to end first, so that two that are gone by the next look don't seem to have changed places."""
    gone: list[str] = []
    give_up_at = time.monotonic() + STOP_TIMEOUT_S
    while len(gone) < len(mains) and time.monotonic() < give_up_at:
        now = [name for name in EVERY_CHILD if name not in gone and not is_running(mains[name])]
        gone += reversed(now)
        time.sleep(0.002)
    return gone
