"""What nothing that takes an upload can leave out, as a process of its own: from the socket into a file, and fsync.

`python -m bench.plain FOLDER BLOCK_BYTES` says its address and takes one POST after the other. Nobody is asked who they
are, nothing is looked at, and the file holds the body as it came.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from bench.measure import CHECKOUT

_DONE = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True)
class Plain:
    url: str
    pid: int
    path: Path  # of what it took last


@contextlib.contextmanager
def plain_loop(folder: Path, block_bytes: int) -> Iterator[Plain]:
    command = [sys.executable, "-m", "bench.plain", str(folder), str(block_bytes)]
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Plain(process.stdout.readline().strip(), process.pid, folder / f"plain-{process.pid}")
    finally:
        process.kill()
        process.wait()


def main() -> None:
    folder, block = Path(sys.argv[1]), memoryview(bytearray(int(sys.argv[2])))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            connection, _address = listener.accept()
            with connection, (folder / f"plain-{os.getpid()}").open("wb", buffering=0) as file:
                _take(connection, file, block)
                connection.sendall(_DONE)


def _take(connection: socket.socket, file: FileIO, block: memoryview) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(4096)
    head, _end, body = head.partition(b"\r\n\r\n")
    (length,) = re.findall(rb"content-length: *(\d+)", head.lower())
    file.write(body)
    left = int(length) - len(body)
    while left and (count := connection.recv_into(block)):
        file.write(block[:count])
        left -= count
    os.fsync(file.fileno())


if __name__ == "__main__":
    main()
