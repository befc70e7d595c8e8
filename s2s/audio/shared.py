"""One fork server for all processes of a product: `python -m s2s.audio.shared PATH` listens there and becomes it.

Each of them would have its own, which takes as much memory as a small one of them (bench/idle). Who can open PATH may
use it: it belongs into a folder that is private.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from s2s.audio import sandbox

_BACKLOG = 128


def main() -> None:
    path = Path(sys.argv[1])
    path.unlink(missing_ok=True)  # of one that was killed
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(_BACKLOG)
    listener.set_inheritable(True)
    command = sandbox.command(listener.fileno())
    os.execve(command[0], command, sandbox.environment())  # noqa: S606 - it keeps our id and our parent, not our secrets


if __name__ == "__main__":
    main()
