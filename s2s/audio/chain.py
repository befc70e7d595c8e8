"""A recording that is made of several, one behind the other: the links of a chained Ogg file, read as one.

Runs only in a worker, behind its limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from s2s.audio.apart import ChannelLevels
from s2s.audio.errors import AudioError
from s2s.audio.limits import Limits, RawPcm
from s2s.audio.loudness import Loudness
from s2s.audio.mixing import Mix, only
from s2s.audio.noticed import NOTHING, Noticed
from s2s.audio.ogg import MARK, Link, links
from s2s.audio.opening import Input, Reading, open_reading
from s2s.audio.plain import Plain
from s2s.audio.reading import Recording
from s2s.audio.resampling import Resampler
from s2s.audio.sampling import listen
from s2s.audio.scaling import full_scale
from s2s.audio.seeking import LostError, Place

_WITHOUT_SOUND: Final = ("not_audio", "no_audio", "no_sound_length")


class Chain:
    """As `Recording`, of several. What has no sound in it is passed over; the first that has it gives `description`.

    `listen` is called with each that is going to be heard, before it is.
    """

    def __init__(
        self,
        links: Sequence[Link],
        opened: Callable[[Link], Recording],
        listen: Callable[[Recording, Link], None],
        limits: Limits,
    ) -> None:
        self._links = links
        self._opened = opened
        self._listen = listen
        self._limits = limits
        self._taken = 0
        self._noticed = NOTHING
        self._refusal: AudioError | None = None
        self._current = self._next()
        if self._current is None:
            raise self._refusal or AudioError("not_audio")
        self.description = self._current.description
        self.is_own = True

    @property
    def said_duration_s(self) -> float | None:
        """What granule positions say."""
        lengths = [length_s for link in self._links if (length_s := self._said_s(link)) is not None]
        return float(sum(lengths)) if lengths else None

    def promised_s(self, _found_s: float) -> None:
        """Nothing: an Ogg file never says how long it is."""

    @property
    def noticed(self) -> Noticed:
        """What was unusual about the first of which anything was."""
        return self._noticed

    def blocks(
        self, sample_rate_hz: int, loudness: Loudness | None = None, channel_levels: ChannelLevels | None = None
    ) -> Iterator[NDArray[np.float32]]:
        """As `Recording.blocks`. Where two links have one rate they are resampled as one sound, without a seam."""
        rate, duration_s, resampler = 0, 0.0, Resampler(1, 1)
        while (recording := self._current) is not None:
            own_rate = recording.description.sample_rate_hz
            if own_rate != rate:
                yield resampler.finish()
                rate, resampler = own_rate, Resampler(own_rate, sample_rate_hz)
            self._listen(recording, self._links[self._taken - 1])
            for block in recording.blocks(rate, loudness, channel_levels):
                duration_s += len(block) / rate
                if duration_s > self._limits.max_duration_s + 1e-6:
                    raise AudioError("too_long", max_duration_s=self._limits.max_duration_s)
                yield resampler.write(block)
            self._noticed = self._noticed or recording.noticed
            recording.close()
            self._current = self._next()
        yield resampler.finish()

    @property
    def places(self) -> Sequence[Place]:
        """None: an Ogg file is searched."""
        return ()

    def seek(self, start_s: float, *, by_index: bool = True, places: Sequence[Place] = ()) -> float:
        """As `Recording.seek`."""
        before_s = Fraction(0)
        while (recording := self._current) is not None:
            length_s = _length_s(recording.stream)
            if length_s is None:
                raise LostError
            if start_s < before_s + length_s:
                return float(before_s) + recording.seek(start_s - float(before_s), by_index=by_index)
            before_s += length_s
            recording.close()
            self._current = self._next()
        return start_s

    def _next(self) -> Recording | None:
        while self._taken < len(self._links):
            self._taken += 1
            try:
                return self._opened(self._links[self._taken - 1])
            except AudioError as error:
                if error.code not in _WITHOUT_SOUND:
                    raise
                self._refusal = self._refusal or error
        return None

    def _said_s(self, link: Link) -> Fraction | None:
        try:
            recording = self._opened(link)
        except AudioError:
            return None
        length_s = _length_s(recording.stream)
        recording.close()
        return length_s


Sound = Recording | Chain


def opener(
    fd: int,
    on_read: Callable[[], None],
    limits: Limits,
    raw: RawPcm | None,
    track: int | None = None,
    channel: int | None = None,
) -> Callable[[], Sound]:
    """What opens the recording in a file, as often as one likes. Raises `AudioError`, and so does what it gives.

    It is listened to once, however often it is opened; not at all where one `channel` is wanted.
    """
    whole = Input(fd, on_read)
    chained = links(whole.peek, whole.size) if raw is None and whole.head(len(MARK)) == MARK else []
    ear = _Ear(fd, on_read, limits, raw, track, channel)
    return ear.opened_and_listened_to if len(chained) < 2 else lambda: Chain(chained, ear.opened, ear.listen_to, limits)


@dataclass
class _Ear:
    """Opens the recording in a file, or a link of it, and keeps what listening to it has shown."""

    fd: int
    on_read: Callable[[], None]
    limits: Limits
    raw: RawPcm | None
    track: int | None
    channel: int | None
    mixes: dict[Link | None, Mix] = field(default_factory=dict)
    scales: dict[Link | None, float] = field(default_factory=dict)

    def opened(self, link: Link | None = None) -> Recording:
        return Recording(Input(self.fd, self.on_read, link), self.limits, self.raw, self.track)

    def listen_to(self, recording: Recording, link: Link | None = None, reading: Reading | None = None) -> None:
        def read_anew() -> Reading:
            return open_reading(Input(self.fd, self.on_read, link), self.raw, self.track)

        if link not in self.scales:
            self.scales[link] = full_scale(read_anew, recording.description.codec, recording.first)
        recording.full_scale = self.scales[link]
        channels = recording.description.channels
        if self.channel is not None:
            recording.mix_by(only(self.channel, channels))
        elif channels > 1:
            if link not in self.mixes:
                plain = Plain.found_in(self.fd, self.limits, self.raw)
                # As who reads it without a decoder.
                self.mixes[link] = plain.listen(self.fd) if plain else listen(read_anew, recording, reading)
            recording.mix_by(self.mixes[link])

    def opened_and_listened_to(self) -> Recording:
        recording = self.opened()
        if recording.description.channels > 1 and None not in self.mixes and self.channel is None:
            # What is open is used up, and let go of: the index of a film of hours is in memory once.
            self.listen_to(recording, reading=recording.reading)
            recording.close()
            recording = self.opened()
        self.listen_to(recording)
        return recording


def _length_s(stream: AudioStream) -> Fraction | None:
    """Of the sound in an Ogg stream, by its granule positions."""
    if stream.duration is None or stream.time_base is None:
        return None
    length_s = (stream.duration + min(0, stream.start_time or 0)) * stream.time_base
    if stream.codec_context.codec.canonical_name == "opus":  # they count what a decoder leaves out (RFC 7845, 4.2)
        head = stream.codec_context.extradata or b""
        length_s -= Fraction(int.from_bytes(head[10:12], "little"), 48_000)
    return max(Fraction(0), length_s)
