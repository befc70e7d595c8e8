"""`POST /v1/voices/add`: a voice made of samples of somebody's speech, by the contract's instant voice cloning.

Of the published description: `name`, `files` (one or more), `description`, `labels` (a JSON object as text) and
`remove_background_noise`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Annotated, BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from s2s.audio import AudioError, Encoder, decode
from s2s.engine import denoiser
from s2s.engine.cleaning import without_noise
from s2s.engine.converter import convert
from s2s.engine.enrolment import enrol
from s2s.engine.errors import Refusal
from s2s.engine.uploads import Upload
from s2s.engine.vocoder import SAMPLE_RATE_HZ
from s2s.engine.voices import DEFAULT_SETTINGS, Voice, catalogue
from s2s.engine.voices.added import AddedVoices

_PREVIEW_RATE_HZ, _PREVIEW_KBPS = 44_100, 64
_MOST_LABELS = 30

_Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^\P{Cc}+$")]


def _from_json(value: object) -> object:
    """SDKs send an object as JSON, and empty what was left out."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value or "{}")
    except (ValueError, RecursionError) as error:
        raise ValueError("labels is not valid JSON") from error


class VoiceForm(BaseModel):
    """The fields beside the samples."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: _Line
    description: Annotated[str, StringConstraints(max_length=1000)] = ""
    labels: Annotated[dict[_Line, _Line], BeforeValidator(_from_json)] = Field({}, max_length=_MOST_LABELS)
    remove_background_noise: bool = False


def add(upload: Upload, voices: AddedVoices, check: Callable[[], None]) -> Voice:
    """The voice, durable. `check` may raise to stop the work. Raises Refusal (422 for fields, 400 for what no voice can
    be made of) and OSError."""
    form = _form(upload)
    if not upload.samples:
        raise Refusal.of_parameter("body", "files", msg="Field required", kind="missing")
    removes_noise = form.remove_background_noise and denoiser.removes()
    with closing(_decoded(upload.samples, check, removes_noise=removes_noise)) as samples:
        try:
            enrolled = enrol(samples)
        except AudioError as error:
            raise Refusal.because(400, "invalid_audio", str(error)) from error
    check()
    return voices.add(enrolled, form.name, form.description, form.labels, write_preview)


def _form(upload: Upload) -> VoiceForm:
    try:
        return VoiceForm.model_validate(upload.fields)
    except ValidationError as error:
        raise Refusal.of_validation(error) from error


def _decoded(
    files: list[BinaryIO], check: Callable[[], None], *, removes_noise: bool
) -> Generator[NDArray[np.float32], None, None]:
    """One after the other, mono at 24 kHz."""
    for file in files:
        with closing(_of_one(file, check, removes_noise=removes_noise)) as blocks:
            for block in blocks:
                check()
                yield block


def _of_one(
    file: BinaryIO, check: Callable[[], None], *, removes_noise: bool
) -> Generator[NDArray[np.float32], None, None]:
    if not removes_noise:
        return decode(file, sample_rate_hz=SAMPLE_RATE_HZ)
    decoded = decode(file, sample_rate_hz=denoiser.RATE_HZ)
    return without_noise(decoded, DEFAULT_SETTINGS.noise_reduction_db or 0, SAMPLE_RATE_HZ, check)


def write_preview(voice: Voice, sink: BinaryIO) -> None:
    """What a built-in voice says of itself, said by `voice`, as a small MP3: that of the voice which is nearest to it,
    because the shorter the way, the better it sounds."""
    nearest = min(catalogue().values(), key=lambda other: abs(np.log(other.f0_hz / voice.f0_hz)))
    encoder = Encoder("mp3", _PREVIEW_RATE_HZ, _PREVIEW_KBPS, input_rate_hz=SAMPLE_RATE_HZ, sink=sink)
    with nearest.preview.open("rb") as said, closing(decode(said, sample_rate_hz=SAMPLE_RATE_HZ)) as decoded:
        for block in convert(decoded, voice):
            encoder.write(block)
    encoder.finish()
