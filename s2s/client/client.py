"""The client for threads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar, Unpack

import httpx

from s2s.client import listings
from s2s.client.address import Http, client_settings, read_address
from s2s.client.answer import Answer
from s2s.client.calls import Calls, ConvertPath, Way
from s2s.client.listings import Question, Walk
from s2s.client.options import (
    AnswerOptions,
    ConvertOptions,
    HistoryOptions,
    RequestOptions,
    SampleOptions,
    Timeouts,
    VoiceOptions,
)
from s2s.client.recording import Audio
from s2s.client.wires import ThreadWire, finish
from s2s.closing import Closing
from s2s.contract import (
    AddedVoice,
    ConvertParameters,
    HistoryItem,
    HistoryPage,
    Model,
    Subscription,
    Voice,
    VoicePage,
    voice_form,
)

T = TypeVar("T")

DEFAULT_TIMEOUTS = Timeouts()
DEFAULT_PARAMETERS = ConvertParameters()


class Client(Closing):
    """One endpoint. Share it between threads; close it when the calls are over (it is a context manager).

    Every call takes the keywords of `RequestOptions` besides its own, and raises ValueError for what they cannot be.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        timeout: Timeouts = DEFAULT_TIMEOUTS,
        path: ConvertPath = "speech-to-speech",
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Raises ValueError for an address that isn't http(s), or a key that cannot stand in a header.

        Proxies of the environment are used, except to reach this machine itself.
        """
        address = read_address(base_url)
        self._http = Http(transport=transport, follow_redirects=False, **client_settings(address, api_key))
        traced = transport is None or isinstance(transport, httpx.HTTPTransport)
        self._calls = Calls(address, path, ThreadWire(self._http, traced=traced), timeout)

    def convert(
        self,
        voice_id: str,
        audio: Audio,
        parameters: ConvertParameters = DEFAULT_PARAMETERS,
        **options: Unpack[ConvertOptions],
    ) -> Answer:
        """Send `audio` (all of it, from its start) and return once the answer has begun. Keywords: `ConvertOptions`.

        Isn't repeated unless `retries` says so: there is no idempotency key, and a lost answer may have been billed.
        Raises an `EndpointError`; OSError for a path that cannot be opened; ValueError for a file that isn't seekable.
        """
        return self._convert("", voice_id, audio, parameters, options)

    def stream(
        self,
        voice_id: str,
        audio: Audio,
        parameters: ConvertParameters = DEFAULT_PARAMETERS,
        **options: Unpack[ConvertOptions],
    ) -> Answer:
        """As `convert`, by the path whose answer begins before the work is finished. No WAV formats."""
        return self._convert("/stream", voice_id, audio, parameters, options)

    def voices(self, **options: Unpack[RequestOptions]) -> list[Voice]:
        """Raises `NotSent`, `Aborted`, `Busy` (whatever else passes), `AccountProblem` or `Rejected`. Never billed."""
        return self._ask(listings.voices(), options)

    def search_voices(self, search: str | None = None, **query: Unpack[VoiceOptions]) -> VoicePage:
        """One page of `GET /v2/voices`. Raises as `voices` does; ValueError for what is out of range."""
        return self._ask(*listings.voice_page(search, query))

    def all_voices(self, search: str | None = None, **query: Unpack[VoiceOptions]) -> Iterator[Voice]:
        """Those of all pages, each page asked for when it is needed. Raises as `search_voices` does."""
        return self._walk(*listings.voice_walk(search, query))

    def voice(self, voice_id: str, **options: Unpack[RequestOptions]) -> Voice:
        """Raises as `voices` does."""
        return self._ask(listings.voice(voice_id), options)

    def add_voice(
        self,
        name: str,
        sample: Audio,
        *,
        description: str = "",
        labels: Mapping[str, str] | None = None,
        remove_background_noise: bool = False,
        **options: Unpack[SampleOptions],
    ) -> AddedVoice:
        """Make a voice of `sample`, in which one person speaks, by `POST /v1/voices/add`. Keywords: `SampleOptions`.

        `labels` are kept with it, as listings show them. Isn't repeated unless `retries` says so: each time that it is
        done there is one more voice. Raises as `convert` does.
        """
        fields = voice_form(name, description, labels, remove_background_noise=remove_background_noise)
        return finish(self._calls.add_voice(fields, sample, options))

    def delete_voice(self, voice_id: str, **options: Unpack[RequestOptions]) -> None:
        """Raises as `voices` does: `Rejected` (404) for one that isn't there."""
        self._ask(listings.no_voice(voice_id), options)

    def models(self, **options: Unpack[RequestOptions]) -> list[Model]:
        """Raises as `voices` does."""
        return self._ask(listings.models(), options)

    def history(self, **query: Unpack[HistoryOptions]) -> HistoryPage:
        """One page, newest first. Raises as `voices` does; ValueError for what is out of range."""
        return self._ask(*listings.history_page(query))

    def history_items(self, **query: Unpack[HistoryOptions]) -> Iterator[HistoryItem]:
        """Those of all pages, each page asked for when it is needed. Raises as `history` does."""
        return self._walk(*listings.history_walk(query))

    def history_audio(self, history_item_id: str, **options: Unpack[AnswerOptions]) -> Answer:
        """What was converted then. Raises as `voices` does."""
        path = listings.history_audio_path(history_item_id)
        begun = finish(self._calls.fetch(path, options))
        return Answer(begun, self._calls.wire)

    def subscription(self, **options: Unpack[RequestOptions]) -> Subscription:
        """Raises as `voices` does."""
        return self._ask(listings.subscription(), options)

    def ping(self, **options: Unpack[RequestOptions]) -> None:
        """Returns if the endpoint answers and knows the key. Isn't repeated by itself. Raises as `voices` does."""
        self._ask(listings.ping(), {"retries": 0, **options})

    def close(self) -> None:
        self._http.close()

    def _convert(
        self, way: Way, voice_id: str, audio: Audio, parameters: ConvertParameters, given: ConvertOptions
    ) -> Answer:
        return Answer(finish(self._calls.convert(way, voice_id, audio, parameters, given)), self._calls.wire)

    def _ask(self, question: Question[T], given: RequestOptions) -> T:
        return finish(self._calls.ask(question, given))

    def _walk(self, walk: Walk[T], given: RequestOptions) -> Iterator[T]:
        while walk.question is not None:
            yield from walk.took(self._ask(walk.question, given))
