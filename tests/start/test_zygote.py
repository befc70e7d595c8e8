"""What web, calls, cpu and beat are forked from: shared, never missed, and nothing of theirs passes through it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from s2s import orphan
from s2s_site.supervisor.forked import Zygote
from s2s_site.supervisor.output import Output
from s2s_site.supervisor.processes import FORKED, Process, zygote_process
from s2s_site.supervisor.signals import Signals
from tests.s2s_site.test_footprint import share_of_its_own
from tests.support.person import Person
from tests.support.product import Product, wait_for

PROGRAM = ("-m", "platform")  # a module that says something and ends


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with Product(tmp_path_factory.mktemp("zygote") / "data") as running:
        yield running


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _colon, value in (line.partition(":") for line in lines)}


def wait_until_again(product: Product, name: str, ended: int) -> None:
    wait_for(lambda: product.pid(name) not in (0, ended), f"{name} runs again")


def zombies_of(parent: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                one = status(int(folder.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
            if one["PPid"] == str(parent) and one["State"].startswith("Z"):
                found.append(int(folder.name))
    return found


def test_who_was_forked_is_the_supervisors_and_shares_what_was_loaded(product: Product) -> None:
    assert product.supervisor is not None
    for name in FORKED:
        main, *workers = product.pids()[name]
        assert status(main)["PPid"] == str(product.supervisor.pid)
        assert os.getsid(main) == main
        assert {pid: share_of_its_own(pid) for pid in (main, *workers) if share_of_its_own(pid) > 0.75} == {}


def test_it_has_one_thread_and_neither_database_nor_redis(product: Product) -> None:
    pid = product.pid("zygote")
    assert status(pid)["Threads"] == "1"
    opened = [str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()]
    assert [name for name in opened if str(product.data_dir) in name] == []
    assert len([name for name in opened if name.startswith("socket:")]) == 1  # the line to the supervisor


def test_no_process_that_stays_carries_the_admins_password(product: Product) -> None:
    assert product.admin_password in product.env.values()
    for name, pids in product.pids().items():
        for pid in pids:
            assert product.admin_password.encode() not in Path(f"/proc/{pid}/environ").read_bytes(), name


def test_what_a_killed_child_leaves_is_buried(product: Product) -> None:
    assert product.supervisor is not None
    supervisor = product.supervisor.pid
    main, worker = product.pids()["web"]
    product.kill("web")
    wait_until_again(product, "web", main)
    wait_for(lambda: not Path(f"/proc/{worker}").exists(), "its worker is gone, also as a zombie")
    wait_for(lambda: not zombies_of(supervisor), "no zombie is left")


def test_who_was_told_to_stop_tells_nobody_else(product: Product) -> None:
    for name in ("calls", "cpu"):
        told = product.kill(name, signal.SIGTERM)
        wait_until_again(product, name, told)
    with Person(product) as person:
        speech = next((Path(__file__).parents[1] / "data" / "speech").glob("*.mp3"))
        assert person.wait(person.submit_file(speech)) == "ready"


def test_whom_it_forked_go_on_without_it_and_it_comes_again(product: Product) -> None:
    before = {name: product.pid(name) for name in FORKED}
    killed = product.kill("zygote")
    wait_until_again(product, "zygote", killed)
    assert {name: product.pid(name) for name in FORKED} == before
    product.kill("beat")
    wait_until_again(product, "beat", before["beat"])
    assert share_of_its_own(product.pid("beat")) <= 0.75  # forked, from the new one


# ---- the supervisor's side alone ----


@pytest.fixture
def signals() -> Iterator[Signals]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM)}
    handlers[signal.SIGHUP] = signal.getsignal(signal.SIGHUP)
    wakeup_fd = signal.set_wakeup_fd(-1)
    try:
        yield Signals()
    finally:
        signal.set_wakeup_fd(wakeup_fd)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def zygote(signals: Signals, code: str) -> Zygote:
    found = Zygote(Process("zygote", (sys.executable, "-c", code)), os.environ, Output(), signals, patience_s=1.0)
    found.start()
    return found


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import time; time.sleep(600)", id="hangs"),
        pytest.param("raise SystemExit(1)", id="can not load"),
        pytest.param("import socket, sys; socket.socket(fileno=int(sys.argv[1])).send(bytes(8))", id="can not fork"),
    ],
)
def test_where_nothing_can_be_forked_it_is_started_the_plain_way(signals: Signals, code: str) -> None:
    parent = zygote(signals, code)
    try:
        run = parent.spawn((sys.executable, *PROGRAM), os.environ, stderr=subprocess.STDOUT)
        assert isinstance(run, subprocess.Popen)
        assert run.stdout is not None
        assert b"Linux" in run.stdout.read()
        assert run.wait() == 0
        wait_for(lambda: parent.reap() is not None, "it has ended")
    finally:
        parent.kill()


class KilledBeforeItsAnswer(Zygote):
    forked = 0

    def _answer(self, line: socket.socket) -> int:
        self.forked = super()._answer(line)
        self.kill()
        return 0


@pytest.fixture
def orphans_are_ours() -> Iterator[None]:
    assert orphan.adopt_orphans()
    yield
    orphan._prctl(orphan._PR_SET_CHILD_SUBREAPER, 0)


@pytest.mark.usefixtures("orphans_are_ours")
def test_who_was_forked_unheard_of_does_not_begin(signals: Signals, tmp_path: Path) -> None:
    environment = {**os.environ, "DATA_DIR": str(tmp_path), "SECRET_KEY": "unused"}
    parent = KilledBeforeItsAnswer(zygote_process(), environment, Output(), signals)
    parent.start()
    trace = tmp_path / "trace"
    run = parent.spawn(
        (sys.executable, "-m", "timeit", "-n1", "-r1", f"open({str(trace)!r}, 'a').write('ran ')"),
        environment,
        stderr=subprocess.STDOUT,
    )
    assert isinstance(run, subprocess.Popen)
    assert run.wait() == 0
    assert parent.forked
    os.waitpid(parent.forked, 0)
    assert trace.read_text() == "ran "
