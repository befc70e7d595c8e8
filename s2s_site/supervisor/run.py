"""The life of the product: checked, started in order, kept running, stopped in order."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import time

from s2s import orphan
from s2s_site.supervisor import data_dir, first_run, ports, redis_server
from s2s_site.supervisor.child import Child, Spawn, spawn
from s2s_site.supervisor.config import CHECKOUT, Config
from s2s_site.supervisor.errors import CannotStart, Interrupted
from s2s_site.supervisor.forked import Zygote
from s2s_site.supervisor.output import Output
from s2s_site.supervisor.processes import (
    FORKED,
    STOP_ORDER,
    Process,
    decoders_process,
    redis_process,
    table,
    zygote_process,
)
from s2s_site.supervisor.ready import Readiness
from s2s_site.supervisor.redis_server import RedisServer
from s2s_site.supervisor.signals import Signals

_REDIS_PATIENCE_S = 60.0
_SLOW_AFTER_S = 10.0
_SAY_AGAIN_S = 15.0
_OPEN_FILES = 8192


class Supervisor:
    """Everything between bin/start and the moment nothing of ours runs any more."""

    def __init__(self, config: Config, output: Output, signals: Signals) -> None:
        self._config = config
        self._output = output
        self._signals = signals
        self._children: dict[str, Child] = {}
        self._environment: dict[str, str] = {}
        self._is_ready = False
        self._status_is_written = True

    def run(self) -> None:
        """Until somebody asks to stop. Raises CannotStart; nothing runs afterwards, however it ends."""
        os.umask(0o077)
        _allow_open_files()
        lock = data_dir.prepare(self._config.data_dir)
        try:
            self._forget_status()  # of a copy that was killed
            ports.check_free(self._config.host, self._config.port)
            self._output.say(f"Timbre is starting; its data is in {self._config.data_dir}")
            self._start_everything()
            self._watch_until_asked_to_stop()
        except Interrupted:
            pass
        finally:
            self._stop_everything()
            os.close(lock)

    # ---- start ----

    def _start_everything(self) -> None:
        embedded = None if self._config.redis_url else redis_server.choose(self._config.data_dir)
        engine_port = None if self._config.engine_url else ports.free_port()
        first_environment = self._child_environment(embedded, engine_port)
        # No process that serves people or opens their files needs to carry it.
        self._environment = {name: value for name, value in first_environment.items() if name != "ADMIN_PASSWORD"}
        fork = self._start_zygote()
        if embedded:
            self._start_redis(embedded)
        credentials = first_run.prepare(
            first_environment, self._signals, fork, password_is_given=self._config.password_is_given
        )
        if credentials:
            self._output.say(credentials)
        self._leave_if_asked()
        if decoders := data_dir.socket_path(self._config.data_dir, "decoders.sock"):
            self._environment["DECODERS_SOCKET"] = str(decoders)
            self._add(decoders_process(decoders))
        for process in table(self._config, engine_port):
            self._add(process, fork if process.name in FORKED else spawn)

    def _start_zygote(self) -> Spawn:
        """How to start what it has loaded; where orphans aren't adopted there is none, and each loads its own."""
        if not orphan.adopt_orphans():
            return spawn
        zygote = Zygote(zygote_process(), self._environment, self._output, self._signals)
        self._start(zygote)
        return zygote.spawn

    def _start_redis(self, server: RedisServer) -> None:
        server.write_configuration()

        def repair(quick_failures: int) -> str | None:
            # Its file may be damaged or written by a newer version. It carries bells only; the sweeper rings again.
            aside = server.set_aside() if quick_failures == 2 else None
            return f"redis could not read its data, which is now in {aside}; nothing is lost" if aside else None

        child = self._add(redis_process(server.command, repair))
        give_up_at = time.monotonic() + _REDIS_PATIENCE_S
        while not server.answers():
            self._leave_if_asked()
            self._turn(0.05)
            if time.monotonic() > give_up_at:
                said = child.last_lines[-1] if child.last_lines else "it said nothing"
                raise CannotStart(f"The Redis server {server.program} does not answer: {said}")

    def _add(self, process: Process, start: Spawn = spawn) -> Child:
        child = Child(process, self._environment, self._output, start, self._config.longest_pause_s)
        self._start(child)
        return child

    def _start(self, child: Child) -> None:
        self._children[child.name] = child
        child.start()
        self._write_status()

    def _child_environment(self, embedded: RedisServer | None, engine_port: int | None) -> dict[str, str]:
        config = self._config
        return {
            # Workers are many: each with a thread per core for its arithmetic would only fight over the cores.
            **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
            # Else glibc keeps freed memory for many threads apart: 17 MB more for the calls worker (bench/queue).
            "MALLOC_ARENA_MAX": "2",
            "DJANGO_SETTINGS_MODULE": "s2s_site.settings",
            **config.environment,
            "DATA_DIR": str(config.data_dir),
            "HOST": config.host,
            "PORT": str(config.port),
            "REDIS_URL": embedded.url if embedded else config.redis_url,
            "ENGINE_URL": config.engine_url or f"http://127.0.0.1:{engine_port}",
            "TMPDIR": str(config.data_dir / "tmp"),
            "PYTHONUNBUFFERED": "1",
            "PYTHONUTF8": "1",
            # Celery's advice against root concerns pickled messages, which the site doesn't accept.
            "PYTHONWARNINGS": ",".join(
                filter(None, [config.environment.get("PYTHONWARNINGS"), "ignore:You're running the worker"])
            ),
        }

    # ---- while it runs ----

    def _watch_until_asked_to_stop(self) -> None:
        addresses = {"the web server": f"{self._config.local_url}readyz"}
        if "engine" in self._children:
            addresses = {"the engine": f"{self._environment['ENGINE_URL']}/healthz", **addresses}
        readiness = Readiness(addresses)
        say_at = time.monotonic() + _SLOW_AFTER_S
        while not self._signals.stop_requests:
            self._turn(0.1 if not self._is_ready else 5.0)
            if not self._is_ready and readiness.is_reached:
                self._welcome()
            if not self._is_ready and time.monotonic() > say_at:
                self._output.say(f"Still starting: waiting for {readiness.waiting_for}")
                say_at = time.monotonic() + _SAY_AGAIN_S

    def _welcome(self) -> None:
        self._is_ready = True
        self._write_status()
        self._output.say(f"Timbre is ready: {self._config.shown_url}")
        if self._config.is_public:
            self._output.say(
                "Warning: other machines reach it over plain HTTP, which isn't encrypted; "
                "put a proxy with HTTPS in front before people use it."
            )

    def _turn(self, at_most_s: float) -> None:
        """Look after every child once, then rest until something happens."""
        if any([child.watch() for child in self._children.values()]):  # noqa: C419 - every one, not until the first
            self._status_is_written = False
        if not self._status_is_written:
            self._write_status()
        self._bury_orphans()
        starts = [child.seconds_until_start() for child in self._children.values()]
        self._signals.wait(min([at_most_s, *(seconds for seconds in starts if seconds is not None)]))

    def _bury_orphans(self) -> None:
        """Reap what a dead child had started and the kernel gave to us."""
        ours = {child.pid for child in self._children.values()}
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and ended.si_pid not in ours:
                os.waitpid(ended.si_pid, 0)

    def _leave_if_asked(self) -> None:
        if self._signals.stop_requests:
            raise Interrupted

    # ---- stop ----

    def _stop_everything(self) -> None:
        if self._is_ready and self._signals.stop_requests < 2:
            self._output.say("Stopping; what is under way may end first. Press Ctrl-C again to stop at once.")
        for names in STOP_ORDER:
            children = [self._children[name] for name in names if name in self._children]
            self._stop_together([child for child in children if child.is_running])
        self._forget_status()

    def _stop_together(self, children: list[Child]) -> None:
        began = time.monotonic()
        for child in children:
            child.terminate()
        while running := [child for child in children if child.reap() is None]:
            for child in running:
                if self._signals.stop_requests > 1 or time.monotonic() - began > child.process.grace_s:
                    child.kill()
            self._signals.wait(0.2)

    def _write_status(self) -> None:
        """DATA_DIR/supervisor.json: what runs as which process, for the admin and for the tests."""
        status = {
            "pid": os.getpid(),
            "url": self._config.local_url,
            "checkout": str(CHECKOUT),
            "ready": self._is_ready,
            "processes": {
                name: {"pid": child.pid, "started": child.started_at, "restarts": child.restarts}
                for name, child in self._children.items()
            },
        }
        try:
            data_dir.write_atomically(self._config.data_dir / "supervisor.json", json.dumps(status, indent=1) + "\n")
            self._status_is_written = True
        except OSError:
            # The disk is full. The product goes on; the file is tried again at every turn.
            self._status_is_written = False
            self._forget_status()

    def _forget_status(self) -> None:
        with contextlib.suppress(OSError):
            (self._config.data_dir / "supervisor.json").unlink(missing_ok=True)


def _allow_open_files() -> None:
    """A connection is an open file, and many systems allow only 1,024 unless asked."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
