"""The groups of bin/test: runs them in order, each with its time, and ends with the totals.

    bin/test                             everything
    bin/test units start                 these groups: all parts of units, and start
    bin/test units-site -k accepted      one group; what follows its name goes to pytest
    bin/test tests/teams/test_people.py  these files, folders or tests alone, on SQLite
    bin/test postgres tests/teams        the same as that group would run them

A failing group fails the run, but the groups after it still run. The checks run one after the other. Beside them run
the tests: a group of them keeps a core busy for little more than half of its time and waits else, so two run for each
core. None is so long that the others have ended long before it. What a group prints is shown when it has ended, and
grows meanwhile in test-results/. Run by bin/test, which prepares the machine.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CHECKOUT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
TOOLS = Path(PYTHON).parent
RESULTS = CHECKOUT / "test-results"
_AT_A_TIME = 2 * (os.cpu_count() or 1)
_NOTHING_FOUND = 5  # pytest's code
ROOMS = (
    "s2s",
    "s2s_site",
    "statements",
    "teams",
    "voices",
    "conversions",
    "api",
    "deploy",
    "tests",
    "bench",
    "bin",
    "manage.py",
)

# What `manage.py check --deploy` should find nothing to say about.
SAFE = {
    "BASE_URL": "https://timbre.example.com",
    "ALLOWED_HOSTS": "timbre.example.com",
    "BEHIND_PROXY": "true",
    "SECURE_SSL_REDIRECT": "true",
    "SECURE_HSTS_SECONDS": "31536000",
    "SECURE_HSTS_SUBDOMAINS": "true",
}

# They start browsers of other kinds, with other arguments or before another product, beside the one that all other
# pages share.
_KINDS = ("every_browser", "hour", "proxies", "recording", "uploads", "without_shelf")
_BROWSERS_OF_THEIR_OWN = tuple(f"tests/browser/test_{name}.py" for name in _KINDS)
# How pages look; and the pages of parts and of a film, which several of these tests share.
_LOOKS = ("contrast", "contrast_parts", "looks", "styleguide", "channels", "films", "kept_marks", "parts", "unordered")
_OF_LOOKS = tuple(f"tests/browser/test_{name}.py" for name in _LOOKS)
# What workers do, and the engine: the longer halves of what stands beside them.
_OF_WORKERS = tuple(
    f"tests/conversions/{room}" for room in ("files", "ground", "ledger", "queue", "sound", "steps", "upkeep")
)
_ON_POSTGRESQL = (("DATABASE_URL", "{postgres}"),)
_OF_THE_ENGINE = ("tests/s2s/engine", "tests/s2s/speakers")


@dataclass(frozen=True)
class Group:
    """Commands, or folders and files of tests, of which `without` and `marked` leave out some. `{postgres}` in an
    environment value is the URL of a throw-away server of its own."""

    name: str
    commands: tuple[tuple[str, ...], ...] = ()
    tests: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    marked: str = ""
    environment: tuple[tuple[str, str], ...] = ()

    def is_meant_by(self, word: str) -> bool:
        """By its whole name, or by what it shares with its other parts: `units` is units-sound and units-site."""
        return word == self.name or self.name.startswith(f"{word}-")

    def part_of(self, test: str) -> list[str]:
        """What this group has of a folder, a file or a test."""
        path = Path(test.partition("::")[0])
        if _lies_in(path, self.tests):
            return [] if _lies_in(path, self.without) else [test]
        return [own for own in self.tests if Path(own).is_relative_to(path)]

    def pytest_options(self) -> list[str]:
        return [*(f"--ignore={path}" for path in self.without), *(("-m", self.marked) if self.marked else ())]


def _lies_in(path: Path, places: tuple[str, ...]) -> bool:
    return any(path.is_relative_to(place) for place in places)


@dataclass
class Result:
    """What a group came to; a command counts as one test."""

    name: str
    passed: int = 0
    failed: int = 0
    seconds: float = 0.0


def groups() -> list[Group]:
    """In the order in which they begin: what fails fast, and the longest first, which leaves the cores least idle."""
    manage = (PYTHON, "manage.py")
    return [
        Group(
            "format", ((_tool("ruff"), "format", "--check", *_present()), (_tool("djade"), "--check", *_templates()))
        ),
        Group("lint", ((_tool("ruff"), "check", *_present()),)),
        Group("types", ((_tool("mypy"),),)),
        Group("imports", ((_tool("lint-imports"),),)),
        Group(
            "migrations",
            (
                (*manage, "makemigrations", "--check", "--dry-run"),
                (*manage, "check", "--deploy", "--fail-level", "WARNING"),
            ),
            environment=tuple(SAFE.items()),
        ),
        Group("faults-postgresql", tests=("tests/faults",), marked="not sqlite"),
        Group("browser-pages", tests=("tests/browser",), without=_BROWSERS_OF_THEIR_OWN + _OF_LOOKS),
        Group(
            "units-site",
            tests=("tests/conversions", "tests/voices", "tests/teams", "tests/s2s_site"),
            without=_OF_WORKERS,
        ),
        Group("units-work", tests=_OF_WORKERS),
        Group("units-engine", tests=_OF_THE_ENGINE),
        Group("browser-looks", tests=_OF_LOOKS),
        Group("browser-kinds", tests=_BROWSERS_OF_THEIR_OWN),
        Group("units-sound", tests=("tests/s2s", "tests/recordings"), without=_OF_THE_ENGINE),
        Group("deploy", tests=("tests/deploy",)),
        Group("faults-sqlite", tests=("tests/faults",), marked="sqlite"),
        Group("postgres-work", tests=_OF_WORKERS, environment=_ON_POSTGRESQL),
        Group(
            "postgres-site",
            tests=("tests/conversions", "tests/voices", "tests/teams"),
            without=_OF_WORKERS,
            environment=_ON_POSTGRESQL,
        ),
        Group("start", tests=("tests/start",)),
    ]


def main(arguments: list[str]) -> int:
    known = groups()
    wanted = [argument for argument in arguments if any(group.is_meant_by(argument) for group in known)]
    pytest_arguments = [argument for argument in arguments if argument not in wanted]
    if any(map(_is_test, pytest_arguments)) and not wanted:
        return _run_alone(pytest_arguments)
    if pytest_arguments and not wanted:
        sys.stderr.write(f"Name one of the groups first: {' '.join(group.name for group in known)}\n")
        return 2
    chosen = [
        (group, _arguments_of(group, wanted, pytest_arguments))
        for group in known
        if _exists(group) and (not wanted or any(map(group.is_meant_by, wanted)))
    ]
    if any(map(_is_test, pytest_arguments)):
        chosen = [(group, own) for group, own in chosen if any(map(_is_test, own))]
    RESULTS.mkdir(exist_ok=True)
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        # Nothing of the person's own installation is read or written, nor anything of another group.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="timbre-test-")))
        environments = {
            group.name: _environment(folder / group.name) | _environment_of_its_own(group, stack) for group, _ in chosen
        }
        results = _run_all(chosen, environments)
    return _conclude(results, time.monotonic() - began)


def _arguments_of(group: Group, wanted: list[str], pytest_arguments: list[str]) -> list[str]:
    """All of them for a group that was named itself; a part of one runs no test that another part has."""
    if group.name in wanted:
        return pytest_arguments
    own = [group.part_of(argument) if _is_test(argument) else [argument] for argument in pytest_arguments]
    return list(itertools.chain.from_iterable(own))


def _run_alone(pytest_arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="timbre-test-") as folder:
        command = [PYTHON, "-m", "pytest", *pytest_arguments]
        return subprocess.run(command, cwd=CHECKOUT, env=_environment(Path(folder)), check=False).returncode


def _environment(folder: Path) -> dict[str, str]:
    # Every core has its own work: threads that share a calculation would wait for each other, and a core waits busily.
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return {**os.environ, **threads, "DATA_DIR": str(folder / "data"), "SECRET_KEY": secrets.token_urlsafe(50)}


def _environment_of_its_own(group: Group, stack: contextlib.ExitStack) -> dict[str, str]:
    asks = any("{postgres}" in value for _, value in group.environment)
    url = stack.enter_context(postgres()) if asks else ""
    return {name: value.format(postgres=url) for name, value in group.environment}


def _is_test(argument: str) -> bool:
    return argument.startswith("tests") and (CHECKOUT / argument.split("::")[0]).exists()


def _run_all(chosen: list[tuple[Group, list[str]]], environments: dict[str, dict[str, str]]) -> list[Result]:
    """The results in the order of `chosen`. The commands run one after the other, beside the first groups of tests."""
    commands = [each for each in chosen if not each[0].tests]
    tests = [each for each in chosen if each[0].tests]
    aside = bool(tests) and len(chosen) > 1

    def run(each: tuple[Group, list[str]]) -> Result:
        group, arguments = each
        return _run(group, environments[group.name], arguments, aside=aside)

    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        checked = pool.submit(lambda: [run(each) for each in commands])
        tested = list(pool.map(run, tests))
        return checked.result() + tested


def _run(group: Group, environment: dict[str, str], pytest_arguments: list[str], *, aside: bool = False) -> Result:
    """`aside`: another group runs too, so what this one prints is shown when it has ended."""
    began = time.monotonic()
    result = Result(group.name)
    with contextlib.ExitStack() as stack:
        output = stack.enter_context((RESULTS / f"{group.name}.txt").open("w+")) if aside else None
        if output is None:
            _say(f"\n==== {group.name} ====")
        for command in group.commands:
            done = subprocess.run(command, cwd=CHECKOUT, env=environment, stdout=output, stderr=output, check=False)
            result.passed += done.returncode == 0
            result.failed += done.returncode != 0
        if group.tests:
            _run_pytest(group, environment, pytest_arguments, result, output)
        result.seconds = time.monotonic() - began
        printed = ""
        if output is not None:
            output.seek(0)
            printed = f"\n==== {group.name} ====\n{output.read().rstrip()}\n"
    _say(f"{printed}---- {group.name}: {result.seconds:.1f} s")
    return result


def _run_pytest(
    group: Group, environment: dict[str, str], arguments: list[str], result: Result, output: IO[str] | None
) -> None:
    report = RESULTS / f"{group.name}.xml"
    report.unlink(missing_ok=True)
    options = [*group.pytest_options(), *arguments]
    if not any(map(_is_test, arguments)):
        options += [path for path in group.tests if (CHECKOUT / path).exists()]
    command = [PYTHON, "-m", "pytest", "-q", "-ra", f"--junitxml={report}", *options]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, stdout=output, stderr=output, check=False)
    try:
        suites = list(ElementTree.parse(report).getroot().iter("testsuite"))  # noqa: S314 - pytest wrote it just now
    except (OSError, ElementTree.ParseError):
        suites = []
    for suite in suites:
        count = {key: int(suite.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")}
        result.failed += count["failures"] + count["errors"]
        result.passed += count["tests"] - count["failures"] - count["errors"] - count["skipped"]
    # A word or a file leaves some parts of a group without any test.
    is_left_out = done.returncode == _NOTHING_FOUND and bool(arguments)
    # Interrupted, crashed, or nothing was found: pytest says so in its code alone.
    if done.returncode != 0 and result.failed == 0 and not is_left_out:
        result.failed = 1


def _conclude(results: list[Result], seconds: float) -> int:
    passed, failed = (sum(getattr(result, which) for result in results) for which in ("passed", "failed"))
    _say(f"\n{'group':<20}{'result':<8}{'passed':>8}{'failed':>8}{'seconds':>10}")
    for result in results:
        word = "FAILED" if result.failed else "ok"
        _say(f"{result.name:<20}{word:<8}{result.passed:>8}{result.failed:>8}{result.seconds:>10.1f}")
    _say(f"{'all':<28}{'':>16}{seconds:>10.1f}\n")
    _say(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


# ---- a PostgreSQL server of our own ----


@contextlib.contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """The URL of a throw-away server on a loopback port; "" where PostgreSQL isn't installed.

    Nothing waits for the disk, because a crash may lose these data, unless it is to be as slow as in production.
    """
    programs = postgres_programs()
    if programs is None:
        yield ""
        return
    folder = Path(tempfile.mkdtemp(prefix="timbre-pg-"))
    password = secrets.token_hex(16)
    (folder / "password").write_text(password)
    # PostgreSQL refuses to run as root; Debian's package brings the user.
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(folder, "postgres")
        shutil.chown(folder / "password", "postgres")
    port = free_port()
    data = ["-D", str(folder / "data")]
    initdb = [*as_user, str(programs / "initdb"), *data, "-U", "postgres", "-A", "scram-sha-256"]
    initdb += ["--pwfile", str(folder / "password"), "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    control = [*as_user, str(programs / "pg_ctl"), *data, "-s", "-w"]
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder}"
    options += "" if durable else " -c fsync=off"
    try:
        subprocess.run(initdb, cwd="/", stdout=subprocess.DEVNULL, check=True)
        log = str(folder / "log")
        subprocess.run([*control, "-l", log, "-o", options, "start"], cwd="/", stdin=subprocess.DEVNULL, check=True)
        yield f"postgres://postgres:{password}@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], cwd="/", stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """Below those that the kernel gives to whoever connects somewhere: it is still free a moment later."""
    while True:
        port = random.randrange(10_000, 32_000)  # noqa: S311 - no secret
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def postgres_programs() -> Path | None:
    """The folder of initdb and pg_ctl; Debian keeps them off PATH, one folder a version."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))[::-1]
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


# ---- what there is ----


def _exists(group: Group) -> bool:
    return bool(group.commands) or any((CHECKOUT / folder).exists() for folder in group.tests)


def _present() -> list[str]:
    return [room for room in ROOMS if (CHECKOUT / room).exists()]


def _templates() -> list[str]:
    return sorted(str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / "templates").rglob("*.html"))


def _tool(name: str) -> str:
    return str(TOOLS / name)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
