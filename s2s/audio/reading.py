"""An opened recording to mono samples. Runs only in a worker, behind its limits."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Final

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from s2s.audio import clocks, granules
from s2s.audio.apart import ChannelLevels
from s2s.audio.cutting import cut
from s2s.audio.errors import AudioError
from s2s.audio.limits import Limits, RawPcm
from s2s.audio.loudness import Loudness
from s2s.audio.mixing import Mix, Mixer, usual
from s2s.audio.noticed import Noticed
from s2s.audio.opening import Input, open_reading, packets, pictures_of, raise_if_memory, tracks
from s2s.audio.planes import channels
from s2s.audio.promises import promised_s
from s2s.audio.remuxing import HEAD_BYTES, can_be_searched
from s2s.audio.resampling import Resampler
from s2s.audio.runs import Run, grouped, kind
from s2s.audio.seeking import Lengths, LostError, Place, Places, dated_from, find, nearest, not_before
from s2s.audio.timeline import Timeline, beyond

if TYPE_CHECKING:
    from s2s.audio.seeking import AudioPacket

_SETTLING_S: Final = 0.25  # what a codec needs before it is exact: Opus 80 ms, MP3 a few frames
_PRIMING_PACKETS: Final = 8  # what a codec takes before its first frame, generously
_LEAST_SAID_S: Final = 0.05  # a shorter silence in front isn't worth a word
# One packet, one frame, always of the same length; containers in milliseconds round that.
_EVEN_CODECS: Final = ("aac", "aac_latm", "mp2", "mp3", "ac3", "eac3")


@dataclass(frozen=True, slots=True)
class Description:
    """What the first decoded frame says (headers may lie). `pictures` is the codec of a film's, else ""."""

    container: str
    codec: str
    sample_rate_hz: int
    channels: int
    pictures: str = ""


