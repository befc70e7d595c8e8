"""What the person sees: lines of the children with their names in front, and our own.

Writing happens in a thread of its own with a bounded queue: a paused terminal, a closed pipe or a full disk must not
stop the product, so lines are dropped (and counted) rather than waited for.
"""

from __future__ import annotations

import collections
import os
import threading
import time

_MOST_LINES_WAITING = 5000
_NAME_WIDTH = 6


class Output:
    """A terminal or file that lines go to, never blocking the caller."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._lines: collections.deque[str] = collections.deque()
        self._changed = threading.Condition()
        self._dropped = 0
        self._writing = False
        threading.Thread(target=self._write_for_ever, name="output", daemon=True).start()

    def say(self, text: str) -> None:
        """A line of the supervisor itself."""
        self._put(text)

    def child_line(self, name: str, text: str) -> None:
        self._put(f"{name:<{_NAME_WIDTH}}| {text}")

    def flush(self, timeout_s: float = 2.0) -> None:
        """Wait until everything is written, or give up: a stuck terminal must not keep us from ending."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while (self._lines or self._writing) and time.monotonic() < deadline:
                self._changed.wait(0.05)

    def _put(self, line: str) -> None:
        with self._changed:
            if len(self._lines) >= _MOST_LINES_WAITING:
                self._dropped += 1
                return
            self._lines.append(line)
            self._changed.notify_all()

    def _write_for_ever(self) -> None:
        while True:
            with self._changed:
                while not self._lines:
                    self._changed.wait()
                text = "".join(f"{line}\n" for line in self._lines)
                if self._dropped:
                    text += f"({self._dropped} lines were dropped because nobody read the output)\n"
                self._lines.clear()
                self._dropped = 0
                self._writing = True
            self._write(text.encode(errors="backslashreplace"))
            with self._changed:
                self._writing = False
                self._changed.notify_all()

    def _write(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            # The terminal is gone or the disk of the log is full: there is nowhere left to say so.
            time.sleep(0.05)
