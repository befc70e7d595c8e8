"""The server behind the scripted endpoint: records, follows the script, breaks connections."""

from __future__ import annotations

import base64
import json
import os
import select
import socket
import struct
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO, Self
from urllib.parse import parse_qsl, urlsplit

from tests.support.endpoint import cloning
from tests.support.endpoint.ledger import Ledger, Request
from tests.support.endpoint.listings import listing
from tests.support.endpoint.multipart import read_parts
from tests.support.endpoint.script import Behaviour, Framing, Script, detail

BLOCK = 64 * 1024
ENDLESS_BYTES = 1 << 30  # a caller that takes all of it has failed, and shall not fill the disk


class Gone(Exception):
    """The connection is over: nothing more is said on it."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are written one after the other
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the record has it all."""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/_record":
            self.say(200, json.dumps(self.server.ledger.as_json()))
            return
        request = self.received()
        with self.server.ledger.lock:
            self.server.ledger.requests.append(request)
            script = self.server.ledger.script
            behaviour = script.everything or (script.gets.pop(0) if script.gets else Behaviour())
        try:
            self.look_up(request, replace(behaviour, character_cost=None))
        except (Gone, ConnectionError):
            self.close_connection = True

    def look_up(self, request: Request, behaviour: Behaviour) -> None:
        ledger = self.server.ledger
        self.server.stopping.wait(behaviour.delay_s)
        if behaviour.fault == "hang":
            self.hang()
        if behaviour.fault == "reset":
            self.reset()
        if behaviour.status != 200 or behaviour.body is not None:
            self.refuse(behaviour)
            return
        item = request.path.removeprefix("/v1/history/").removesuffix("/audio")
        if any(item == known["history_item_id"] for known in ledger.history):
            with (ledger.folder / item).open("rb") as audio:
                self.answer(request, behaviour, audio, None)
            return
        found = listing(request.path, dict(request.query), ledger.voices, ledger.history)
        if found is None:
            self.say(404, detail("not_found", "There is no such thing here."))
        else:
            self.say(200, found)

    def do_POST(self) -> None:
        ledger = self.server.ledger
        path = urlsplit(self.path).path
        if path in ("/_script", "/_reset"):
            body = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
            if path == "/_reset":
                ledger.clear()
            else:
                ledger.script = Script.of_json(body)
            self.say(204, "")
        elif path == "/v1/voices/add":
            self.change_voices()
        elif not path.startswith(("/v1/speech-to-speech/", "/v1/voice-changer/")):
            self.say(404, detail("not_found", "There is no such thing here."))
        else:
            request = self.received()
            behaviour = ledger.begin(request)
            try:
                self.convert(request, behaviour)
            except (Gone, ConnectionError):
                self.close_connection = True
            finally:
                with ledger.lock:
                    ledger.in_flight -= 1

    def do_DELETE(self) -> None:
        self.change_voices()

    def change_voices(self) -> None:
        """A voice is made or deleted. `reset`: it is, and nobody is told."""
        ledger, request = self.server.ledger, self.received()
        with ledger.lock:
            ledger.requests.append(request)
            script = ledger.script
            behaviour = script.everything or (script.adds.pop(0) if script.adds else Behaviour())
        try:
            with tempfile.TemporaryFile() as sample:
                if request.method == "POST":
                    self.take_upload(request, behaviour, sample)
            if behaviour.hold:
                self.wait_for_release()
            if behaviour.status != 200:
                self.refuse(behaviour)
                return
            made = cloning.add(ledger, request.fields) if request.method == "POST" else '{"status": "ok"}'
            if request.method == "DELETE" and not cloning.delete(ledger, request.path):
                self.say(404, detail("voice_not_found", "There is no such voice."))
                return
            if behaviour.fault == "reset":
                self.reset()
            self.say(200, made)
        except (Gone, ConnectionError):
            self.close_connection = True

    # ---- a conversion ----

    def convert(self, request: Request, behaviour: Behaviour) -> None:
        if behaviour.early:
            self.close_connection = True  # the rest of the body is no request
            self.refuse(behaviour)
            return
        with tempfile.TemporaryFile() as audio:
            self.take_upload(request, behaviour, audio)
            # A real endpoint works on, and bills, when the caller has left.
            self.server.stopping.wait(behaviour.delay_s)
            if behaviour.hold:
                self.wait_for_release()
            behaviour = self.made_of(request, behaviour, audio)
            item_id = self.server.ledger.bill(request, audio, behaviour) if behaviour.bills else None
            if behaviour.fault == "hang":
                self.hang()
            if behaviour.status != 200 or behaviour.body is not None:
                self.refuse(behaviour)
                return
            if behaviour.fault == "reset":
                self.reset()
            if behaviour.fault == "close":
                raise Gone
            self.answer(request, behaviour, audio, item_id)

    def made_of(self, request: Request, behaviour: Behaviour, audio: BinaryIO) -> Behaviour:
        """`audio`, which is what was uploaded, becomes the answer. Returns how the call goes on."""
        if behaviour.audio_base64 is not None:
            audio.seek(0)
            audio.truncate()
            audio.write(base64.b64decode(behaviour.audio_base64))
        if behaviour.decodes:
            from tests.support.endpoint.hearing import replace_by_heard  # few endpoints need libav

            replace_by_heard(audio, dict(request.query)["output_format"])
        if behaviour.speaks:
            from tests.support.endpoint.speaking import speak

            return speak(audio, dict(request.query)["output_format"], behaviour)
        return behaviour

    def take_upload(self, request: Request, behaviour: Behaviour, audio: BinaryIO) -> None:
        length = int(self.headers["content-length"])
        if behaviour.fault in ("reset_upload", "hang_upload"):
            self.rfile.read(min(behaviour.after_bytes, length))
            if behaviour.fault == "reset_upload":
                self.reset()
            self.hang()
        content_type = self.headers["content-type"]
        request.parts, request.complete = read_parts(self.rfile, length, content_type, audio)
        if not request.complete:
            raise Gone

    def answer(self, request: Request, behaviour: Behaviour, audio: BinaryIO, item_id: str | None) -> None:
        size = int(audio.seek(0, os.SEEK_END) * behaviour.audio_part)
        audio.seek(0)
        framing: Framing = "length" if behaviour.fault == "cut_body" else behaviour.framing
        self.send_response(200)
        headers = {
            "content-type": behaviour.content_type or "audio/mpeg",
            "request-id": request.request_id,
            "history-item-id": item_id,
            "character-cost": behaviour.character_cost,
            "transfer-encoding": "chunked" if framing == "chunked" else None,
            "content-length": size if framing == "length" else None,
            "connection": "close" if framing == "close" else None,
        }
        for name, value in (headers | behaviour.headers).items():
            if value not in (None, ""):
                self.send_header(name, str(value))
        self.end_headers()
        self.close_connection = framing == "close"
        half = size // 2
        self.send_audio(behaviour, audio, half, framing)
        self.fail_in_body(behaviour)
        self.server.stopping.wait(behaviour.body_delay_s)
        if behaviour.hold_body:
            self.wait_for_release()
        self.send_audio(behaviour, audio, size - half, framing)
        if framing == "chunked":
            self.wfile.write(b"0\r\n\r\n")

    def send_audio(self, behaviour: Behaviour, audio: BinaryIO, size: int, framing: Framing) -> None:
        block = 1 if behaviour.trickle_s is not None else BLOCK
        while size and (chunk := audio.read(min(block, size))):
            size -= len(chunk)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk) if framing == "chunked" else chunk)
            self.server.stopping.wait(behaviour.trickle_s or behaviour.block_s)

    def fail_in_body(self, behaviour: Behaviour) -> None:
        if behaviour.fault == "reset_body":
            time.sleep(0.05)  # a reset takes back what the other side hasn't read yet
            self.reset()
        elif behaviour.fault == "hang_body":
            self.hang()
        elif behaviour.fault == "bad_chunk":
            self.wfile.write(b"this is no length\r\n")
        elif behaviour.fault == "endless":
            for _ in range(ENDLESS_BYTES // BLOCK):
                self.wfile.write(b"%x\r\n%s\r\n" % (BLOCK, bytes(BLOCK)))
        if behaviour.fault in ("cut_body", "bad_chunk", "endless"):
            raise Gone

    def refuse(self, behaviour: Behaviour) -> None:
        body = behaviour.body
        if body is None:
            body = detail(f"status_{behaviour.status}", f"Scripted to answer {behaviour.status}.")
        self.say(behaviour.status, body, behaviour.content_type or "application/json", behaviour.headers)

    def wait_for_release(self) -> None:
        released = self.server.ledger.hold()
        while not released.wait(0.02) and not self.server.stopping.is_set():
            pass

    # ---- the connection ----

    def received(self) -> Request:
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = parse_qsl(url.query, keep_blank_values=True)
        return Request(self.command, url.path, query, headers)

    def say(
        self, status: int, body: str | bytes, kind: str = "application/json", headers: dict[str, str] | None = None
    ) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        if self.close_connection:
            self.send_header("connection", "close")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def reset(self) -> None:
        """RST: closing with a linger of 0 seconds. By the descriptor, since the streams keep the socket open."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())
        raise Gone

    def hang(self) -> None:
        """Until the other side leaves, `release` or the end of the endpoint.

        While an upload is stuck, the kernel doesn't hear that its sender was killed.
        """
        released = self.server.ledger.hold()
        while not released.wait(0.02) and not self.server.stopping.is_set():
            readable, _, _ = select.select([self.connection], [], [], 0)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                break
        raise Gone


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, port: int, ledger: Ledger) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.ledger = ledger
        self.stopping = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that left is no event; anything else is a fault of this file and must be seen."""
        if not isinstance(sys.exc_info()[1], ConnectionError | ValueError):
            super().handle_error(request, client_address)


class Endpoint:
    """The endpoint in this process, on a port of its own. A context manager."""

    def __init__(self, port: int = 0, script: Script | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.ledger = Ledger(Path(self._folder.name))
        self.ledger.script = script or Script()
        self._server = Server(port, self.ledger)
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def script(
        self,
        *calls: Behaviour,
        default: Behaviour | None = None,
        slots: int | None = None,
        gets: Sequence[Behaviour] = (),
        voices: Mapping[str, Sequence[Behaviour]] | None = None,
        adds: Sequence[Behaviour] = (),
        everything: Behaviour | None = None,
    ) -> None:
        by_voice = {voice: list(behaviours) for voice, behaviours in (voices or {}).items()}
        self.ledger.script = Script(
            list(calls), default or Behaviour(), slots, list(gets), by_voice, list(adds), everything
        )

    @property
    def requests(self) -> list[Request]:
        return self.ledger.requests

    @property
    def calls(self) -> int:
        """How many conversions were asked for since the last `clear`."""
        with self.ledger.lock:
            return sum(request.method == "POST" for request in self.ledger.requests)

    @property
    def billed(self) -> int:
        return self.ledger.billed

    @property
    def held(self) -> int:
        """How many calls wait for `release`."""
        with self.ledger.lock:
            return len(self.ledger.held)

    def billed_by_audio(self) -> Counter[str]:
        return self.ledger.billed_by_audio()

    def release(self) -> None:
        self.ledger.release()

    @contextmanager
    def down(self) -> Iterator[None]:
        """Inside, connections are refused; afterwards it listens on the same port again, knowing what it knew."""
        self._stop()
        try:
            yield
        finally:
            self._server = Server(self.port, self.ledger)
            self._start()

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        self._folder.cleanup()

    def _start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True).start()

    def _stop(self) -> None:
        self._server.stopping.set()
        self._server.shutdown()
        self._server.server_close()
