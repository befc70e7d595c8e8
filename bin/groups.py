"""The groups of bin/test: runs them in order, each with its time, and ends with the totals.

    bin/test                             everything
    bin/test units start                 these groups
    bin/test units -k accepted           one group; what follows its name goes to pytest
    bin/test tests/teams/test_people.py  these files, folders or tests alone, on SQLite
    bin/test postgres tests/teams        the same as that group would run them

A failing group fails the run, but the groups after it still run. Some wait most of their time and others compute, so
two groups of tests run at a time; what a group prints is shown when it has ended, and grows meanwhile in
test-results/. Run by bin/test, which prepares the machine.
"""

from __future__ import annotations

import contextlib
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
_TESTS_AT_A_TIME = 2
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


@dataclass(frozen=True)
class Group:
    """Commands, or folders of tests. `{postgres}` in an environment value is the URL of the throw-away server."""

    name: str
    commands: tuple[tuple[str, ...], ...] = ()
    tests: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


@dataclass
class Result:
    """What a group came to; a command counts as one test."""

    name: str
    passed: int = 0
    failed: int = 0
    seconds: float = 0.0


def groups() -> list[Group]:
    """In the order in which they begin: first what fails fast, then the longest, which leaves two cores least idle."""
    manage = (PYTHON, "manage.py")
    return [
        Group(
            "format", ((_tool("ruff"), "format", "--check", *_present()), (_tool("djade"), "--check", *_templates()))
        ),
        Group("lint", ((_tool("ruff"), "check", *_present()),)),
        Group("types", ((_tool("mypy"),), (_tool("mypy"), "deploy"))),
        Group("imports", ((_tool("lint-imports"),),)),
        Group(
            "migrations",
            (
                (*manage, "makemigrations", "--check", "--dry-run"),
                (*manage, "check", "--deploy", "--fail-level", "WARNING"),
            ),
            environment=tuple(SAFE.items()),
        ),
        Group("browser", tests=("tests/browser",)),
        Group(
            "units",
            tests=(
                "tests/s2s",
                "tests/recordings",
                "tests/teams",
                "tests/voices",
                "tests/conversions",
                "tests/s2s_site",
            ),
        ),
        Group("faults", tests=("tests/faults",)),
        Group(
            "postgres",
            # What a bucket holds has nothing to do with the database.
            tests=("tests/conversions", "tests/voices", "tests/teams", "--ignore=tests/conversions/files/s3"),
            environment=(("DATABASE_URL", "{postgres}"),),
        ),
        Group("start", tests=("tests/start",)),
        Group("deploy", tests=("tests/deploy",)),
    ]


def main(arguments: list[str]) -> int:
    known = groups()
    wanted = [argument for argument in arguments if argument in {group.name for group in known}]
    pytest_arguments = [argument for argument in arguments if argument not in wanted]
    if any(map(_is_test, pytest_arguments)) and not wanted:
        return _run_alone(pytest_arguments)
    if pytest_arguments and not wanted:
        sys.stderr.write(f"Name one of the groups first: {' '.join(group.name for group in known)}\n")
        return 2
    chosen = [group for group in known if (not wanted or group.name in wanted) and _exists(group)]
    RESULTS.mkdir(exist_ok=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="timbre-test-") as folder, postgres() as postgres_url:
        # Nothing of the person's own installation is read or written, nor anything of another group.
        environments = {
            group.name: {
                **_environment(Path(folder) / group.name),
                **{name: value.format(postgres=postgres_url) for name, value in group.environment},
            }
            for group in chosen
        }
        results = _run_all(chosen, environments, pytest_arguments)
    return _conclude(results, time.monotonic() - began)


def _run_alone(pytest_arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="timbre-test-") as folder:
        command = [PYTHON, "-m", "pytest", *pytest_arguments]
        return subprocess.run(command, cwd=CHECKOUT, env=_environment(Path(folder)), check=False).returncode


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "DATA_DIR": str(folder / "data"), "SECRET_KEY": secrets.token_urlsafe(50)}


def _is_test(argument: str) -> bool:
    return argument.startswith("tests") and (CHECKOUT / argument.split("::")[0]).exists()


def _run_all(chosen: list[Group], environments: dict[str, dict[str, str]], pytest_arguments: list[str]) -> list[Result]:
    """The results in the order of `chosen`: of the commands one after the other, then of the tests."""
    commands = [group for group in chosen if not group.tests]
    tests = [group for group in chosen if group.tests]

    def run(group: Group) -> Result:
        return _run(group, environments[group.name], pytest_arguments, aside=bool(group.tests) and len(tests) > 1)

    with ThreadPoolExecutor(_TESTS_AT_A_TIME) as pool:
        return [run(group) for group in commands] + list(pool.map(run, tests))


def _run(group: Group, environment: dict[str, str], pytest_arguments: list[str], *, aside: bool = False) -> Result:
    """`aside`: another group runs too, so what this one prints is shown when it has ended."""
    began = time.monotonic()
    result = Result(group.name)
    with contextlib.ExitStack() as stack:
        output = stack.enter_context((RESULTS / f"{group.name}.txt").open("w+")) if aside else None
        if output is None:
            _say(f"\n==== {group.name} ====")
        for command in group.commands:
            code = subprocess.run(command, cwd=CHECKOUT, env=environment, check=False).returncode
            result.passed += code == 0
            result.failed += code != 0
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
    named = any(map(_is_test, arguments))
    folders = [folder for folder in group.tests if (CHECKOUT / folder).exists() and not named]
    command = [PYTHON, "-m", "pytest", "-q", "-ra", f"--junitxml={report}", *folders, *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, stdout=output, stderr=output, check=False)
    try:
        suites = list(ElementTree.parse(report).getroot().iter("testsuite"))  # noqa: S314 - pytest wrote it just now
    except (OSError, ElementTree.ParseError):
        suites = []
    for suite in suites:
        count = {key: int(suite.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")}
        result.failed += count["failures"] + count["errors"]
        result.passed += count["tests"] - count["failures"] - count["errors"] - count["skipped"]
    # Interrupted, crashed, or nothing was found: pytest says so in its code alone.
    if done.returncode != 0 and result.failed == 0:
        result.failed = 1


def _conclude(results: list[Result], seconds: float) -> int:
    failed = sum(result.failed for result in results)
    _say(f"\n{'group':<12}{'result':<8}{'passed':>8}{'failed':>8}{'seconds':>10}")
    for result in results:
        word = "FAILED" if result.failed else "ok"
        _say(f"{result.name:<12}{word:<8}{result.passed:>8}{result.failed:>8}{result.seconds:>10.1f}")
    _say(f"{'all':<20}{'':>16}{seconds:>10.1f}\n")
    _say(f"{sum(result.passed for result in results)} passed, {failed} failed")
    return 1 if failed else 0


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
