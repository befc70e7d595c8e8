"""What can be asked of an endpoint, and how the answers are read. Nothing of it is ever billed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, Self, TypeVar, cast

import httpx
from pydantic import BaseModel, ValidationError

from s2s.client.address import path_segment
from s2s.client.options import HistoryOptions, RequestOptions, VoiceOptions
from s2s.client.said import one_line, read_json
from s2s.client.statuses import not_the_contract
from s2s.contract import (
    AddedVoice,
    HistoryItem,
    HistoryPage,
    HistorySearch,
    Model,
    Subscription,
    Voice,
    VoicePage,
    VoiceSearch,
)

log = logging.getLogger(__name__)

T = TypeVar("T")
Entry = TypeVar("Entry", bound=BaseModel)
Item = TypeVar("Item")
LARGEST_VOICE_PAGE = 100
LARGEST_HISTORY_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """What is asked of an endpoint. `read` takes the JSON and raises `Rejected` if it isn't of the contract."""

    path: str
    read: Callable[[object], T]
    query: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"

    def answer(self, body: bytes, headers: httpx.Headers) -> T:
        """Raises `Rejected`."""
        try:
            data = read_json(body)
        except ValueError as error:
            raise not_the_contract(headers, f"not JSON: {error}") from error
        return self.read(data)


def voices() -> Question[list[Voice]]:
    return Question("/v1/voices", lambda data: _entries(Voice, _object(data).get("voices")))


def voice(voice_id: str) -> Question[Voice]:
    """Raises `Rejected` for an id that cannot stand in a path."""
    return Question(f"/v1/voices/{path_segment(voice_id, 'voice')}", lambda data: _one(Voice, data))


def no_voice(voice_id: str) -> Question[None]:
    """Raises `Rejected` for an id that cannot stand in a path."""
    return Question(f"/v1/voices/{path_segment(voice_id, 'voice')}", lambda data: None, method="DELETE")


def new_voice() -> Question[AddedVoice]:
    """Asked once, with a sample: each time that it is asked there is one more."""
    return Question("/v1/voices/add", lambda data: _one(AddedVoice, data), method="POST")


def models() -> Question[list[Model]]:
    return Question("/v1/models", lambda data: _entries(Model, data))


def ping() -> Question[None]:
    return Question("/v1/models", lambda data: None)


def subscription() -> Question[Subscription]:
    return Question("/v1/user/subscription", lambda data: _one(Subscription, data))


def history_audio_path(history_item_id: str) -> str:
    """Raises `Rejected` for an id that cannot stand in a path."""
    return f"/v1/history/{path_segment(history_item_id, 'history_item')}/audio"


# ---- page by page ----


class Page(Protocol[Item]):
    @property
    def entries(self) -> list[Item]: ...

    @property
    def next_token(self) -> str | None: ...


class Query(Protocol):
    def query(self) -> dict[str, str]: ...

    def after(self, token: str) -> Self: ...


class Walk(Generic[Item]):
    """A way through all pages: ask `question`, hand its answer to `took`, until `question` is None."""

    def __init__(self, path: str, read: Callable[[object], Page[Item]], query: Query) -> None:
        self._path = path
        self._read = read
        self._query = query
        self._tokens: set[str] = set()
        self.question: Question[Page[Item]] | None = Question(path, read, query.query())

    def took(self, page: Page[Item]) -> list[Item]:
        """The page's entries. Raises `Rejected` if the endpoint sends in circles."""
        token = page.next_token
        if token is None:
            self.question = None
            return page.entries
        if token in self._tokens:
            raise not_the_contract(None, f"the page after {one_line(token)!r} comes again and again")
        self._tokens.add(token)
        self._query = self._query.after(token)
        self.question = Question(self._path, self._read, self._query.query())
        return page.entries


def voice_page(search: str | None, given: VoiceOptions) -> tuple[Question[VoicePage], RequestOptions]:
    """Raises ValueError (pydantic's) for what is out of range."""
    query, options = _split(VoiceSearch, {"search": search, **given})
    return Question("/v2/voices", _voice_page, query.query()), options


def voice_walk(search: str | None, given: VoiceOptions) -> tuple[Walk[Voice], RequestOptions]:
    query, options = _split(VoiceSearch, {"search": search, "page_size": LARGEST_VOICE_PAGE, **given})
    return Walk("/v2/voices", _voice_page, query), options


def history_page(given: HistoryOptions) -> tuple[Question[HistoryPage], RequestOptions]:
    """Raises ValueError (pydantic's) for what is out of range."""
    query, options = _split(HistorySearch, dict(given))
    return Question("/v1/history", _history_page, query.query()), options


def history_walk(given: HistoryOptions) -> tuple[Walk[HistoryItem], RequestOptions]:
    query, options = _split(HistorySearch, {"page_size": LARGEST_HISTORY_PAGE, **given})
    return Walk("/v1/history", _history_page, query), options


def _split(kind: type[Entry], given: Mapping[str, object]) -> tuple[Entry, RequestOptions]:
    """What belongs to the query, and what to the request."""
    query = kind.model_validate({name: value for name, value in given.items() if name in kind.model_fields})
    options = {name: value for name, value in given.items() if name not in kind.model_fields}
    return query, cast(RequestOptions, options)


# ---- reading ----


def _voice_page(data: object) -> VoicePage:
    page = _object(data)
    return _one(VoicePage, page | {"voices": _entries(Voice, page.get("voices"))})


def _history_page(data: object) -> HistoryPage:
    page = _object(data)
    return _one(HistoryPage, page | {"history": _entries(HistoryItem, page.get("history"))})


def _object(data: object) -> dict[str, object]:
    """Empty for what is none: then its list is missed."""
    return data if isinstance(data, dict) else {}


def _one(kind: type[Entry], data: object) -> Entry:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise not_the_contract(None, f"no readable {kind.__name__}: {one_line(str(error))}") from error


def _entries(kind: type[Entry], data: object) -> list[Entry]:
    """Those that can be read. Raises `Rejected` if `data` isn't a list, or has entries and none can."""
    if not isinstance(data, list):
        raise not_the_contract(None, f"no list of {kind.__name__}")
    entries = []
    for item in data:
        try:
            entries.append(kind.model_validate(item))
        except ValidationError as error:
            # One odd entry must not hide the others.
            log.warning("An entry of the endpoint's list was left out: %s", one_line(str(error)))
    if data and not entries:
        raise not_the_contract(None, f"no readable {kind.__name__}")
    return entries
