"""What a container executes and how it is asked for its health, as real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.support.redis import running_redis


def run(module: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)


def test_a_wrong_name_is_a_sentence() -> None:
    for arguments in ((), ("everything",), ("web", "calls")):
        done = run("deploy.run", *arguments)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert "web, calls, cpu, beat, engine or setup" in done.stderr


def test_a_wrong_variable_is_a_sentence(tmp_path: Path) -> None:
    done = run("deploy.run", "calls", CALLS_CONCURRENCY="many", DATA_DIR=str(tmp_path))
    assert done.returncode == 1
    assert "CALLS_CONCURRENCY" in done.stderr
    assert "Traceback" not in done.stderr


def test_setup_makes_a_database_and_an_admin_once(tmp_path: Path) -> None:
    environment = {"DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "s2s_site.settings", "DATABASE_URL": ""}
    first = run("deploy.run", "setup", **environment)
    assert '"created": true' in first.stdout, first.stderr
    assert (tmp_path / "tmp").stat().st_mode & 0o777 == 0o700
    assert list((tmp_path / "static").iterdir()) != []
    assert '"created": false' in run("deploy.run", "setup", **environment).stdout


@pytest.fixture
def site() -> Iterator[tuple[str, list[str]]]:
    """A site that answers under one name only."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if self.headers["Host"] == "timbre.example.com" else 400)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield str(server.server_port), asked
    server.shutdown()
    server.server_close()


def test_the_site_is_asked_under_its_name(site: tuple[str, list[str]]) -> None:
    port, asked = site
    assert run("deploy.healthy", "web", PORT=port, ALLOWED_HOSTS="timbre.example.com,other").returncode == 0
    assert run("deploy.healthy", "web", PORT=port, ALLOWED_HOSTS="").stderr == "answers 400\n"
    assert asked == ["/healthz", "/healthz"]
    assert "no answer" in run("deploy.healthy", "web", PORT="9").stderr


def test_a_worker_is_healthy_while_it_leaves_signs_of_life(tmp_path: Path) -> None:
    from redis import Redis

    with running_redis() as url:
        environment = {"DATA_DIR": str(tmp_path), "REDIS_URL": url, "DJANGO_SETTINGS_MODULE": "s2s_site.settings"}
        assert run("deploy.healthy", "calls", **environment).stderr.endswith("no sign of life\n")
        with Redis.from_url(url) as redis:
            redis.set("timbre:alive:calls", 1)
        assert run("deploy.healthy", "calls", **environment).returncode == 0
        assert run("deploy.healthy", "cpu", **environment).returncode == 1
    assert "Redis does not answer" in run("deploy.healthy", "calls", **environment).stderr
