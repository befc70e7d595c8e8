"""What a recording is, its samples, and a passage of it, for bytes that nobody vouches for."""

from __future__ import annotations

import bisect
import contextlib
import dataclasses
import io
import operator
import os
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from s2s.audio import sandbox, sources, wire
from s2s.audio.errors import AudioError
from s2s.audio.films import Film
from s2s.audio.limits import MAX_RATE_HZ, Limits, RawPcm
from s2s.audio.noticed import NOTHING, Noticed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DEFAULT_LIMITS: Final = Limits()
_INDEX_BYTES: Final = 1 << 20  # headers of the shortest recording; indices grow with a recording
_MOST_BYTES_A_SECOND: Final = 5 * MAX_RATE_HZ  # of sound in any codec
SPEECH_RATE_HZ: Final = 24_000  # the local engine's, so that it measures the same samples
_EXCERPT_LIMITS: Final = Limits(cpu_s=20, idle_s=20)  # someone waits for it
_NEAR: Final = 3  # places before a moment


@dataclass(frozen=True, slots=True)
class Examination:
    """A recording as decoding all of it has shown it; nothing here is taken from a header.

    `container` and `codec` are libav's names (`mov,mp4,m4a,3gp,3g2,mj2`, `aac`). `samples` are counted at
    `sample_rate_hz`, which is the rate of the first frame. `peaks` is one uint8 per bucket over the whole length,
    the largest |sample| with 255 as full scale: twenty buckets a second, at most 100,000 and never fewer than were
    asked for. `level_dbfs` is the root mean square (SILENCE_DBFS for silence). Both are of the mono mix. `noticed` is
    what was unusual. `levels`, where they were wanted, are what `s2s.audio.levels` says of each 10 ms, of the mix;
    `channel_levels` are those of both channels of stereo. `pictures` is the codec of a film's pictures (`h264`), "" for
    sound alone. `places` are for `stretch`: byte, ticks and milliseconds of some packets, of an MP3, which says
    nothing of that.
    """

    container: str
    codec: str
    sample_rate_hz: int
    channels: int
    samples: int
    duration_s: float
    peaks: bytes
    level_dbfs: float
    noticed: Noticed = NOTHING
    levels: bytes = b""
    channel_levels: tuple[bytes, ...] = ()
    pictures: str = ""
    places: tuple[tuple[int, int, int], ...] = ()

    @property
    def is_apart(self) -> bool:
        """Whether both channels have something to say that the other one hasn't (`s2s.audio.apart`)."""
        from s2s.audio.apart import are_apart

        return are_apart(self.channel_levels)


def warm_up() -> None:
    """Make ready what the first recording would wait for: the decoders' fork server, and numpy. Doesn't wait itself."""
    sandbox.warm_up()
    import s2s.audio.plain  # noqa: F401


def examine(
    source: BinaryIO,
    *,
    limits: Limits = _DEFAULT_LIMITS,
    raw: RawPcm | None = None,
    track: int | None = None,
    peak_buckets: int = 1000,
    with_levels: bool = False,
    stop: sandbox.Stop | None = None,
) -> Examination:
    """Decode all of `source` and say what it is: in a child process, unless it needs no codec (`plain`).

    Reads from the first byte whatever the position of `source` is, and leaves that alone; a file that can be passed on
    as a descriptor isn't copied. `raw` says what headerless samples are, `track` which of several sound tracks is meant
    (`Noticed.tracks`), else it is the one that players take. Memory is flat at any length. `stop` ends it from another
    thread.

    Raises `AudioError`.
    """
    with sources.opened(source) as input_fd:
        plain = _plainly(input_fd, limits, raw, peak_buckets, with_levels=with_levels, with_channel_levels=with_levels)
        if plain is not None:
            return plain
        job = _job("examine", limits, raw, track=track, peak_buckets=peak_buckets, with_levels=with_levels)
        with sandbox.Worker(job, input_fd, limits.idle_s) as worker, (stop or sandbox.Stop()).ending(worker):
            found = worker.result()
    found["peaks"], found["levels"] = bytes.fromhex(found["peaks"]), bytes.fromhex(found["levels"])
    found["places"] = tuple(map(tuple, found["places"]))
    found["channel_levels"] = tuple(map(bytes.fromhex, found["channel_levels"]))
    found["noticed"] = Noticed.from_json(found["noticed"])
    return Examination(duration_s=found["samples"] / found["sample_rate_hz"], **found)


