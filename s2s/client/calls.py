"""How a call goes: sent, judged, repeated. Written once for both clients; a `Wire` does the waiting."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, BinaryIO, Literal, TypeVar

import httpx

from s2s.client import listings
from s2s.client.abort import Line, LineCut
from s2s.client.address import path_segment, url_of
from s2s.client.errors import Busy, NotSent, Unclear
from s2s.client.listings import Question
from s2s.client.options import (
    FREE_RETRIES,
    AnswerOptions,
    ConvertOptions,
    Options,
    RequestOptions,
    SampleOptions,
    Timeouts,
)
from s2s.client.patience import Patience
from s2s.client.recording import Audio, Recording, open_recording
from s2s.client.statuses import (
    is_audio,
    lost,
    media_type,
    not_audio,
    not_the_contract,
    refused,
    unanswered,
    unbilled,
)
from s2s.client.wires import Pull, Wire
from s2s.contract import AddedVoice, ConvertParameters

log = logging.getLogger(__name__)

ConvertPath = Literal["speech-to-speech", "voice-changer"]
Way = Literal["", "/stream"]

MAX_ERROR_BYTES = 64 * 1024
MAX_LISTING_BYTES = 32 * 1024 * 1024

_NO_QUERY: Mapping[str, str] = {}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Begun:
    """An answer with its headers there and its body to come."""

    response: httpx.Response
    line: Line
    pull: Pull
    billed: bool
    most_bytes: int | None


class Calls:
    """`timeout` is that of calls for which none is given."""

    def __init__(self, address: httpx.URL, path: ConvertPath, wire: Wire[Any], timeout: Timeouts) -> None:
        self._base_url = str(address).rstrip("/")
        self._path = path
        self._options = Options(timeout=timeout)
        self._free_options = Options(timeout=timeout, retries=FREE_RETRIES)
        self.wire = wire

    async def convert(
        self, way: Way, voice_id: str, audio: Audio, parameters: ConvertParameters, given: ConvertOptions
    ) -> Begun:
        """Raises an `EndpointError`, or what `open_recording` raises."""
        options = replace(self._options, **given)
        url = f"/v1/{self._path}/{path_segment(voice_id, 'voice')}{way}"
        recording = await self.wire.run(partial(open_recording, audio, options.filename))
        try:
            return await self._patiently(partial(self._send, url, recording, parameters, options), options)
        finally:
            if recording.ours:
                # Not waited for: a task that is cancelled here would lose the answer.
                self.wire.run_soon(recording.file.close)

    async def add_voice(self, fields: Mapping[str, str], sample: Audio, given: SampleOptions) -> AddedVoice:
        """Raises an `EndpointError`, or what `open_recording` raises."""
        options = replace(self._options, **given)
        recording = await self.wire.run(partial(open_recording, sample, options.filename))
        try:
            body: dict[str, Any] = {"data": fields, "files": {"files": (recording.name, recording.file)}}
            return await self._patiently(partial(self._answered, listings.new_voice(), options, **body), options)
        finally:
            if recording.ours:
                self.wire.run_soon(recording.file.close)

    async def ask(self, question: Question[T], given: RequestOptions) -> T:
        """Raises an `EndpointError`, but never `Unclear`."""
        options = replace(self._free_options, **given)
        return await self._patiently(partial(self._ask, question, options), options)

    async def fetch(self, path: str, given: AnswerOptions) -> Begun:
        """Audio that is there already. Raises an `EndpointError`, but never `Unclear`."""
        options = replace(self._free_options, **given)
        return await self._patiently(partial(self._fetch, path, options), options)

    # ---- attempts ----

    async def _patiently(self, attempt: Callable[[Line], Awaitable[T]], options: Options) -> T:
        """Repeats what was not billed. A line is closed with its attempt, unless it goes on with the answer."""
        patience = Patience(options)
        while True:
            line = Line(patience.left_s(), options.abort, options.on_sent, self.wire.start_timer)
            try:
                return await attempt(line)
            except (NotSent, Busy) as error:
                line.close()
                pause_s = patience.pause_s(error)
                if pause_s is None:
                    raise
                log.info("Tried again in %.1f s: %s (%s)", pause_s, error, error.code)
            except BaseException:
                line.close()
                raise
            await self.wire.pause(pause_s, options.abort)

    async def _send(
        self, url: str, recording: Recording, parameters: ConvertParameters, options: Options, line: Line
    ) -> Begun:
        files: dict[str, tuple[str, BinaryIO | bytes]] = {"audio": (recording.name, recording.file)}
        if options.source_speech is not None:
            files["source_speech"] = ("speech", options.source_speech)
        body = {"data": parameters.form(), "files": files}
        build = partial(self._request, "POST", url, options, line, query=parameters.query(), **body)
        request = await self.wire.run(build)
        response = await self._open(request, line)
        if not is_audio(response.headers):
            raise not_audio(response.headers, await self._some(response))
        return self._begun(response, line, options, billed=True)

    async def _ask(self, question: Question[T], options: Options, line: Line) -> T:
        try:
            return await self._answered(question, options, line)
        except Unclear as error:
            raise unbilled(error) from error

    async def _answered(self, question: Question[T], options: Options, line: Line, **parts: Any) -> T:
        build = partial(self._request, question.method, question.path, options, line, query=question.query, **parts)
        request = await self.wire.run(build) if parts else build()
        try:
            response = await self._open(request, line)
            body = await self._whole(response, line)
        finally:
            line.close()
        return question.answer(body, response.headers)

    async def _fetch(self, path: str, options: Options, line: Line) -> Begun:
        try:
            response = await self._open(self._request("GET", path, options, line), line)
        except Unclear as error:
            raise unbilled(error) from error
        if not is_audio(response.headers):
            await self.wire.close(response)
            raise not_the_contract(response.headers, f"{media_type(response.headers)} instead of audio")
        return self._begun(response, line, options, billed=False)

    def _begun(self, response: httpx.Response, line: Line, options: Options, *, billed: bool) -> Begun:
        return Begun(response, line, self.wire.body(response, options.chunk_bytes), billed, options.most_bytes)

    # ---- one request ----

    def _request(
        self,
        method: str,
        path: str,
        options: Options,
        line: Line,
        *,
        query: Mapping[str, str] = _NO_QUERY,
        **parts: Any,
    ) -> httpx.Request:
        connect_s = options.timeout.connect_s
        # While connecting there is no socket that the deadline could shut down.
        if line.deadline_s is not None:
            connect_s = max(min(connect_s, line.deadline_s), 0.001)
        timeout = httpx.Timeout(
            connect=connect_s, read=options.timeout.read_s, write=options.timeout.write_s, pool=connect_s
        )
        extensions = {"trace": self.wire.trace(line)}
        return self.wire.build(
            method,
            url_of(self._base_url + path, tuple(query.items())),
            headers=dict(options.headers),
            timeout=timeout,
            extensions=extensions,
            **parts,
        )

    async def _open(self, request: httpx.Request, line: Line) -> httpx.Response:
        """The answer's headers, with status 200 and the body still to come."""
        try:
            line.check()
            if not self.wire.traced:
                await line.begin_sending()
            response = await self.wire.send(request)
        except Exception as error:
            # Whatever it is, also from reading the recording: once sent, it may have been billed.
            known = isinstance(error, httpx.HTTPError | LineCut | OSError)
            if error is line.on_sent_error or not (known or line.sent):
                raise
            raise unanswered(error, line) from error
        if response.status_code != httpx.codes.OK:
            raise refused(response.status_code, response.headers, await self._some(response))
        return response

    async def _some(self, response: httpx.Response) -> bytes:
        """Up to `MAX_ERROR_BYTES` of an error's body; what came of it, if it breaks off. Closes the response."""
        body = bytearray()
        pull = self.wire.body(response, None)
        try:
            while len(body) < MAX_ERROR_BYTES and (chunk := await pull()) is not None:
                body += chunk
        except httpx.HTTPError as error:
            log.info("The body of an error broke off: %s", error)
        finally:
            await self.wire.close(response)
        return bytes(body[:MAX_ERROR_BYTES])

    async def _whole(self, response: httpx.Response, line: Line) -> bytes:
        """Raises `Unclear` if the body breaks off, `Rejected` if it is too large. Closes the response."""
        body = bytearray()
        pull = self.wire.body(response, None)
        try:
            while (chunk := await pull()) is not None:
                line.check()
                body += chunk
                if len(body) > MAX_LISTING_BYTES:
                    raise not_the_contract(response.headers, f"more than {MAX_LISTING_BYTES} bytes")
            line.check()
        except (httpx.HTTPError, LineCut) as error:
            raise lost(error, line, response.headers) from error
        finally:
            await self.wire.close(response)
        return bytes(body)
