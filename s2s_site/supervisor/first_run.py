"""What every start does before the product runs: bring the database up to date, and on the first start make an admin.

The password is shown as soon as the admin exists, not when the site is ready: if anything fails in between, nobody is
locked out. It goes to the output alone, never to a file. `manage.py changepassword` sets another one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import IO

from s2s_site.supervisor.child import Spawn
from s2s_site.supervisor.errors import CannotStart, Interrupted
from s2s_site.supervisor.signals import Signals


def prepare(environment: Mapping[str, str], signals: Signals, spawn: Spawn, *, password_is_given: bool) -> str | None:
    """The line that tells a new admin how to sign in, None if there was one already. Raises CannotStart."""
    said = _run_steps(environment, signals, spawn).strip().splitlines()
    made = json.loads(said[-1]) if said else {}
    if not made.get("created"):
        return None
    password = "the password you set" if password_is_given else f"the password {made['password']} (shown only now)"
    return f"Sign in as {made['email']} with {password}"


def _run_steps(environment: Mapping[str, str], signals: Signals, spawn: Spawn) -> str:
    """What the steps said. A first request to stop waits for their end (a password may be on its way), a second one
    kills them."""
    run = spawn((sys.executable, "-m", "s2s_site.supervisor.site_steps"), environment, stderr=subprocess.PIPE)
    assert run.stdout is not None and run.stderr is not None  # noqa: PT018 - asked for with PIPE
    output, errors = _Collected(run.stdout), _Collected(run.stderr)
    while run.poll() is None:
        if signals.stop_requests > 1:
            run.kill()
        signals.wait(0.2)
    if signals.stop_requests > 1:
        raise Interrupted
    if run.returncode != 0:
        lines = errors.text().strip().splitlines() or [f"The database could not be prepared (code {run.returncode})"]
        raise CannotStart(lines[-1].strip())
    return output.text()


class _Collected:
    """Everything a stream says, read in a thread so that neither of two pipes can fill up."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._parts: list[bytes] = []
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def text(self) -> str:
        self._thread.join(timeout=5)
        return b"".join(self._parts).decode(errors="replace")

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            while part := stream.read1(65536) if hasattr(stream, "read1") else stream.read():
                self._parts.append(part)
