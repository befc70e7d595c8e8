"""The ElevenLabs speech-to-speech contract as types: parameters, error bodies, listings.

Its formats are in `s2s.formats`, its voice settings in `s2s.voice_settings`. Source: the published API description
(ElevenLabs, 2025) and what the official SDKs send. Knows neither how a request travels (`s2s.client`) nor how one is
served (`s2s.engine`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from s2s.formats import DEFAULT_OUTPUT_FORMAT, OUTPUT_FORMATS, OutputFormat
from s2s.voice_settings import EXTRA_PARAMETERS, VOICE_PARAMETERS, VoiceSettings

DEFAULT_MODEL_ID = "eleven_multilingual_sts_v2"
MAX_SEED = 2**32 - 1


def _empty_is_absent(value: object) -> object:
    """SDK 1.9 sends `model_id=`, `voice_settings=` and `seed=` empty for what the caller left out."""
    return None if value == "" else value


def _known_format(value: object) -> object:
    if value is None:
        return DEFAULT_OUTPUT_FORMAT
    if value not in OUTPUT_FORMATS:
        raise ValueError(f"unknown output_format; one of: {', '.join(OUTPUT_FORMATS)}")
    return value


# What an endpoint may take and do nothing with. (`output_format`, `file_format` and `enable_logging` are promises.)
OPTIONAL_PARAMETERS = (
    "model_id",
    *VOICE_PARAMETERS,
    "seed",
    "remove_background_noise",
    "optimize_streaming_latency",
)


def _settings_from_json(value: object) -> object:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ValueError("voice_settings is not valid JSON") from error
        if not isinstance(value, dict):
            raise ValueError("voice_settings must be a JSON object")
    return value


class ConvertParameters(BaseModel):
    """Everything of a convert or stream request but the voice and the audio. Every field may be absent."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    # query
    output_format: Annotated[str, BeforeValidator(_known_format)] = DEFAULT_OUTPUT_FORMAT
    optimize_streaming_latency: Annotated[int, Field(ge=0, le=4)] | None = None
    enable_logging: bool = True
    # form
    model_id: str | None = None
    voice_settings: Annotated[VoiceSettings, BeforeValidator(_settings_from_json)] | None = None
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] | None = None
    remove_background_noise: bool = False
    file_format: Literal["pcm_s16le_16", "other"] = "other"

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, data: object) -> object:
        if isinstance(data, Mapping):
            return {key: value for key, value in data.items() if _empty_is_absent(value) is not None}
        return data

    @property
    def format(self) -> OutputFormat:
        return OUTPUT_FORMATS[self.output_format]

    def without(self, names: Collection[str]) -> ConvertParameters:
        """As if those of `names` (OPTIONAL_PARAMETERS) had never been given."""
        left = {name: value for name, value in self.model_dump().items() if name not in names}
        settings = left.get("voice_settings") or {}
        kept = {name: value for name, value in settings.items() if value is not None and name not in names}
        # `{}` says "the voice's own", and so does nothing at all.
        return ConvertParameters.model_validate({**left, "voice_settings": kept or None})

    def query(self) -> dict[str, str]:
        """The query string: only what differs from what the server takes when left out, as the SDKs send it."""
        query = {"output_format": self.output_format}
        if self.optimize_streaming_latency is not None:
            query["optimize_streaming_latency"] = str(self.optimize_streaming_latency)
        if not self.enable_logging:
            query["enable_logging"] = "false"
        return query

    def form(self) -> dict[str, str]:
        """The multipart fields besides `audio`. Booleans travel as `true` and `false`."""
        # The server's default model differs from what is best: always say which.
        form = {"model_id": self.model_id or DEFAULT_MODEL_ID}
        if self.voice_settings is not None:
            form["voice_settings"] = self.voice_settings.to_json()
        if self.seed is not None:
            form["seed"] = str(self.seed)
        if self.remove_background_noise:
            form["remove_background_noise"] = "true"
        if self.file_format != "other":
            form["file_format"] = self.file_format
        return form


# ---- errors as they travel ----


class ErrorDetail(BaseModel):
    """`{"detail": {"status": ..., "message": ...}}`: every error but bad parameters."""

    status: str
    message: str


class ParameterError(BaseModel):
    """One entry of `{"detail": [...]}`, the body of a 422."""

    loc: list[str | int]
    msg: str
    type: str


TOO_MANY_CONCURRENT = "too_many_concurrent_requests"


# ---- listings ----


def _shows(value: str) -> str:
    if not value.isprintable():
        raise ValueError("has characters that nobody sees")
    return value


_Id = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_shows)]
_Token = Annotated[str, Field(max_length=2000)]  # it goes into an address
_Moment = Annotated[int, Field(ge=0, le=2**36)]  # seconds since 1970, until the year 4147
_Credits = Annotated[int, Field(ge=0, le=10**12)]