def examine_plain(
    source: BinaryIO,
    *,
    limits: Limits = _DEFAULT_LIMITS,
    raw: RawPcm | None = None,
    peak_buckets: int = 1000,
    with_channel_levels: bool = False,
) -> Examination | None:
    """As `examine`, of a file with a descriptor; None where that would take a child process.

    Raises `AudioError` (no_sound_length).
    """
    return _plainly(source.fileno(), limits, raw, peak_buckets, with_channel_levels=with_channel_levels)


def _plainly(
    input_fd: int,
    limits: Limits,
    raw: RawPcm | None,
    peak_buckets: int,
    *,
    with_levels: bool = False,
    with_channel_levels: bool = False,
) -> Examination | None:
    from s2s.audio.apart import ChannelLevels
    from s2s.audio.peaks import survey
    from s2s.audio.plain import Plain

    plain = Plain.found_in(input_fd, limits, raw)
    if plain is None:
        return None
    rate_hz = plain.sample_rate_hz
    mix = plain.listen(input_fd)
    channel_levels = ChannelLevels(2, rate_hz) if with_channel_levels and plain.channels == 2 else None
    blocks = plain.blocks(input_fd, mix, channel_levels)
    samples, peaks, level_dbfs, levels = survey(blocks, rate_hz, peak_buckets, plain.samples, with_levels=with_levels)
    if samples == 0:  # it was cut off under our hands
        raise AudioError("no_sound_length")
    return Examination(
        plain.container,
        plain.codec,
        rate_hz,
        plain.channels,
        samples,
        samples / rate_hz,
        peaks,
        level_dbfs,
        mix.noticed,
        levels,
        channel_levels.finish() if channel_levels else (),
    )


def measure_loudness(
    source: BinaryIO, *, limits: Limits = _DEFAULT_LIMITS, raw: RawPcm | None = None, track: int | None = None
) -> float | None:
    """The integrated loudness of all channels in LUFS (ITU-R BS.1770-4); None for silence and for less than 400 ms.

    Mono counts as what it is played as, the same on two loudspeakers. Reads `source` as `examine` does; measuring
    takes about as long as decoding. Raises `AudioError`.
    """
    with (
        sources.opened(source) as input_fd,
        sandbox.Worker(_job("loudness", limits, raw, track=track), input_fd, limits.idle_s) as worker,
    ):
        found: float | None = worker.result()["lufs"]
    return found


def decode(
    source: BinaryIO,
    *,
    sample_rate_hz: int,
    limits: Limits = _DEFAULT_LIMITS,
    raw: RawPcm | None = None,
    track: int | None = None,
    channel: int | None = None,
    stop: sandbox.Stop | None = None,
) -> Generator[NDArray[np.float32], None, None]:
    """The samples of `source`: mono float32 blocks `(n,)` of about a second at `sample_rate_hz`, nominally -1..1.

    `n` samples at the recording's own rate come out as exactly `round(n * sample_rate_hz / own)`. The channels are
    mixed as `listening` decides, or only `channel` is heard, from 0. A damaged recording gives what can be decoded.
    `source` is read as `examine` reads it, what needs no codec in process. Closing the generator ends a child process
    at once, and so does `stop`, from another thread.

    Raises `AudioError`, also after blocks were given (too_long, decoder_failed and its like).
    """
    from s2s.audio.plain import Plain

    with sources.opened(source) as input_fd:
        plain = Plain.found_in(input_fd, limits, raw)
        if plain is not None:
            for samples in plain.resampled(input_fd, sample_rate_hz, channel):
                if stop is not None and stop.stopped:
                    raise AudioError("decoder_lost")
                yield samples
            return
        job = _job("decode", limits, raw, track=track, channel=channel, sample_rate_hz=sample_rate_hz)
        worker = sandbox.Worker(job, input_fd, limits.idle_s)
    yield from _sent_by(worker, stop)


