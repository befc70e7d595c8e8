"""What a caller may ask of a call beside what is converted: time, retries, headers, size of chunks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypedDict

from s2s.client.abort import Abort, OnSent

# Of a call that is never billed, as of a list.
FREE_RETRIES = 2

# The client's own: the key is the endpoint's, the length and framing are counted, an encoding would hide a cut.
_OWN_HEADERS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "transfer-encoding",
        "upgrade",
        "xi-api-key",
    }
)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Of one operation each, but `total_s`: of a whole call, from connecting to the last byte of the answer.

    `total_s` holds the retries and the pauses between them as well.
    """

    connect_s: float = 10.0
    read_s: float = 120.0
    write_s: float = 120.0
    total_s: float | None = None


class RequestOptions(TypedDict, total=False):
    """Keywords of every call."""

    # Else the client's.
    timeout: Timeouts
    # Instead of `Timeouts.total_s`. Of an iterator over pages: for each page.
    deadline_s: float | None
    # How often at most the call is repeated after `NotSent` or `Busy`, which is never billed. Else 0 for convert and
    # stream, 2 for the rest. A call isn't repeated before `Retry-After`, nor after a time-out of ours, and
    # given up if `Retry-After` is more than a minute or beyond the deadline.
    retries: int
    # Sent besides the client's own, which cannot be named here.
    headers: Mapping[str, str]
    abort: Abort | None


class AnswerOptions(RequestOptions, total=False):
    """Keywords of a call whose answer is audio."""

    # The answer comes in pieces of this size (the last one may be smaller); else as it arrives. Bytes wait until a
    # piece is full: when the answer breaks off, those that waited are not handed over.
    chunk_bytes: int | None
    # An answer that has more is broken off where it does, and raises what one that breaks off by itself raises, with
    # the code `too_large`; one that is never billed raises `Rejected`. Else it may have any size.
    most_bytes: int | None


class ConvertOptions(AnswerOptions, total=False):
    """Keywords of `convert` and `stream`."""

    # Else the name of the path or of the file, else "audio".
    filename: str | None
    # What is spoken elsewhere in the recording of which this is a passage, as an endpoint takes it whose model says so
    # (`contract.Model.can_take_source_speech`). Never for another one: it isn't of the published contract.
    source_speech: bytes | None
    # Called before every request, with the connection made and nothing sent; what it raises passes through and nothing
    # is sent. The async client awaits what it returns.
    on_sent: OnSent | None


class SampleOptions(RequestOptions, total=False):
    """Keywords of `add_voice`."""

    # As those of `convert`.
    filename: str | None
    on_sent: OnSent | None


class VoiceOptions(RequestOptions, total=False):
    """Keywords of `search_voices` and `all_voices`: see `s2s.contract.VoiceSearch`."""

    page_size: int
    next_page_token: str | None
    sort: Literal["created_at_unix", "name"] | None
    sort_direction: Literal["asc", "desc"] | None
    voice_type: Literal["personal", "community", "default", "workspace", "non-default"] | None
    category: Literal["premade", "cloned", "generated", "professional"] | None
    include_total_count: bool | None


class HistoryOptions(RequestOptions, total=False):
    """Keywords of `history` and `history_items`: see `s2s.contract.HistorySearch`."""

    page_size: int
    start_after_history_item_id: str | None
    voice_id: str | None
    search: str | None
    source: Literal["TTS", "STS"] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The keywords of a call with their defaults. Raises ValueError for what cannot be, before anything is sent."""

    timeout: Timeouts
    deadline_s: float | None = None
    retries: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    abort: Abort | None = None
    chunk_bytes: int | None = None
    most_bytes: int | None = None
    filename: str | None = None
    source_speech: bytes | None = None
    on_sent: OnSent | None = None

    def __post_init__(self) -> None:
        if self.retries < 0:
            raise ValueError("retries must be 0 or more")
        if self.chunk_bytes is not None and self.chunk_bytes < 1:
            raise ValueError("chunk_bytes must be 1 or more")
        if self.most_bytes is not None and self.most_bytes < 1:
            raise ValueError("most_bytes must be 1 or more")
        for name, value in self.headers.items():
            if name.lower() in _OWN_HEADERS:
                raise ValueError(f"the header {name} is the client's own")
            if not _TOKEN.fullmatch(name) or not (value.isascii() and value.isprintable()):
                raise ValueError(f"the header {name!r} cannot be sent")

    @property
    def total_s(self) -> float | None:
        return self.timeout.total_s if self.deadline_s is None else self.deadline_s
