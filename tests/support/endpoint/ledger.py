"""What the scripted endpoint knows: who asked for what, what it would bill, and its history.

Each billed conversion becomes an item of `GET /v1/history`, newest first, and its audio that of
`GET /v1/history/{history_item_id}/audio`:

    {"history_item_id": "item-7", "request_id": "request-9", "voice_id": "nora", "date_unix": 1760000000,
     "source": "STS", "state": "created", "content_type": "audio/mpeg",
     "character_count_change_from": 102, "character_count_change_to": 119}

The audio is the whole answer, also where the answer itself broke off. No item is left by a call with
`enable_logging=false`, nor by one whose `Behaviour.in_history` is false.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from tests.support.endpoint.listings import voices
from tests.support.endpoint.multipart import Part
from tests.support.endpoint.script import TOO_MANY, Behaviour, Script


@dataclass
class Request:
    """One request as it came. `complete`: its body came to the end."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    parts: list[Part] = field(default_factory=list)
    complete: bool = False
    billed: bool = False
    request_id: str | None = None
    started_at: float = field(default_factory=time.time)

    @property
    def audio(self) -> Part | None:
        return next((part for part in self.parts if part.name == "audio"), None)

    @property
    def fields(self) -> dict[str, str]:
        return {part.name: part.value for part in self.parts if part.value is not None}

    @property
    def voice_id(self) -> str:
        return self.path.split("/")[3]


class Ledger:
    """Requests, how many conversions it would bill, how many ran at once."""

    def __init__(self, folder: Path) -> None:
        self.lock = threading.Lock()
        self.folder = folder
        self.requests: list[Request] = []
        self.history: list[dict[str, Any]] = []
        self.voices = voices()
        self.script = Script()
        self.made_ever = 0  # voices
        self.verifies = False  # whether each has to be verified before it can be used
        self.made_with: dict[str, Any] = {}  # said of each besides
        self.billed = 0
        self.in_flight = 0
        self.most_at_once = 0
        self.held: list[threading.Event] = []  # calls that hold or hang
        # Over the whole life of the endpoint: a caller may remember an id from before `clear`.
        self._requests_ever = 0
        self._items_ever = 0

    def clear(self) -> None:
        """Forgets everything but its voices and what is still being worked on; what is held goes on."""
        with self.lock:
            self.requests, self.history, self.script = [], [], Script()
            self.billed = 0
            self.most_at_once = self.in_flight
        self.release()

    def begin(self, request: Request) -> Behaviour:
        with self.lock:
            self.requests.append(request)
            self._requests_ever += 1
            request.request_id = f"request-{self._requests_ever}"
            behaviour = self._next_behaviour(request)
            self.in_flight += 1
            self.most_at_once = max(self.most_at_once, self.in_flight)
            return behaviour

    def _next_behaviour(self, request: Request) -> Behaviour:
        script = self.script
        if script.everything is not None:
            return script.everything
        if script.slots is not None and self.in_flight >= script.slots:
            headers = {
                "current-concurrent-requests": str(self.in_flight),
                "maximum-concurrent-requests": str(script.slots),
            }
            return replace(TOO_MANY, headers=headers)
        for_voice = script.voices.get(request.voice_id)
        if for_voice:
            return for_voice.pop(0)
        return script.calls.pop(0) if script.calls else script.default

    def bill(self, request: Request, answer: BinaryIO, behaviour: Behaviour) -> str:
        """Returns the history item's id, whether or not there will be an item. `answer` is read from its start."""
        with self.lock:
            self.billed += 1
            self._items_ever += 1
            request.billed = True
            item_id, cost = f"item-{self._items_ever}", behaviour.character_cost or 0
        if behaviour.in_history and dict(request.query).get("enable_logging") != "false":
            answer.seek(0)
            with (self.folder / item_id).open("wb") as kept:
                shutil.copyfileobj(answer, kept)
            answer.seek(0)
            item = {
                "history_item_id": item_id,
                "request_id": request.request_id,
                "voice_id": request.voice_id,
                "date_unix": int(time.time()),
                "content_type": behaviour.content_type or "audio/mpeg",
                "source": "STS",
                "state": "created",
                "character_count_change_from": self._items_ever * 100,
                "character_count_change_to": self._items_ever * 100 + cost,
            }
            with self.lock:
                self.history.insert(0, item)
        return item_id

    def billed_by_audio(self) -> Counter[str]:
        """How often each recording was billed, by the SHA-256 of what was uploaded."""
        with self.lock:
            audios = [request.audio for request in self.requests if request.billed]
        return Counter(audio.sha256 for audio in audios if audio is not None)

    def hold(self) -> threading.Event:
        """Set by `release`."""
        event = threading.Event()
        with self.lock:
            self.held.append(event)
        return event

    def release(self) -> None:
        """Lets everything go on that is held now."""
        with self.lock:
            held, self.held = self.held, []
        for event in held:
            event.set()

    def as_json(self) -> dict[str, Any]:
        with self.lock:
            return {
                "requests": [asdict(request) for request in self.requests],
                "billed": self.billed,
                "in_flight": self.in_flight,
                "most_at_once": self.most_at_once,
            }
