"""The client for an asyncio event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TypeVar, Unpack

import httpx

from s2s.client import listings
from s2s.client.address import AsyncHttp, client_settings, read_address
from s2s.client.answer import AsyncAnswer
from s2s.client.calls import Calls, ConvertPath, Way
from s2s.client.client import DEFAULT_PARAMETERS, DEFAULT_TIMEOUTS
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
from s2s.client.wires import LoopWire
from s2s.closing import AsyncClosing
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


class AsyncClient(AsyncClosing):
    """As `Client`, with the same names and keywords, inside an event loop of asyncio. Nothing blocks the loop.

    A task that is cancelled gives up its socket at once and gets `CancelledError`, as everywhere; whether something was
    sent by then, and may have been billed, only `on_sent` tells. An endpoint that refuses a recording and resets the
    connection instead of taking the rest is `Unclear` here, since asyncio drops what had arrived when a write fails.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        timeout: Timeouts = DEFAULT_TIMEOUTS,
        path: ConvertPath = "speech-to-speech",
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Raises as `Client` does."""
        address = read_address(base_url)
        self._http = AsyncHttp(transport=transport, follow_redirects=False, **client_settings(address, api_key))
        traced = transport is None or isinstance(transport, httpx.AsyncHTTPTransport)
        self._calls = Calls(address, path, LoopWire(self._http, traced=traced), timeout)

    async def convert(
        self,
        voice_id: str,
        audio: Audio,
        parameters: ConvertParameters = DEFAULT_PARAMETERS,
        **options: Unpack[ConvertOptions],
    ) -> AsyncAnswer:
        """As `Client.convert`. The recording is read in threads: don't use its file while it is sent."""
        return await self._convert("", voice_id, audio, parameters, options)

    async def stream(
        self,
        voice_id: str,
        audio: Audio,
        parameters: ConvertParameters = DEFAULT_PARAMETERS,
        **options: Unpack[ConvertOptions],
    ) -> AsyncAnswer:
        """As `Client.stream`."""
        return await self._convert("/stream", voice_id, audio, parameters, options)

    async def voices(self, **options: Unpack[RequestOptions]) -> list[Voice]:
        """As `Client.voices`."""
        return await self._ask(listings.voices(), options)

    async def search_voices(self, search: str | None = None, **query: Unpack[VoiceOptions]) -> VoicePage:
        """As `Client.search_voices`."""
        return await self._ask(*listings.voice_page(search, query))

    def all_voices(self, search: str | None = None, **query: Unpack[VoiceOptions]) -> AsyncIterator[Voice]:
        """As `Client.all_voices`."""
        return self._walk(*listings.voice_walk(search, query))

    async def voice(self, voice_id: str, **options: Unpack[RequestOptions]) -> Voice:
        """As `Client.voice`."""
        return await self._ask(listings.voice(voice_id), options)

    async def add_voice(
        self,
        name: str,
        sample: Audio,
        *,
        description: str = "",
        labels: Mapping[str, str] | None = None,
        remove_background_noise: bool = False,
        **options: Unpack[SampleOptions],
    ) -> AddedVoice:
        fields = voice_form(name, description, labels, remove_background_noise=remove_background_noise)
        return await self._calls.add_voice(fields, sample, options)

    async def delete_voice(self, voice_id: str, **options: Unpack[RequestOptions]) -> None:
        """Raises as `voices` does: `Rejected` (404) for one that isn't there."""
        await self._calls.ask(listings.no_voice(voice_id), options)

    async def models(self, **options: Unpack[RequestOptions]) -> list[Model]:
        """As `Client.models`."""
        return await self._ask(listings.models(), options)

    async def history(self, **query: Unpack[HistoryOptions]) -> HistoryPage:
        """As `Client.history`."""
        return await self._ask(*listings.history_page(query))

    def history_items(self, **query: Unpack[HistoryOptions]) -> AsyncIterator[HistoryItem]:
        """As `Client.history_items`."""
        return self._walk(*listings.history_walk(query))

    async def history_audio(self, history_item_id: str, **options: Unpack[AnswerOptions]) -> AsyncAnswer:
        """As `Client.history_audio`."""
        path = listings.history_audio_path(history_item_id)
        begun = await self._calls.fetch(path, options)
        return AsyncAnswer(begun, self._calls.wire)

    async def subscription(self, **options: Unpack[RequestOptions]) -> Subscription:
        """As `Client.subscription`."""
        return await self._ask(listings.subscription(), options)

    async def ping(self, **options: Unpack[RequestOptions]) -> None:
        """As `Client.ping`."""
        await self._ask(listings.ping(), {"retries": 0, **options})

    async def close(self) -> None:
        await self._http.aclose()

    async def _convert(
        self, way: Way, voice_id: str, audio: Audio, parameters: ConvertParameters, given: ConvertOptions
    ) -> AsyncAnswer:
        return AsyncAnswer(await self._calls.convert(way, voice_id, audio, parameters, given), self._calls.wire)

    async def _ask(self, question: Question[T], given: RequestOptions) -> T:
        return await self._calls.ask(question, given)

    async def _walk(self, walk: Walk[T], given: RequestOptions) -> AsyncIterator[T]:
        while walk.question is not None:
            for entry in walk.took(await self._ask(walk.question, given)):
                yield entry