class Recording:
    """An opened recording: `description`, then `blocks()`, once.

    Raises `AudioError` with the codes not_audio, no_audio, no_sound_length, cut_off, too_long, too_many_channels and
    bad_rate, from the constructor or while iterating.
    """

    def __init__(self, source: Input, limits: Limits, raw: RawPcm | None, track: int | None = None) -> None:
        self._limits = limits
        self._source = source
        reading = open_reading(source, raw, track)
        self.reading = reading
        self._container, self._stream, self._decoder = reading.container, reading.stream, reading.decoder
        self._clock = reading.clock
        self._trim = granules.trim(source, reading)
        self.is_own = reading.is_own or self._trim is not iter  # libav by its defaults reads something else
        self._begins_s = self._owed_s = 0.0
        self._recent: deque[AudioPacket] = deque(maxlen=_PRIMING_PACKETS)
        self._places = Places(self._container.format.name, float(self._stream.time_base or 0))
        self._demuxed = packets(self.reading)
        self._frames = self._decode(self._demuxed)
        self._first = next(self._frames, None)
        if self._first is None:
            if self.promised_s(0.0):
                raise AudioError("cut_off")
            raise AudioError("not_audio" if self._refused_packets else "no_sound_length")
        self._check_frame(self._first)
        self._origin = clocks.origin(self._container, self._clock, self._recent[0])
        self._timeline = Timeline[AudioFrame](self._origin)
        self.first = self._first
        self._mixes: dict[str, Mix] = {}
        self.full_scale = 1.0  # see `scaling`; set before `blocks()`
        self.description = Description(
            container=self._container.format.name,
            codec=self._stream.codec_context.codec.canonical_name,
            sample_rate_hz=self._first.sample_rate,
            channels=self._first.layout.nb_channels,
            pictures=pictures_of(self._container, source),
        )

    @property
    def said_duration_s(self) -> float | None:
        """What the header says, or what the file's size makes likely."""
        duration, start = self._container.duration, self._container.start_time
        if duration is None:
            return None
        late_s = 0.0 if start is None else start / av.time_base - clocks.origin_s(self._container, self._clock)
        return duration / av.time_base + max(0.0, late_s)

    @property
    def places(self) -> Sequence[Place]:
        """Where some of its packets lie, of a container that says nothing of that: of what was read from the beginning
        on. For `seek`."""
        return self._places.found

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
        line, cuts = self._timeline, self._clock.cuts
        lead_s = cuts[0].at_s if cuts else line.lead_s
        found = replace(
            self._mix_of(self.first.layout).noticed,
            lead_s=lead_s if lead_s >= _LEAST_SAID_S else 0.0,
            gaps=line.holes,
            gaps_s=line.holes_s,
            stretches=len(cuts),
        )
        if self.full_scale > 1.0:
            found = replace(found, scaled_db=round(found.scaled_db + 20 * math.log10(self.full_scale), 1))
        if several := tracks(self._container):
            return replace(found, tracks=several, track=self._container.streams.audio.index(self._stream))
        return found

    def mix_by(self, mix: Mix) -> None:
        """How what sounds like the first frame is mixed; else as usual. Before `blocks()`."""
        self._mixes[self.first.layout.name] = mix

    def _mix_of(self, layout: AudioLayout) -> Mix:
        if layout.name not in self._mixes:
            self._mixes[layout.name] = usual([channel.name for channel in layout.channels])
        return self._mixes[layout.name]

    def blocks(
        self, sample_rate_hz: int, loudness: Loudness | None = None, channel_levels: ChannelLevels | None = None
    ) -> Iterator[NDArray[np.float32]]:
        """Mono `(n,)` blocks of about a second at `sample_rate_hz`, whatever the rate is or changes to inside.

        `loudness` hears every channel before they are mixed, or the mix where that is not the usual one;
        `channel_levels` hears every channel.
        """
        rate, resampler, mixer = 0, Resampler(1, 1), Mixer(1)
        for run in self._runs():
            if run.sample_rate_hz != rate:
                yield resampler.write(mixer.finish())
                yield resampler.finish()
                rate = run.sample_rate_hz
                resampler, mixer = Resampler(rate, sample_rate_hz), Mixer(rate)
            layout = run.frames[0].layout
            mix, heard = self._mix_of(layout), run.heard(channels(run.frames, self.full_scale))
            for planes in chain(run.silent(len(heard)), [heard]):
                if loudness is not None:
                    loudness.write(*((mix.of(planes)[None], "mono") if mix.why else (planes, layout.name)), rate)
                if channel_levels is not None:
                    channel_levels.write(planes, rate)
                yield resampler.write(mixer.write(planes, mix))
        yield resampler.write(mixer.finish())
        yield resampler.finish()

    def seek(self, start_s: float, *, by_index: bool = True, places: Sequence[Place] = ()) -> float:
        """Go on a little before `start_s`, so that the codec has settled there. Once, before `blocks()`.

        Gives the time where the blocks begin then, on the time line of all of them. What lies before is left out of
        decoding, and without `by_index` still read. `places` are those of the same recording, read before. Raises
        `LostError` where that can't be told from what the recording says about its times; beyond its end there are no
        blocks.
        """
        first = self._first
        if start_s <= _SETTLING_S or first is None:
            return 0.0
        if self._clock.cuts:
            self._begins_s = start_s
        elif not self._clock.dated:
            self._begins_s = self._seek_counted(_time_s(first), start_s, by_index, places)
        elif by_index:
            self._begins_s = self._seek_by_index(first, start_s)
        else:
            self._begins_s = self._seek_by_packets(first, start_s)
        return self._begins_s

    def _seek_counted(self, origin_s: float, start_s: float, by_index: bool, places: Sequence[Place]) -> float:
        wanted_s, place = origin_s + start_s - _SETTLING_S, None
        if by_index:
            if not clocks.has_counted_index(self._container, self._stream):
                raise LostError
            place = nearest(places, wanted_s)
            self._jump(wanted_s, place)
        begins_s = self._decode_from(wanted_s, origin_s, start_s, place)
        return start_s if begins_s is None else begins_s

    def _seek_by_index(self, first: AudioFrame, start_s: float) -> float:
        if not can_be_searched(self._container, self._source.head(HEAD_BYTES)) or not clocks.has_index(self._container):
            raise LostError
        self._timeline.place(first, _time_s(first), first.samples, first.sample_rate)
        base_s = self._timeline.base_s
        wanted_s = base_s + start_s - _SETTLING_S
        self._jump(wanted_s)
        begins_s = self._decode_from(wanted_s, base_s, start_s)
        if begins_s is None or self._first is None:
            return start_s
        begins_s = self._by_frames(begins_s, first, self._first)
        self._timeline.begin_at(base_s, begins_s)
        return begins_s

    def _by_frames(self, begins_s: float, first: AudioFrame, found: AudioFrame) -> float:
        """To the sample where `found` begins, which a container that counts milliseconds doesn't say: whole frames
        behind the `first`, which may have lost its beginning."""
        if self.description.codec not in (*_EVEN_CODECS, "opus"):
            return begins_s
        at, tick = begins_s * first.sample_rate, float(self._stream.time_base or 0) * first.sample_rate
        frames = round((at - first.samples) / found.samples)
        counted = first.samples + frames * found.samples
        return counted / first.sample_rate if abs(counted - at) <= tick else begins_s

    def _decode_from(self, wanted_s: float, base_s: float, start_s: float, place: Place | None = None) -> float | None:
        """Where the first frame from `wanted_s` on lies after `base_s`; None: there is none. Raises LostError when that
        is later than `start_s`."""
        found = packets(self.reading) if place is None else dated_from(place, packets(self.reading))
        self._frames = self._decode(not_before(wanted_s, found))
        self._first = next(self._frames, None)
        if self._first is None:
            return None
        begins_s = _time_s(self._first) - base_s
        if begins_s > start_s:
            raise LostError
        return begins_s

    def _seek_by_packets(self, first: AudioFrame, start_s: float) -> float:
        """As `blocks()` lie, where times begin again or jump: every packet is placed, without being decoded."""
        line = Timeline["AudioPacket"](self._origin)
        self._timeline.place(first, _time_s(first), first.samples, first.sample_rate)
        base_s, wanted_s = self._timeline.base_s, start_s - _SETTLING_S
        self._decoder.flush_buffers()
        found = find(chain(list(self._recent), self._demuxed), line, base_s, wanted_s, self._lengths(first))
        self._frames = iter(()) if found is None else self._decode(found.packets)
        self._first = next(self._frames, None)
        if found is None or self._first is None:
            return start_s
        begins_s, time_s = found.position_s, self._first.time
        if time_s is not None:
            begins_s += 0.0 if found.time_s is None else time_s - found.time_s
            base_s = time_s - begins_s
        self._timeline.begin_at(base_s, begins_s)
        self._owed_s = max(0.0, begins_s - start_s)
        return min(begins_s, start_s)

    def _lengths(self, first: AudioFrame) -> Lengths:
        tick_s = float(self._stream.time_base or 0)
        even = self.description.codec in _EVEN_CODECS
        samples = max(first.samples, self._decoder.frame_size or 0) if even else 0
        return Lengths(first.sample_rate, samples, tick_s)

    def _jump(self, wanted_s: float, place: Place | None = None) -> None:
        """To the last packet before a moment of the container's that it knows of, or to a `place`."""
        assert self._stream.time_base is not None
        try:
            if place is None:
                self._container.seek(round(wanted_s / self._stream.time_base), stream=self._stream)
            else:
                self._container.seek(place.byte, unsupported_byte_offset=True)
        except av.error.FFmpegError as error:
            raise_if_memory(error)
            raise LostError from error
        self._decoder.flush_buffers()

    def _decoded_from(self, media_s: float) -> Iterator[AudioFrame]:
        """Frames from a little before a time of the media on, in a file that is cut."""
        wanted_s = max(0.0, media_s - _SETTLING_S)
        try:
            self._jump(wanted_s)
        except LostError:
            return iter(())
        return self._decode(not_before(wanted_s, packets(self.reading)))

    def _runs(self) -> Iterator[Run]:
        """All that is heard, about a second in each. Stops with too_long at the limit."""
        length_s, last = 0.0, None
        for run in self._cut_runs() if self._clock.cuts else self._timed_runs():
            run.silence += round(self._owed_s * run.sample_rate_hz)
            self._owed_s = 0.0
            length_s += run.length_s
            if length_s > self._limits.max_duration_s + 1e-6:
                raise AudioError("too_long", max_duration_s=self._limits.max_duration_s)
            if last is not None:
                yield last
            last = run
        if last is None:
            if not self._begins_s:  # an edit list of stretches that aren't there
                raise AudioError("no_sound_length")
            return
        frame = last.frames[-1]
        if not self._clock.cuts:
            end_s = clocks.end_s(self._container, self._stream, self._clock, frame)
            last.cut = beyond(end_s, self._begins_s + length_s, frame.samples, frame.sample_rate)
        yield last

    def _cut_runs(self) -> Iterator[Run]:
        return grouped(cut(self._clock.cuts, self._begins_s, self._decoded_from))

    def _timed_runs(self) -> Iterator[Run]:
        """Frames as they come, with silence where their times say so."""
        line = self._timeline
        for frames in self._batches():
            first, last, samples = frames[0], frames[-1], sum(frame.samples for frame in frames)
            if not self._clock.dated or line.go_on(first.time, last.time, samples, last.samples, first.sample_rate):
                yield Run(frames, samples)
                continue
            yield from grouped(p for f in frames for p in line.place(f, f.time, f.samples, f.sample_rate))
        yield from grouped(line.finish())

    def _batches(self) -> Iterator[list[AudioFrame]]:
        """Frames of one kind, about a second of them."""
        batch: list[AudioFrame] = []
        samples, same = 0, None
        first, self._first = self._first, None
        for frame in self._frames if first is None else chain([first], self._frames):
            its_kind = kind(frame)
            if its_kind != same:
                self._check_frame(frame)
            if batch and (samples >= frame.sample_rate or its_kind != same):
                yield batch
                batch, samples = [], 0
            same = its_kind
            batch.append(frame)
            samples += frame.samples
        if batch:
            yield batch

    def _decode(self, demuxed: Iterable[AudioPacket]) -> Iterator[AudioFrame]:
        """Every frame that can be decoded. What is damaged is left out."""
        self._refused_packets = 0
        for packet in demuxed:
            self._recent.append(packet)
            self._places.note(packet)
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
