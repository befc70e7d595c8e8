"""Our own samples to bytes, in every codec of the contract, with a sample count that can be foretold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from s2s.audio.pieces import Pieces
from s2s.audio.resampling import Resampler
from s2s.audio.writers import Codec, writer


class Encoder:
    """Float32 blocks in, encoded bytes out; resamples from `input_rate_hz` to `sample_rate_hz` on the way.

    With a `sink` (seekable, at position 0) bytes are written there, and headers are completed at the end: the only
    way to WAV, and to MP3 that decodes to exactly the samples that went in. Without one, `write` and `finish` return
    the bytes that are ready, for streaming; such an MP3 has no gapless tag and decodes 1105 samples late.

    `length` in samples, where it is known before the first: then neither WAV nor an exact MP3 needs a sink. `channels`:
    one, or two, the left one first; without a header their samples take turns. `is_speech`: an MP3 takes half of the
    processor time, and of music it may be heard.

    Raises ValueError for a codec, rate and bitrate that do not go together, and for WAV without a sink or length.
    """

    def __init__(
        self,
        codec: Codec,
        sample_rate_hz: int,
        bitrate_kbps: int | None,
        *,
        input_rate_hz: int,
        sink: BinaryIO | None = None,
        length: int | None = None,
        channels: int = 1,
        is_speech: bool = False,
    ) -> None:
        if sink is not None and (not sink.seekable() or sink.tell() != 0):
            raise ValueError("the sink must be seekable and at position 0")
        self._resamplers = [Resampler(input_rate_hz, sample_rate_hz) for _ in range(channels)]
        self._pieces = Pieces()
        to = self._pieces if sink is None else sink
        self._writer = writer(codec, sample_rate_hz, bitrate_kbps, to, length, channels, is_speech)
        self.samples = 0

    def write(self, block: NDArray[np.float32]) -> bytes:
        """Take `(n,)` samples, or `(channels, n)`, -1..1 (what is beyond is clipped)."""
        planes = np.atleast_2d(np.asarray(block, np.float32))
        self._encode([each.write(plane) for each, plane in zip(self._resamplers, planes, strict=True)])
        return self._pieces.take()

    def finish(self) -> bytes:
        """Flush filters and codec, complete the header. Nothing can be written afterwards; the sink stays open."""
        self._encode([each.finish() for each in self._resamplers])
        self._writer.finish()
        return self._pieces.take()

    def _encode(self, planes: list[NDArray[np.float32]]) -> None:
        if len(planes[0]):
            self.samples += len(planes[0])
            self._writer.write(np.clip(np.stack(planes), -1.0, 1.0))


def encode(
    blocks: Iterable[NDArray[np.float32]],
    sink: BinaryIO,
    codec: Codec,
    sample_rate_hz: int,
    bitrate_kbps: int | None,
    *,
    input_rate_hz: int,
    channels: int = 1,
) -> int:
    """Write all of `blocks` (float32 at `input_rate_hz`, as `Encoder.write` takes them) to the seekable `sink`.

    Gives the samples written, of each channel: `round(n * sample_rate_hz / input_rate_hz)` for `n` samples. Raises as
    `Encoder` does.
    """
    encoder = Encoder(codec, sample_rate_hz, bitrate_kbps, input_rate_hz=input_rate_hz, sink=sink, channels=channels)
    for block in blocks:
        encoder.write(block)
    encoder.finish()
    return encoder.samples
