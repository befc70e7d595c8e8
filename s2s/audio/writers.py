"""One writer for each codec of the contract."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Any, BinaryIO, Final, Literal, Protocol, cast

import av
import av.error
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.format import AudioFormat
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.stream import AudioStream
from av.packet import Packet
from numpy.typing import NDArray

from s2s.audio.gapless import left_out, with_more
from s2s.audio.pieces import Pieces
from s2s.audio.wav import HEADER_BYTES, MOST_BYTES, wav_header

Codec = Literal["mp3", "pcm", "wav", "ulaw", "alaw", "opus", "flac"]

Sink = BinaryIO | Pieces


class Writer(Protocol):
    """One codec's way to put `(channels, n)` float32 samples of -1..1 into a sink."""

    def write(self, samples: NDArray[np.float32]) -> None: ...

    def finish(self) -> None: ...


def writer(
    codec: Codec,
    sample_rate_hz: int,
    bitrate_kbps: int | None,
    sink: Sink,
    length: int | None = None,
    channels: int = 1,
    is_speech: bool = False,
) -> Writer:
    """The writer of `codec`, for one channel or two. Raises ValueError for what does not go together.

    `length` in samples, where it is known already: for a sink that cannot be rewound a WAV needs it, and an MP3 to be
    exact. Another length than that is a ValueError at the end.
    """
    if (bitrate_kbps is None) == (codec in _LOSSY):
        raise ValueError(f"{codec} {'needs a' if codec in _LOSSY else 'has no'} bitrate")
    if channels not in LAYOUTS:
        raise ValueError("one channel, or two")
    if codec == "wav":
        if length is None and not sink.seekable():
            raise ValueError("the header of a WAV is completed at the end: it needs a sink that can be rewound")
        return _Wav(sink, sample_rate_hz, length, channels)
    if codec == "pcm":
        return _Linear(sink)
    if codec in _COMPRESSED:
        foretold = length if codec == "mp3" and not sink.seekable() else None
        return _Compressed(codec, sample_rate_hz, (bitrate_kbps or 0) * 1000, sink, channels, foretold, is_speech)
    return _G711(codec, sample_rate_hz, sink, channels)


def _int16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """The inverse of decoding (1/32768 a step), so that 16-bit samples survive unchanged."""
    steps: NDArray[np.int16] = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype("<i2")
    return steps


def in_turn(planes: NDArray[Any]) -> NDArray[Any]:
    """`(channels, n)` to `(1, n * channels)`, as packed formats have them."""
    return planes.T.reshape(1, -1)


