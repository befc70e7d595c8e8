"""An opened recording to mono samples. Runs only in a worker, behind its limits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.stream import AudioStream
from av.packet import Packet
from numpy.typing import NDArray

from s2s.audio import granules
from s2s.audio.errors import AudioError
from s2s.audio.limits import Limits, RawPcm
from s2s.audio.loudness import Loudness
from s2s.audio.mixing import Mix, Mixer, usual
from s2s.audio.noticed import Noticed
from s2s.audio.opening import Input, open_reading, raise_if_memory, tracks
from s2s.audio.planes import channels
from s2s.audio.promises import promised_s
from s2s.audio.resampling import Resampler

_SETTLING_S = 0.25  # what a codec needs before it is exact: Opus 80 ms, MP3 a few frames
# Of these libav counts the samples of every page that it begins with in an Ogg; of FLAC and Speex it doesn't, and their
# first packets say a time that is up to a page too late.
_TIMED_AFTER_SEEKING = ("opus", "vorbis")


class LostError(Exception):
    """A place in the recording can't be found by what it says about its times."""


@dataclass(frozen=True, slots=True)
class Description:
    """What the first decoded frame says (headers may lie)."""

    container: str
    codec: str
    sample_rate_hz: int
    channels: int


class Recording:
    """An opened recording: `description`, then `blocks()`, once.

    Raises `AudioError` with the codes not_audio, no_audio, no_sound_length, cut_off, too_long, too_many_channels and
    bad_rate, from the constructor or while iterating.
    """

    def __init__(self, source: Input, limits: Limits, raw: RawPcm | None, track: int | None = None) -> None:
        self._limits = limits
        self._source = source
        reading = open_reading(source, raw, track)
        self._container, self._stream, self._decoder = reading.container, reading.stream, reading.decoder
        self._trim = granules.trim(source, reading)
        self.is_own = reading.is_own or self._trim is not iter  # libav by its defaults reads something else
        self._frames = self._decode()
        self._first = next(self._frames, None)
        if self._first is None:
            if self.promised_s(0.0):
                raise AudioError("cut_off")
            raise AudioError("not_audio" if self._refused_packets else "no_sound_length")
        self._check_frame(self._first)
        self.first = self._first
        self._mixes: dict[str, Mix] = {}
        self.full_scale = 1.0  # see `scaling`; set before `blocks()`
        self.description = Description(
            container=self._container.format.name,
            codec=self._stream.codec_context.codec.canonical_name,
            sample_rate_hz=self._first.sample_rate,
            channels=self._first.layout.nb_channels,
        )

    @property
    def said_duration_s(self) -> float | None:
        """What the header says, or what the file's size makes likely."""
        duration = self._container.duration
        return None if duration is None else duration / av.time_base

    @property
    def stream(self) -> AudioStream:
        """The one that is read."""
        return self._stream

    def close(self) -> None:
        """Let go of what libav holds for it."""
        self._container.close()

    def promised_s(self, found_s: float) -> float | None:
        """What the file says how long it is, where `found_s` is plainly less; never an estimate."""
        return promised_s(self._source, self._container, self._stream, found_s)

    @property
    def noticed(self) -> Noticed:
        """What was unusual, as far as it was read."""
        mixed, found = self._mix_of(self.first.layout).noticed, tracks(self._container)
        if self.full_scale > 1.0:
            mixed = replace(mixed, scaled_db=round(mixed.scaled_db + 20 * math.log10(self.full_scale), 1))
        if not found:
            return mixed
        return replace(mixed, tracks=found, track=self._container.streams.audio.index(self._stream))

    def mix_by(self, mix: Mix) -> None:
        """How what sounds like the first frame is mixed; else as usual. Before `blocks()`."""
        self._mixes[self.first.layout.name] = mix

    def _mix_of(self, layout: AudioLayout) -> Mix:
        if layout.name not in self._mixes:
            self._mixes[layout.name] = usual([channel.name for channel in layout.channels])
        return self._mixes[layout.name]

    def blocks(self, sample_rate_hz: int, loudness: Loudness | None = None) -> Iterator[NDArray[np.float32]]:
        """Mono `(n,)` blocks of about a second at `sample_rate_hz`, whatever the rate is or changes to inside.

        `loudness` hears every channel before they are mixed, or the mix where that is not the usual one.
        """
        rate, resampler, mixer = 0, Resampler(1, 1), Mixer(1)
        for frames in self._runs():
            if frames[0].sample_rate != rate:
                yield resampler.write(mixer.finish())
                yield resampler.finish()
                rate = frames[0].sample_rate
                resampler, mixer = Resampler(rate, sample_rate_hz), Mixer(rate)
            planes, layout = channels(frames, self.full_scale), frames[0].layout
            mix = self._mix_of(layout)
            if loudness is not None:
                loudness.write(*((mix.of(planes)[None], "mono") if mix.why else (planes, layout.name)), rate)
            yield resampler.write(mixer.write(planes, mix))
        yield resampler.write(mixer.finish())
        yield resampler.finish()

    def seek(self, start_s: float, *, by_index: bool = True) -> float:
        """Go on a little before `start_s`, so that the codec has settled there. Once, before `blocks()`.

        Gives the time where the blocks begin then, counted from the first sample. What lies before is left out of
        decoding, and without `by_index` still read. Raises `LostError` where the recording doesn't say its times;
        beyond its end there are no blocks.
        """
        first = self._first
        if start_s <= _SETTLING_S or first is None:
            return 0.0
        origin_s = _time_s(first)
        wanted_s = origin_s + start_s - _SETTLING_S
        if by_index:
            if self._container.format.name == "ogg" and self.description.codec not in _TIMED_AFTER_SEEKING:
                raise LostError
            assert self._stream.time_base is not None
            try:
                self._container.seek(round(wanted_s / self._stream.time_base), stream=self._stream)
            except av.error.FFmpegError as error:
                raise_if_memory(error)
                raise LostError from error
            self._decoder.flush_buffers()
        self._frames = self._decode(wanted_s)
        self._first = next(self._frames, None)
        if self._first is None:
            return start_s
        begins_s = _time_s(self._first) - origin_s
        if begins_s > start_s:
            raise LostError
        return begins_s

    def _runs(self) -> Iterator[list[AudioFrame]]:
        """Frames that can be mixed together, about a second of them. Stops with too_long at the limit."""
        run: list[AudioFrame] = []
        run_samples, duration_s = 0, 0.0
        while (frame := self._first or next(self._frames, None)) is not None:
            self._first = None
            self._check_frame(frame)
            duration_s += frame.samples / frame.sample_rate
            if duration_s > self._limits.max_duration_s + 1e-6:
                raise AudioError("too_long", max_duration_s=self._limits.max_duration_s)
            if run and (run_samples >= frame.sample_rate or kind(frame) != kind(run[0])):
                yield run
                run, run_samples = [], 0
            run.append(frame)
            run_samples += frame.samples
        if run:
            yield run

    def _decode(self, from_s: float = -math.inf) -> Iterator[AudioFrame]:
        """Every frame from `from_s` on that can be decoded. What is damaged is left out; where reading ends, so do we.

        A packet that doesn't say its time is decoded.
        """
        self._refused_packets = 0
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError as error:
                raise_if_memory(error)
                return
            except IndexError:  # PyAV's flushing, where libav has found streams on its way that weren't there at first
                return
            if packet is None:
                return
            if from_s > -math.inf and ends_before(packet, from_s):  # times are fractions, which take their time
                continue
            try:
                frames = self._decoder.decode(packet)
            except av.error.FFmpegError as error:
                raise_if_memory(error)
                self._refused_packets += 1
                continue
            yield from self._trim(frame for frame in frames if isinstance(frame, AudioFrame) and frame.samples > 0)

    def _check_frame(self, frame: AudioFrame) -> None:
        """What a header says of rate and channels isn't asked: it may not know yet."""
        limits, sample_rate_hz, channels = self._limits, frame.sample_rate, frame.layout.nb_channels
        if not limits.min_sample_rate_hz <= sample_rate_hz <= limits.max_sample_rate_hz:
            raise AudioError(
                "bad_rate",
                sample_rate_hz=sample_rate_hz,
                min_sample_rate_hz=limits.min_sample_rate_hz,
                max_sample_rate_hz=limits.max_sample_rate_hz,
            )
        if channels > limits.max_channels:
            raise AudioError("too_many_channels", channels=channels, max_channels=limits.max_channels)


def _time_s(frame: AudioFrame) -> float:
    if frame.time is None:
        raise LostError
    return frame.time


def ends_before(packet: Packet[AudioStream], moment_s: float) -> bool:
    """False for one that doesn't say its time."""
    if packet.pts is None or packet.time_base is None:
        return False
    return (packet.pts + (packet.duration or 0)) * packet.time_base < moment_s


def kind(frame: AudioFrame) -> tuple[str, str, int]:
    """What two frames must share to be mixed together."""
    return frame.format.name, frame.layout.name, frame.sample_rate
