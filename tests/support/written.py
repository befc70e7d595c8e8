"""Recordings of every kind, written with libav's own encoders."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


class Pipe(io.RawIOBase):
    """A sink that cannot be rewound: what is written live."""

    def __init__(self) -> None:
        self.content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.content += data
        return len(data)


def _write_video(container: Any, seconds: float) -> Callable[[], None]:
    stream = container.add_stream("flv1" if container.format.name == "flv" else "mpeg4", rate=10)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"

    def frames() -> None:
        for index in range(int(seconds * 10)):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), index % 256, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))

    return frames


def _write_audio(
    container: Any,
    samples: Samples,
    rate: int,
    codec: str,
    layout: str,
    bit_rate: int | None,
    options: dict[str, str],
    late_s: float,
    lost_s: tuple[float, float],
) -> Callable[[], None]:
    options = options | ({"strict": "experimental"} if codec == "vorbis" else {})
    stream = container.add_stream(codec, rate=rate, layout=layout, options=options)
    if codec == "wmav2" or bit_rate is not None:
        stream.bit_rate = bit_rate or 128_000
    if codec == "wavpack":
        stream.format = "fltp"  # not its first one, of 8 bits
    stream.codec_context.open()

    def frames() -> None:
        context = stream.codec_context
        resampler = av.AudioResampler(format=context.format, layout=layout, rate=rate)
        fifo = av.AudioFifo()
        frame = av.AudioFrame.from_ndarray(samples.T.reshape(1, -1).copy(), format="flt", layout=layout)
        frame.sample_rate, frame.pts = rate, 0
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            fifo.write(piece)
        written, late = 0, round(late_s * rate)

        def mux(packets: Any) -> None:
            container.mux([packet for packet in packets if not lost_s[0] <= packet.pts * packet.time_base < lost_s[1]])

        while (piece := fifo.read(context.frame_size or 1024, partial=True)) is not None:
            piece.pts, piece.time_base = late + written, Fraction(1, rate)
            written += piece.samples
            mux(stream.encode(piece))
        mux(stream.encode(None))

    return frames


def write_recording(
    samples: Samples | None,
    rate: int = 44100,
    *,
    container: str,
    codec: str | None = None,
    layout: str | None = None,
    video_s: float = 0,
    live: bool = False,
    options: dict[str, str] | None = None,
    bit_rate: int | None = None,
    codec_options: dict[str, str] | None = None,
    late_s: float = 0,
    lost_s: tuple[float, float] = (0, 0),
) -> bytes:
    """`samples` is `(n,)` or `(channels, n)`; `live` writes to something that cannot be rewound.

    The sound begins `late_s` after the file, and its packets between the moments of `lost_s` are left out.
    """
    sink: Any = Pipe() if live else io.BytesIO()
    with av.open(sink, "w", format=container, options=options or {}) as output:
        writers = [_write_video(output, video_s)] if video_s else []
        if samples is not None:
            planes = np.atleast_2d(samples).astype(np.float32)
            names = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1", 10: "10 channels"}
            layout = layout or names[len(planes)]
            writers.append(
                _write_audio(output, planes, rate, codec or "", layout, bit_rate, codec_options or {}, late_s, lost_s)
            )
        for write in writers:
            write()
    return bytes(sink.content) if live else sink.getvalue()