class _Listed(BaseModel):
    """What an endpoint lists, of this kind and within these bounds. An odd detail must not cost the whole entry: it
    counts as absent. Only what an entry is nothing without (a field without default) makes it unreadable."""

    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())

    @field_validator("*", mode="wrap")
    @classmethod
    def _odd_is_absent(cls, value: object, validate: ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
        try:
            return validate(value)
        except ValidationError:
            field = cls.model_fields[str(info.field_name)]
            if field.is_required():
                raise
            return field.get_default(call_default_factory=True)


class Voice(_Listed):
    """An entry of `GET /v1/voices`; what we don't use is ignored."""

    voice_id: _Id
    name: str = ""
    category: str | None = None
    description: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    preview_url: str | None = None
    settings: VoiceSettings | None = None

    @field_validator("labels", mode="before")
    @classmethod
    def _readable_labels(cls, labels: object) -> object:
        """One odd label must not cost the others."""
        given = labels.items() if isinstance(labels, dict) else ()
        return {key: value for key, value in given if isinstance(value, str)}


def voice_form(
    name: str, description: str, labels: Mapping[str, str] | None, *, remove_background_noise: bool
) -> dict[str, str]:
    """The form of `POST /v1/voices/add` beside its `files`. What is left out isn't sent."""
    form = {"name": name, "description": description, "labels": json.dumps(labels) if labels else ""}
    form["remove_background_noise"] = "true" if remove_background_noise else ""
    return {field: value for field, value in form.items() if value}


class AddedVoice(BaseModel):
    """The answer of `POST /v1/voices/add`. One that `requires_verification` can't be used before its owner proves that
    it is theirs, at the endpoint."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    voice_id: _Id
    requires_verification: bool = False


class Model(_Listed):
    """An entry of `GET /v1/models` (a bare list). What it doesn't say of a parameter (None) it is believed to heed.

    `can_use_style` and `can_use_speaker_boost` are of the published description, the other four are ours
    (docs/engine.md): any server with this contract may say them, and every client may overlook them. Of what isn't in
    that description (EXTRA_PARAMETERS) it heeds what it names in `extra_parameters` alone.
    """

    model_id: _Id
    name: str = ""
    description: str | None = None
    can_do_voice_conversion: bool = False
    can_use_style: bool | None = None
    can_use_speaker_boost: bool | None = None
    can_remove_background_noise: bool | None = None
    ignored_parameters: tuple[str, ...] = ()
    extra_parameters: tuple[str, ...] = ()
    can_take_source_speech: bool = False

    @property
    def without_effect(self) -> frozenset[str]:
        """Of OPTIONAL_PARAMETERS those that this model takes and does nothing with."""
        said = {
            "style": self.can_use_style,
            "use_speaker_boost": self.can_use_speaker_boost,
            "remove_background_noise": self.can_remove_background_noise,
        }
        denied = {name for name, can in said.items() if can is False}
        denied |= EXTRA_PARAMETERS.difference(self.extra_parameters)
        return frozenset(denied.union(self.ignored_parameters).intersection(OPTIONAL_PARAMETERS))


class _Query(BaseModel):
    """Filters and paging of a listing. What is None isn't sent: the endpoint's own default holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def query(self) -> dict[str, str]:
        given = self.model_dump(exclude_none=True)
        return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}


class VoiceSearch(_Query):
    """The query of `GET /v2/voices`. The endpoint's `page_size` is 10, its `include_total_count` true."""

    search: str | None = None
    page_size: Annotated[int, Field(ge=1, le=100)] | None = None
    next_page_token: str | None = None
    sort: Literal["created_at_unix", "name"] | None = None
    sort_direction: Literal["asc", "desc"] | None = None
    voice_type: Literal["personal", "community", "default", "workspace", "non-default"] | None = None
    category: Literal["premade", "cloned", "generated", "professional"] | None = None
    include_total_count: bool | None = None

    def after(self, token: str) -> VoiceSearch:
        return self.model_copy(update={"next_page_token": token})


class VoicePage(BaseModel):
    """The answer of `GET /v2/voices`. The first page may hold more than was asked for: the default voices."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    voices: list[Voice]
    has_more: bool = False
    next_page_token: _Token | None = None
    total_count: int | None = None

    @property
    def entries(self) -> list[Voice]:
        return self.voices

    @property
    def next_token(self) -> str | None:
        """What `VoiceSearch.after` takes; None on the last page."""
        return self.next_page_token if self.has_more and self.next_page_token else None


class HistorySearch(_Query):
    """The query of `GET /v1/history`, newest first. The endpoint's `page_size` is 100. There is no filter by date."""

    page_size: Annotated[int, Field(ge=1, le=1000)] | None = None
    start_after_history_item_id: str | None = None
    voice_id: str | None = None
    search: str | None = None
    source: Literal["TTS", "STS"] | None = None

    def after(self, token: str) -> HistorySearch:
        return self.model_copy(update={"start_after_history_item_id": token})


class HistoryItem(_Listed):
    """An entry of `GET /v1/history`. Kinds of sources and states that come later are taken as they are."""

    history_item_id: _Id
    date_unix: _Moment
    request_id: _Id | None = None
    voice_id: str | None = None
    voice_name: str | None = None
    model_id: str | None = None
    source: str | None = None
    state: str | None = None
    content_type: str | None = None
    character_count_change_from: _Credits | None = None
    character_count_change_to: _Credits | None = None

    @property
    def character_cost(self) -> int | None:
        """Credits charged: by how much the account's counter moved."""
        if self.character_count_change_from is None or self.character_count_change_to is None:
            return None
        return abs(self.character_count_change_to - self.character_count_change_from)


class HistoryPage(BaseModel):
    """The answer of `GET /v1/history`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    history: list[HistoryItem]
    has_more: bool = False
    last_history_item_id: _Id | None = None

    @property
    def entries(self) -> list[HistoryItem]:
        return self.history

    @property
    def next_token(self) -> str | None:
        """What `HistorySearch.after` takes; None on the last page."""
        last = self.history[-1].history_item_id if self.history else None
        return (self.last_history_item_id or last) if self.has_more else None


class Subscription(_Listed):
    """The answer of `GET /v1/user/subscription`. Its characters are what is called credits elsewhere."""

    tier: str
    character_count: _Credits
    character_limit: _Credits
    status: str | None = None
    next_character_count_reset_unix: _Moment | None = None

    @property
    def characters_left(self) -> int:
        """0 when the limit was exceeded, as some plans allow."""
        return max(self.character_limit - self.character_count, 0)
