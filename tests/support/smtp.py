"""A mail server that keeps what it is given, and can refuse or be away."""

from __future__ import annotations

import email
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from email.policy import default


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class Mailbox:
    """What arrived. `refuse` is the answer to a recipient, e.g. "550 no such person"."""

    def __init__(self, port: int) -> None:
        self.url = f"smtp://127.0.0.1:{port}"
        self.port = port
        self.messages: list[Message] = []
        self.refuse = ""
        self.tried = 0

    @property
    def subjects(self) -> list[str]:
        return [" ".join(str(message["Subject"]).split()) for message in self.messages]


@contextmanager
def running_smtp() -> Iterator[Mailbox]:
    with _Server(("127.0.0.1", 0), _Session) as server:
        mailbox = Mailbox(server.server_address[1])
        server.mailbox = mailbox  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield mailbox
        server.shutdown()


class _Session(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs to hand over a message."""

    def handle(self) -> None:
        mailbox: Mailbox = self.server.mailbox  # type: ignore[attr-defined]
        mailbox.tried += 1
        self._say("220 ready")
        while line := self.rfile.readline():
            match line.split(b" ")[0].strip().upper():
                case b"RCPT" if mailbox.refuse:
                    self._say(mailbox.refuse)
                case b"DATA":
                    self._say("354 go on")
                    mailbox.messages.append(email.message_from_bytes(self._content(), policy=default))
                    self._say("250 kept")
                case b"QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 good")

    def _content(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())