def stretch(
    source: BinaryIO,
    start_s: float,
    samples: int,
    *,
    sample_rate_hz: int,
    limits: Limits = _DEFAULT_LIMITS,
    raw: RawPcm | None = None,
    track: int | None = None,
    channel: int | None = None,
    places: Sequence[tuple[int, int, int]] = (),
    stop: sandbox.Stop | None = None,
) -> Generator[NDArray[np.float32], None, None]:
    """So many `samples` of what `decode` gives, from `start_s` on; fewer where the recording ends before.

    What lies before is not decoded where the container can be searched, nor read where `places` are the recording's
    own (`Examination`). Memory is flat, errors are those of `decode`.
    """
    where: dict[str, float | None] = {"track": track, "channel": channel, "start_s": start_s, "samples": samples}
    job = _job("stretch", limits, raw, **where, sample_rate_hz=sample_rate_hz) | {"places": _near(places, start_s)}
    with sources.opened(source) as input_fd:
        worker = sandbox.Worker(job, input_fd, limits.idle_s)
    yield from _sent_by(worker, stop)


def _near(places: Sequence[tuple[int, int, int]], start_s: float) -> list[tuple[int, int, int]]:
    """The few of which the worker takes one: a job has room for some, and hours have hundreds. The recording's first
    time needn't be the container's, so two lie behind `start_s`."""
    first_behind = bisect.bisect(places, start_s * 1000, key=operator.itemgetter(2))
    return list(places[max(0, first_behind - _NEAR) : first_behind + 2])


def _sent_by(worker: sandbox.Worker, stop: sandbox.Stop | None) -> Generator[NDArray[np.float32], None, None]:
    """The blocks of a child process, which ends with us."""
    import numpy as np

    with worker, (stop or sandbox.Stop()).ending(worker):
        for block in worker.blocks():
            yield np.frombuffer(block, np.float32)


def excerpt(
    source: BinaryIO,
    start_s: float | None,
    length_s: float,
    *,
    limits: Limits = _EXCERPT_LIMITS,
    raw: RawPcm | None = None,
    track: int | None = None,
) -> bytes:
    """At most `length_s` of `source` as a 16-bit WAV: mono, at its own rate or the next one within 16 to 48 kHz.

    It begins at `start_s`, or with None at the first sound (about -45 dBFS, searched for in the first five minutes).
    Where less than that is left before the end, it is the last `length_s`. What lies before is not decoded where
    the container can be searched, so it is quick in the middle of hours too. `source` is read as `examine` reads it.

    Raises `AudioError`.
    """
    import numpy as np

    job = _job("excerpt", limits, raw, track=track, start_s=start_s, length_s=length_s)
    with sources.opened(source) as input_fd, sandbox.Worker(job, input_fd, limits.idle_s) as worker:
        samples = [np.frombuffer(block, np.float32) for block in worker.blocks()]
        rate_hz = worker.last_word()["sample_rate_hz"]
    return _wav(samples, rate_hz)


def spoken(
    source: BinaryIO,
    *,
    limits: Limits = _EXCERPT_LIMITS,
    raw: RawPcm | None = None,
    track: int | None = None,
) -> tuple[bytes, float | None, float]:
    """What the local engine measures the whole of `source` by, as a 16-bit WAV, mono at 24 kHz; see `find_speech`.

    With it come where somebody speaks first, in seconds, or None, and how many seconds were searched, five minutes at
    most. `source` is read as `examine` reads it. Raises `AudioError`.
    """
    from s2s.audio.speaking import find_speech

    with contextlib.closing(
        decode(source, sample_rate_hz=SPEECH_RATE_HZ, limits=limits, raw=raw, track=track)
    ) as blocks:
        found = find_speech(blocks, SPEECH_RATE_HZ)
    return _wav([found.samples], SPEECH_RATE_HZ), found.begins_s, found.searched_s


