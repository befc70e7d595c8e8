"""The contract's routes: a request in, an answer out. Knows neither sockets nor threads."""

from __future__ import annotations

import hmac
import itertools
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing

from s2s.contract import AddedVoice
from s2s.engine import adding, listings, speech
from s2s.engine.concurrency import Slots
from s2s.engine.errors import Refusal
from s2s.engine.exchange import ClientLeft, Request, Response
from s2s.engine.voices import Offered
from s2s.engine.voices.added import AddedVoices

logger = logging.getLogger(__name__)

DEFAULT_MAX_BYTES = 2 * 1024**3


class App:
    """The application. `api_key` None: whoever can reach the port may use it."""

    def __init__(
        self, slots: Slots, added: AddedVoices, *, api_key: str | None = None, max_bytes: int = DEFAULT_MAX_BYTES
    ) -> None:
        self._slots = slots
        self._added = added
        self._api_key = api_key
        self._max_bytes = max_bytes
        voice = r"(?P<voice_id>[A-Za-z0-9_-]{1,64})"
        convert = rf"/v1/(?:speech-to-speech|voice-changer)/{voice}"
        self._routes: list[tuple[re.Pattern[str], str, Callable[..., Response]]] = [
            (re.compile(pattern), method, handler)
            for pattern, method, handler in (
                ("/healthz", "GET", self._healthz),
                (convert, "POST", self._convert),
                (f"{convert}/stream", "POST", self._stream),
                ("/v1/voices/add", "POST", self._add_voice),
                ("/v1/voices", "GET", self._voices),
                ("/v2/voices", "GET", self._voice_page),
                (f"/v1/voices/{voice}", "GET", self._voice),
                (f"/v1/voices/{voice}", "DELETE", self._delete_voice),
                (f"/v1/voices/{voice}/preview", "GET", self._preview),
                ("/v1/models", "GET", self._models),
                ("/v1/user/subscription", "GET", self._subscription),
            )
        ]
        # A browser plays a preview and a supervisor asks for health without a key.
        self._open = {self._healthz, self._preview}

    def answer(self, request: Request) -> Response:
        """Refusals and failures are answers too. Raises ClientLeft when there is nobody to give one to."""
        try:
            response = self._answer(request)
        except ClientLeft:
            raise
        except Exception as error:
            response = self._refuse(request, error)
        response.headers["request-id"] = request.id
        if request.method == "HEAD":
            response.body = []
        return response

    def _refuse(self, request: Request, error: Exception) -> Response:
        refusal = error if isinstance(error, Refusal) else None
        if isinstance(error, OSError):
            refusal = Refusal.of_full_disk(error)
            if refusal is not None:
                logger.error("request %s: %s", request.id, error)
        if refusal is None:
            logger.error("request %s: %s failed", request.id, request.method, exc_info=error)
            detail = {"status": "internal_error", "message": "The engine failed. Its log has the cause."}
            return Response.of_json({"detail": detail}, 500)
        request.drain()
        return Response.of_json({"detail": refusal.detail}, refusal.status_code, refusal.headers)

    def _answer(self, request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        allowed = set()
        for pattern, its_method, handler in self._routes:
            if (match := pattern.fullmatch(request.path)) is None:
                continue
            if its_method == method:
                if handler not in self._open:
                    self._authorise(request)
                return handler(request, **match.groupdict())
            allowed.add(its_method)
        if allowed:
            message = f"This address takes {' or '.join(sorted(allowed))}."
            raise Refusal.because(405, "method_not_allowed", message, Allow=", ".join(sorted(allowed)))
        raise Refusal.because(404, "not_found", "There is nothing at this address.")

    def _authorise(self, request: Request) -> None:
        if self._api_key is None:
            return
        given = request.headers.get("xi-api-key", "").encode("latin-1", "replace")
        if not hmac.compare_digest(given, self._api_key.encode()):
            raise Refusal.because(401, "invalid_api_key", "The header xi-api-key is missing or wrong.")

    # ---- what is asked for ----

    def _healthz(self, request: Request) -> Response:
        return Response.of_json({"status": "ok"})

    def _voices(self, request: Request) -> Response:
        return Response.of_json(listings.voices(self._added, request.base_url))

    def _voice_page(self, request: Request) -> Response:
        return Response.of_json(listings.voice_page(request.query, self._added, request.base_url))

    def _voice(self, request: Request, voice_id: str) -> Response:
        return Response.of_json(listings.describe(listings.find_voice(voice_id, self._added), request.base_url))

    def _preview(self, request: Request, voice_id: str) -> Response:
        clip = _preview_of(listings.find_voice(voice_id, self._added))
        return Response([clip], "audio/mpeg", length=len(clip), headers={"Cache-Control": "max-age=3600"})

    def _models(self, request: Request) -> Response:
        return Response.of_json(listings.models())

    def _subscription(self, request: Request) -> Response:
        return Response.of_json(listings.subscription(self._added))

    def _add_voice(self, request: Request) -> Response:
        with ExitStack() as stack:
            slot = stack.enter_context(self._slots.take())
            upload = stack.enter_context(closing(request.upload(self._max_bytes)))
            voice = adding.add(upload, self._added, request.line.check)
            answer = AddedVoice(voice_id=voice.voice_id)
            return Response.of_json(answer.model_dump(), headers=slot.headers)

    def _delete_voice(self, request: Request, voice_id: str) -> Response:
        if voice_id in listings.built_in():
            raise Refusal.because(400, "voice_is_built_in", "This voice came with the engine and can't be deleted.")
        if not self._added.delete(voice_id):
            raise listings.voice_not_found()
        return Response.of_json({"status": "ok"})

    def _convert(self, request: Request, voice_id: str) -> Response:
        with ExitStack() as stack:
            job, headers = self._begun(stack, request, voice_id, streaming=False)
            pieces = stack.enter_context(closing(speech.converted_file(job)))
            first = next(pieces)  # what is wrong with the recording is said now, while a status can be sent
            if first.is_last:
                return _sound([first.content], job, len(first.content), headers)
            rest = (piece.content for piece in pieces)
            return _sound(_Rest(first.content, rest, stack.pop_all()), job, None, headers)

    def _stream(self, request: Request, voice_id: str) -> Response:
        with ExitStack() as stack:
            job, headers = self._begun(stack, request, voice_id, streaming=True)
            pieces = stack.enter_context(closing(speech.converted_stream(job)))
            first = next(pieces)
            return _sound(_Rest(first, pieces, stack.pop_all()), job, None, headers)

    def _begun(
        self, stack: ExitStack, request: Request, voice_id: str, *, streaming: bool
    ) -> tuple[speech.Job, dict[str, str]]:
        """The work, whose slot and upload `stack` closes, and what the answer says of the slots. Raises Refusal."""
        voice = listings.find_voice(voice_id, self._added)
        speech.parameters(request.query, {}, streaming=streaming)  # before a large body is read
        slot = stack.enter_context(self._slots.take())
        upload = stack.enter_context(closing(request.upload(self._max_bytes)))
        wanted = speech.parameters(request.query, upload.fields, streaming=streaming)
        source = speech.source_of(upload)
        job = speech.Job(source, wanted, voice, request.line.check, slot.close, upload.source_speech)
        return job, slot.headers


def _preview_of(voice: Offered) -> bytes:
    try:
        return voice.preview.read_bytes()
    except FileNotFoundError as error:  # deleted in this moment
        raise listings.voice_not_found() from error


def _sound(body: Iterable[bytes], job: speech.Job, length: int | None, headers: dict[str, str]) -> Response:
    return Response(body, job.wanted.format.media_type, length=length, headers={"character-cost": "0", **headers})


class _Rest:
    """An answer after its beginning. What it needs stays until it is through or closed."""

    def __init__(self, first: bytes, pieces: Iterator[bytes], needed: ExitStack) -> None:
        self._pieces = itertools.chain([first], pieces)
        self._needed = needed

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        self._needed.close()
