"""Ports: is the one we were asked for free, and which one is free for what only we use."""

from __future__ import annotations

import errno
import socket
import time

from s2s_site.supervisor.errors import CannotStart

# A copy that was killed a moment ago may still hold the port while the kernel cleans up after it.
_PATIENCE_S = 1.5


def check_free(host: str, port: int) -> None:
    """Raise CannotStart, with what to do, unless the web server will be able to listen there."""
    give_up_at = time.monotonic() + _PATIENCE_S
    while True:
        try:
            _listen_once(host, port)
            return
        except socket.gaierror as error:
            raise CannotStart(f"HOST is {host!r}, which is no address of this machine.") from error
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > give_up_at:
                raise CannotStart(_sentence(error, host, port)) from error
        time.sleep(0.1)


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listen_once(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        # As the web server does: connections of an earlier run that are still being closed are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        probe.listen(1)


def _sentence(error: OSError, host: str, port: int) -> str:
    other = port + 1 if port < 65535 else 8000
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken by another program: choose another one, for example PORT={other} bin/start"
    if error.errno == errno.EACCES:
        return f"Port {port} needs special rights: choose one above 1023, for example PORT=8000 bin/start"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"HOST is {host!r}, which is no address of this machine."
    return f"Nothing can listen on {host} port {port} ({error.strerror}): choose another HOST or PORT."
