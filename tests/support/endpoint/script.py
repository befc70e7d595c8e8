"""What the scripted endpoint does when, as data that also travels as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Literal, Self

Fault = Literal[
    "reset_upload",  # RST after `after_bytes` of the request's body
    "hang_upload",  # stop reading there, until the caller leaves or `Endpoint.release`
    "hang",  # the same when everything was taken
    "reset",  # finish the work (billed), then RST instead of an answer
    "close",  # the same with an orderly end
    "reset_body",  # half of the audio, then RST
    "hang_body",  # the same after half of the audio
    "cut_body",  # half of the audio under the Content-Length of all of it
    "bad_chunk",  # half of the audio, then a chunk whose length isn't a number
    "endless",  # half of the audio, then zeros until the caller leaves
]
Framing = Literal["chunked", "length", "close"]


@dataclass(frozen=True)
class Behaviour:
    """What one call of convert or stream gets. The default: the uploaded bytes back, chunked, as audio/mpeg."""

    status: int = 200
    body: str | None = None  # instead of audio; for an error, else `detail(...)` of its status
    content_type: str | None = None
    audio_base64: str | None = None  # instead of the upload
    decodes: bool = False  # instead of the upload a WAV of what most programs hear in it (`hearing`)
    speaks: bool = False  # instead of the upload its sound, in the format that was asked for:
    late_s: float = 0.0  # so much later
    stretch: float = 1.0  # so much slower
    speed: float = 1.0  # and as much shorter
    louder_db: float = 0.0
    tone_hz: float = 0.0  # beneath it, by which a voice is known
    pace: float | None = None  # as many times faster than it is spoken
    most_s: float | None = None  # what lasts longer is refused
    refused_formats: tuple[str, ...] = ()  # by its plan
    audio_part: float = 1.0  # of the audio only this much is sent, as if it were all
    headers: dict[str, str] = field(default_factory=dict)  # "": one that isn't sent
    character_cost: int | None = 17
    delay_s: float = 0.0  # before the headers: the work
    hold: bool = False  # there, until `Endpoint.release`
    body_delay_s: float = 0.0  # after half of the audio
    hold_body: bool = False  # there, until `Endpoint.release`
    trickle_s: float | None = None  # one byte, then this long nothing
    block_s: float = 0.0  # as long as making a block takes
    framing: Framing = "chunked"
    fault: Fault | None = None
    after_bytes: int = 64 * 1024
    early: bool = False  # answer with `status` before the upload is read
    billed_anyway: bool = False  # the work was done, though the answer doesn't say so: a 504, or a "hang"
    in_history: bool = True  # what is billed becomes an item of the history

    @property
    def bills(self) -> bool:
        return self.billed_anyway or (self.status == 200 and self.fault not in ("reset_upload", "hang_upload", "hang"))


def detail(status: str, message: str) -> str:
    """The usual shape of an error's body."""
    return json.dumps({"detail": {"status": status, "message": message}})


def parameter_error(*loc: str, msg: str, type: str = "value_error") -> str:
    """The shape of a 422's."""
    return json.dumps({"detail": [{"loc": list(loc), "msg": msg, "type": type}]})


TOO_MANY = Behaviour(
    status=429,
    body=detail("too_many_concurrent_requests", "Too many concurrent requests."),
    headers={"current-concurrent-requests": "3", "maximum-concurrent-requests": "3"},
)
REVOKED = Behaviour(status=401, body=detail("invalid_api_key", "Invalid API key."))
SYSTEM_BUSY = Behaviour(status=429, body=detail("system_busy", "We are experiencing heavy traffic."))


@dataclass
class Script:
    """`calls` are used up one per call, then `default` holds. Over `slots` calls at once get `TOO_MANY`.

    A call with a voice of `voices` takes from its list first. `gets` are used up one per GET of anything, `adds` one
    per voice that is to be made or deleted; then what is asked for is answered. `everything`: what every call and every
    GET gets, as from an endpoint that knows the key no more.
    """

    calls: list[Behaviour] = field(default_factory=list)
    default: Behaviour = field(default_factory=Behaviour)
    slots: int | None = None
    gets: list[Behaviour] = field(default_factory=list)
    voices: dict[str, list[Behaviour]] = field(default_factory=dict)
    adds: list[Behaviour] = field(default_factory=list)
    everything: Behaviour | None = None

    @classmethod
    def of_json(cls, text: str) -> Self:
        data = json.loads(text)
        return cls(
            calls=[Behaviour(**call) for call in data.get("calls", [])],
            default=Behaviour(**data.get("default", {})),
            slots=data.get("slots"),
            gets=[Behaviour(**get) for get in data.get("gets", [])],
            voices={voice: [Behaviour(**call) for call in calls] for voice, calls in data.get("voices", {}).items()},
            adds=[Behaviour(**add) for add in data.get("adds", [])],
            everything=Behaviour(**data["everything"]) if data.get("everything") else None,
        )
