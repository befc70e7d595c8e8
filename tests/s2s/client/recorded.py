"""What the official SDKs send, as it was recorded from their releases: the requests that differ from each other.

Python 1.9.0, 1.59.0, 2.5.0, 2.30.0 and 2.78.0 (sync and async alike) and JavaScript 2.73.0, each for convert
and stream. "All" are all optional parameters; the audio is a WAV of 32,044 bytes.
"""

from __future__ import annotations

from typing import NamedTuple

WAV_BYTES = 32_044
ALL_QUERY = {"enable_logging": "false", "optimize_streaming_latency": "2", "output_format": "mp3_22050_32"}
ALL_SETTINGS = '{"stability": 0.5, "style": 0}'
ALL_FORM = {
    "model_id": "eleven_multilingual_sts_v2",
    "voice_settings": ALL_SETTINGS,
    "seed": "4294967295",
    "remove_background_noise": "true",
    "file_format": "pcm_s16le_16",
}
EMPTY_FORM = {"model_id": "", "voice_settings": "", "seed": ""}


class Recorded(NamedTuple):
    """`name` and `kind` are those of the audio part; `given` is how the audio was given."""

    sdk: str
    path: str
    given: str
    every_parameter: bool
    form: dict[str, str]
    name: str
    kind: str

    @property
    def query(self) -> dict[str, str]:
        return ALL_QUERY if self.every_parameter else {}


def _python(sdk: str, path: str, absent: dict[str, str], every: dict[str, str]) -> list[Recorded]:
    return [
        Recorded(sdk, path, "file", False, absent, "sample.wav", "audio/x-wav"),
        Recorded(sdk, path, "file", True, every, "sample.wav", "audio/x-wav"),
        Recorded(sdk, path, "bytes", False, absent, "upload", "application/octet-stream"),
        Recorded(sdk, path, "named bytes", False, absent, "réc %221%22.wav", "audio/wav"),
    ]


# 1.9.0 knows neither remove_background_noise nor file_format, and sends empty what was left out.
_FORM_1_9 = {name: ALL_FORM[name] for name in EMPTY_FORM}

RECORDED = [
    *_python("python 1.9.0", "speech-to-speech", EMPTY_FORM, _FORM_1_9),
    *_python("python 1.59.0, 2.5.0, 2.30.0", "speech-to-speech", {}, ALL_FORM),
    *_python("python 2.78.0", "voice-changer", {}, ALL_FORM),
    Recorded("js 2.73.0", "speech-to-speech", "file", False, {}, "sample.wav", "application/octet-stream"),
    Recorded("js 2.73.0", "speech-to-speech", "file", True, ALL_FORM, "sample.wav", "application/octet-stream"),
    Recorded("js 2.73.0", "speech-to-speech", "bytes", False, {}, "blob", "application/octet-stream"),
    Recorded("js 2.73.0", "speech-to-speech", "bytes", False, {}, "blob", "audio/wav"),
    Recorded("js 2.73.0", "speech-to-speech", "named bytes", False, {}, "réc %221%22.wav", "audio/wav"),
]
