"""docker-compose.yml and Dockerfile: valid, complete, and in step with the code, without a Docker engine."""

from __future__ import annotations

import fnmatch
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.run import command
from s2s_site.supervisor.config import read_config
from s2s_site.supervisor.processes import COMMANDS, table

CHECKOUT = Path(__file__).resolve().parents[2]
COMPOSE = (CHECKOUT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text()
OURS = ("setup", "web", "calls", "cpu", "beat", "engine")
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - compared, not bound
CONTAINER = {"HOST": EVERY_ADDRESS, "DATA_DIR": "/data", "PORT": "8000"}


def test_it_follows_the_compose_specification() -> None:
    tool = str(Path(sys.executable).parent / "check-jsonschema")
    arguments = ["--builtin-schema", "vendor.compose-spec", str(CHECKOUT / "docker-compose.yml")]
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_process_of_bin_start_is_a_service_with_the_same_command(tmp_path: Path) -> None:
    config = read_config(CONTAINER | {"DATA_DIR": str(tmp_path)})
    started = {process.name: process.command for process in table(config, 8801)}
    assert set(started) == set(COMMANDS) == set(OURS) - {"setup"}
    for name, words in started.items():
        assert SERVICES[name]["command"] == [name]
        # The one difference: the other containers must reach the engine.
        assert command(name, config) == (tuple(map(_reachable, words)) if name == "engine" else words)


def _reachable(word: str) -> str:
    return EVERY_ADDRESS if word == "127.0.0.1" else word


def test_setup_does_what_bin_start_does_first() -> None:
    assert SERVICES["setup"]["command"] == ["setup"]
    assert command("setup", read_config(CONTAINER))[1:] == ("-m", "s2s_site.supervisor.site_steps")


def test_what_depends_on_what_exists_and_can_be_healthy() -> None:
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            assert needed in SERVICES, f"{name} depends on {needed}"
            if how["condition"] == "service_healthy":
                assert "test" in SERVICES[needed]["healthcheck"]


def test_volumes_are_declared_and_files_exist() -> None:
    declared = yaml.safe_load(COMPOSE)["volumes"]
    for service in SERVICES.values():
        for mount in service.get("volumes", []):
            source = mount.replace("${PROXY:-http}", "http").split(":")[0]
            assert (CHECKOUT / source).exists() if source.startswith(".") else source in declared, mount


def test_a_stop_waits_as_long_as_bin_start_does() -> None:
    for process in table(read_config(CONTAINER), 8801):
        written = SERVICES[process.name]["stop_grace_period"]
        seconds = re.sub(r"^\$\{STOP_GRACE:-(.+)\}$", r"\1", written)
        assert seconds == f"{process.grace_s:.0f}s"


def test_our_containers_can_do_little() -> None:
    for name in (*OURS, "proxy"):
        service = SERVICES[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "privileged" not in service
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert all("127.0.0.1" in port for port in published)  # nothing is open to the network before somebody says so
    assert [name for name, service in SERVICES.items() if service.get("ports")] == ["proxy"]


def test_every_variable_is_known() -> None:
    """Nobody sets a variable in vain: each is read by the code, or used in the Compose file."""
    code = "".join(path.read_text() for room in ("s2s_site", "s2s") for path in (CHECKOUT / room).rglob("*.py"))
    documented = (CHECKOUT / "docs" / "configuration.md").read_text()
    used = set(re.findall(r"\$\{(\w+)", COMPOSE))
    example = (CHECKOUT / ".env.example").read_text()
    offered = set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", example, re.MULTILINE))
    for name in offered:
        assert name in used or f'"{name}"' in code or f'"{name.removesuffix("_FILE")}"' in code, name
        assert name in used or f"`{name}`" in documented, name
    assert used <= offered | {"X_ACCEL"}
    for name in SERVICES["web"]["environment"]:
        assert f'"{name}"' in code, name


# ---- the Dockerfile ----


def stages() -> list[list[tuple[str, str]]]:
    """Instructions by stage, continued lines joined."""
    found: list[list[tuple[str, str]]] = []
    for line in re.sub(r"\\\n", " ", DOCKERFILE).splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        word, _, rest = line.partition(" ")
        if word == "FROM":
            found.append([])
        found[-1].append((word, rest.strip()))
    return found


def test_the_image_runs_without_root_and_says_how_it_is() -> None:
    *_, last = stages()
    words = dict(last)
    assert words["USER"] == "10001:10001"
    assert "deploy.healthy" in words["HEALTHCHECK"]
    assert words["ENTRYPOINT"] == '["python", "-m", "deploy.run"]'
    names = [word for word, _ in last]
    assert "RUN" not in names[names.index("USER") :]


def test_packages_are_the_checked_in_ones_and_nothing_is_compiled() -> None:
    install = next(rest for word, rest in stages()[0] if "pip install" in rest)
    assert "--require-hashes" in install
    assert "--only-binary :all:" in install
    assert "apt-get" not in DOCKERFILE


def test_both_stages_have_the_same_python() -> None:
    bases = [rest.split()[0] for stage in stages() for word, rest in stage if word == "FROM"]
    assert bases == ["python:3.12-slim-bookworm"] * 2


def test_what_runs_is_copied_and_nothing_else() -> None:
    lines = (CHECKOUT / ".dockerignore").read_text().splitlines()
    assert lines[1] == "*"
    kept = {line[1:] for line in lines if line.startswith("!")}
    rooms = {path.parent.name for path in CHECKOUT.glob("*/__init__.py")} - {"tests", "bench"}
    assert rooms <= kept
    assert all((CHECKOUT / name).exists() for name in kept)
    assert {"templates", "static", "manage.py", "requirements.txt", "requirements-speakers.txt"} <= kept
    assert not any(fnmatch.fnmatch(name, pattern) for name in (".env", "data", ".git", "tests") for pattern in kept)


@pytest.mark.parametrize(
    "variable",
    ["OMP_NUM_THREADS", "MALLOC_ARENA_MAX", "PYTHONUNBUFFERED", "PYTHONUTF8", "DJANGO_SETTINGS_MODULE"],
)
def test_processes_have_the_environment_that_the_supervisor_gives(variable: str) -> None:
    assert variable in (CHECKOUT / "s2s_site" / "supervisor" / "run.py").read_text()
    assert f"{variable}=" in DOCKERFILE