class _Linear:
    """Headerless signed 16-bit little-endian."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def write(self, samples: NDArray[np.float32]) -> None:
        self._sink.write(in_turn(_int16(samples)).tobytes())

    def finish(self) -> None:
        pass


class _Wav(_Linear):
    """The same behind a header, whose sizes are filled in at the end."""

    def __init__(self, sink: Sink, sample_rate_hz: int, length: int | None, channels: int) -> None:
        super().__init__(sink)
        self._header = partial(wav_header, sample_rate_hz, channels=channels)
        self._foretold_bytes = None if length is None else 2 * length * channels
        self._sink.write(self._header(self._foretold_bytes or 0))
        self._data_bytes = 0

    def write(self, samples: NDArray[np.float32]) -> None:
        self._data_bytes += 2 * samples.size
        if self._data_bytes + HEADER_BYTES > MOST_BYTES:
            raise ValueError("longer than a WAV can be (4 GiB)")
        super().write(samples)

    def finish(self) -> None:
        if self._foretold_bytes == self._data_bytes:
            return
        if not self._sink.seekable():
            raise ValueError("the WAV has another length than its header says")
        self._sink.seek(0)
        self._sink.write(self._header(self._data_bytes))
        self._sink.seek(0, io.SEEK_END)


class _G711:
    """Headerless mu-law or A-law (ITU-T G.711), a byte a sample."""

    _NAMES: Final = {"ulaw": "pcm_mulaw", "alaw": "pcm_alaw"}

    def __init__(self, codec: Codec, sample_rate_hz: int, sink: Sink, channels: int) -> None:
        if sample_rate_hz != 8000:
            raise ValueError("G.711 has 8000 samples a second")
        self._sink = sink
        self._codec = cast("AudioCodecContext", av.CodecContext.create(self._NAMES[codec], "w"))
        self._layout = LAYOUTS[channels]
        self._codec.format, self._codec.layout = AudioFormat("s16"), AudioLayout(self._layout)
        self._codec.sample_rate = sample_rate_hz

    def write(self, samples: NDArray[np.float32]) -> None:
        frame = AudioFrame.from_ndarray(in_turn(_int16(samples)), format="s16", layout=self._layout)
        frame.sample_rate = self._codec.sample_rate
        for packet in self._codec.encode(frame):
            self._sink.write(bytes(packet))

    def finish(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class _Compression:
    container: str
    encoder: str
    sample_format: str
    options: Mapping[str, str]
    streaming_options: Mapping[str, str]  # of the container, when it cannot be rewound
    speech_options: Mapping[str, str] = field(default_factory=dict)


_COMPRESSED: Final[Mapping[str, _Compression]] = {
    # A tag that says how many samples to skip can only be written afterwards; an empty one costs a frame.
    # Without LAME's search for where noise is heard least, half of the time; DNSMOS of speech is no lower.
    "mp3": _Compression(
        "mp3", "libmp3lame", "fltp", {}, {"write_xing": "0", "id3v2_version": "0"}, {"compression_level": "7"}
    ),
    # Plain variable bitrate spends up to twice what it was given. A page holds a second if not told otherwise.
    "opus": _Compression("ogg", "libopus", "flt", {"vbr": "constrained"}, {"page_duration": "300000"}),
    # Its length and its checksum are written afterwards; readers do without them.
    "flac": _Compression("flac", "flac", "s16", {}, {}),
}
_LOSSY: Final = frozenset({"mp3", "opus"})
LAYOUTS: Final = {1: "mono", 2: "stereo"}


class _Compressed:
    """MP3 (LAME), Opus in Ogg, or 16-bit FLAC, through libav."""

    def __init__(
        self,
        codec: Codec,
        sample_rate_hz: int,
        bitrate_bps: int,
        sink: Sink,
        channels: int,
        length: int | None = None,
        is_speech: bool = False,
    ) -> None:
        how = _COMPRESSED[codec]
        self._format, self._rate_hz, self._layout = how.sample_format, sample_rate_hz, LAYOUTS[channels]
        container_options = {} if sink.seekable() else dict(how.streaming_options)
        self._container = av.open(sink, mode="w", format=how.container, container_options=container_options)
        options = {**how.options, **(how.speech_options if is_speech else {})}
        stream = self._container.add_stream(how.encoder, rate=sample_rate_hz, options=options)
        self._stream = cast("AudioStream", stream)
        self._codec = self._stream.codec_context
        self._codec.format, self._codec.layout = AudioFormat(how.sample_format), AudioLayout(self._layout)
        if bitrate_bps:
            self._codec.bit_rate = bitrate_bps
        try:
            self._codec.open()
        except av.error.FFmpegError as error:
            raise ValueError(f"{codec} cannot be written at {sample_rate_hz} Hz and {bitrate_bps} bit/s") from error
        self._pending = np.zeros((channels, 0), np.float32)
        self._written = 0
        self._foretold = length
        if length is not None:
            sink.write(_mp3_head(length, self._codec.frame_size, sample_rate_hz, bitrate_bps, channels))

    def write(self, samples: NDArray[np.float32]) -> None:
        self._pending = np.concatenate([self._pending, samples], axis=1)
        size = self._codec.frame_size
        whole = self._pending.shape[1] // size * size
        for start in range(0, whole, size):
            self._container.mux(self._encode(self._pending[:, start : start + size]))
        self._pending = self._pending[:, whole:]

    def finish(self) -> None:
        last = self._encode(self._pending) if self._pending.size else []
        last += self._stream.encode(None)
        _gather_end_padding(last)
        self._container.mux(last)
        self._container.close()
        if self._foretold not in (None, self._written):
            raise ValueError("the MP3 has another length than its first frame says")

    def _encode(self, samples: NDArray[np.float32]) -> list[Packet[AudioStream]]:
        coded = _int16(samples) if self._format == "s16" else samples
        ordered = np.ascontiguousarray(coded if self._format.endswith("p") else in_turn(coded))
        frame = AudioFrame.from_ndarray(ordered, format=self._format, layout=self._layout)
        frame.sample_rate, frame.time_base = self._rate_hz, Fraction(1, self._rate_hz)
        frame.pts = self._written
        self._written += samples.shape[1]
        return self._stream.encode(frame)


def _mp3_head(length: int, frame_samples: int, sample_rate_hz: int, bitrate_bps: int, channels: int) -> bytes:
    """What the encoder itself puts before the sound when it has finished: read off a second of silence."""
    frame_bytes = Fraction(frame_samples * bitrate_bps, 8 * sample_rate_hz)
    frames = left_out(length, frame_samples, frame_bytes)
    silence = np.zeros((channels, length - frames * frame_samples), np.float32)
    whole, sound = io.BytesIO(), Pieces()
    for sink in (whole, sound):
        short = _Compressed("mp3", sample_rate_hz, bitrate_bps, sink, channels)
        short.write(silence)
        short.finish()
    content = whole.getvalue()
    return with_more(content[: len(content) - len(sound.take())], frames, int(frames * frame_bytes))


def _gather_end_padding(packets: Sequence[Packet[AudioStream]]) -> None:
    """Add the end padding of `packets` up in the last of them.

    LAME may need one more packet for its delay, which is padding throughout, after one that ends in padding. The
    muxer only notes the last one's, and the decoded sound would be up to 287 samples too long.
    """
    layout = struct.Struct("<II")  # AV_PKT_DATA_SKIP_SAMPLES: samples to skip at the start, at the end
    padded = [packet.get_sidedata("skip_samples") for packet in packets if packet.has_sidedata("skip_samples")]
    if len(padded) > 1:
        last = bytearray(padded[-1])
        start, _ = layout.unpack_from(last)
        layout.pack_into(last, 0, start, sum(layout.unpack_from(data)[1] for data in padded))
        padded[-1].update(bytes(last))
        packets[-1].set_sidedata(padded[-1])