def speech_of(blocks: Iterable[NDArray[np.float32]]) -> bytes:
    """What the local engine measures a speaker by: the first speech in mono `blocks` (n,) at SPEECH_RATE_HZ, as a
    16-bit WAV; see `find_speech`. Raises what `blocks` raises, and pulls no more of them than are needed.
    """
    from s2s.audio.speaking import find_speech

    return _wav([find_speech(blocks, SPEECH_RATE_HZ).samples], SPEECH_RATE_HZ)


def _wav(samples: list[NDArray[np.float32]], rate_hz: int) -> bytes:
    from s2s.audio.encoding import encode

    sink = io.BytesIO()
    encode(samples, sink, "wav", rate_hz, None, input_rate_hz=rate_hz)
    return sink.getvalue()


def searchable(
    source: BinaryIO,
    copy: BinaryIO,
    *,
    limits: Limits = _DEFAULT_LIMITS,
    stop: sandbox.Stop | None = None,
) -> int:
    """Write `source` to `copy` with its own packets as players can search it: with length and index.

    The bytes of `copy`; 0 where players can search `source` itself, and for containers that are not mended (all but
    WebM, Matroska, MP4 and its like). `source` is read as `examine` reads it. What comes back is bounded by its size.

    Raises `AudioError`; `copy` is incomplete then.
    """
    with sources.opened(source) as input_fd:
        most = 2 * os.fstat(input_fd).st_size + _INDEX_BYTES
        worker = sandbox.Worker(_job("searchable", limits, None), input_fd, limits.idle_s)
    written: int = _written(worker, copy, most, stop)["size"]
    return written


def film(
    source: BinaryIO,
    sound: BinaryIO,
    copy: BinaryIO,
    *,
    lossless: bool,
    limits: Limits = _DEFAULT_LIMITS,
    raw: RawPcm | None = None,
    track: int | None = None,
    stop: sandbox.Stop | None = None,
) -> Film:
    """Write the film `source` to `copy` with `sound` in place of what was read of it; its pictures are copied.

    `raw` says what headerless samples `sound` are, `track` which of several sound tracks was read, `lossless` that the
    sound was ordered so. Both are read as `examine` reads them. What comes back is bounded.

    Raises `AudioError` (film_cut, film_uncopied and what reading raises); `copy` is incomplete then.
    """
    with sources.opened(source) as film_fd, sources.opened(sound) as sound_fd:
        sound_bytes = round(limits.max_duration_s * _MOST_BYTES_A_SECOND)
        most = 2 * os.fstat(film_fd).st_size + sound_bytes + _INDEX_BYTES
        job = _job("film", limits, raw, track=track, lossless=lossless)
        worker = sandbox.Worker(job, film_fd, limits.idle_s, sound_fd)
    said = _written(worker, copy, most, stop)
    return Film.from_json(said)


def _written(worker: sandbox.Worker, copy: BinaryIO, most_bytes: int, stop: sandbox.Stop | None) -> dict[str, Any]:
    """The last word of a worker that writes a file, which is in `copy` then."""
    with worker, (stop or sandbox.Stop()).ending(worker):
        for block in worker.blocks():
            (place,) = wire.PLACE.unpack_from(block)
            data = memoryview(block)[wire.PLACE.size :]
            if place + len(data) > most_bytes:
                raise AudioError("decoder_failed")
            copy.seek(place)
            copy.write(data)
        return worker.last_word()


def _job(task: str, limits: Limits, raw: RawPcm | None, **details: float | None) -> dict[str, object]:
    return {
        "task": task,
        "limits": dataclasses.asdict(limits),
        "raw": dataclasses.asdict(raw) if raw else None,
        **details,
    }
