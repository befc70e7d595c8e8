"""What an endpoint hears that decodes as most programs do: by libav's defaults, one frame after the other.

Times in the file are nothing to it, nor is what only we read otherwise; where decoding ends with an error, so does it.
"""

from __future__ import annotations

import contextlib
import io
import wave
from typing import BinaryIO

import av
import av.error
from av.audio.frame import AudioFrame


def replace_by_heard(audio: BinaryIO, output_format: str) -> None:
    """`audio` becomes a mono WAV of its sound; `output_format` is wav_ and a rate."""
    kind, _, rate = output_format.partition("_")
    assert kind == "wav"
    sink = io.BytesIO()
    with wave.open(sink, "wb") as file:
        file.setparams((1, 2, int(rate), 0, "NONE", ""))
        for frame in _heard(audio, int(rate)):
            file.writeframes(bytes(frame.planes[0])[: 2 * frame.samples])
    audio.seek(0)
    audio.truncate()
    audio.write(sink.getvalue())


def _heard(audio: BinaryIO, rate_hz: int) -> list[AudioFrame]:
    audio.seek(0)
    resampler = av.AudioResampler("s16", "mono", rate_hz)
    heard: list[AudioFrame] = []
    with contextlib.suppress(av.error.FFmpegError), av.open(audio) as container:
        for frame in container.decode(audio=0):
            frame.pts = None
            heard += resampler.resample(frame)
    return heard + resampler.resample(None)
