"""Which calls a recording needs: one, or several where it is more than its endpoint takes at once, or several speak.

The same recording with the same regions is always planned the same way: a crash in the middle changes nothing. What no
call is planned for stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _

from conversions.models import Conversion, Failure, Region
from conversions.queue.passages import LEAST_S, Passage, Speaker, channels_of, passages
from conversions.words.durations import clock_duration, spoken_duration
from conversions.words.lengths import keeps_time
from s2s.audio import Examination
from s2s.audio.limits import MAX_RATE_HZ, MIN_RATE_HZ
from s2s.audio.portions import SHORTEST_S, usual_s
from voices.models import Endpoint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# A piece travels as FLAC, which never takes noticeably more room than the samples do.
_BYTES_A_SAMPLE, _AROUND_IT = 2.02, 1 << 16


@dataclass(frozen=True, slots=True)
class Planned:
    """A call: from `start_sample` up to `end_sample` of the recording, at its own rate, of all channels or of one."""

    start_sample: int
    end_sample: int
    seconds: float
    speaker: Speaker
    channel: int | None = None


def whole(found: Examination, conversion: Conversion) -> list[Planned]:
    return [Planned(0, found.samples, found.duration_s, _own(conversion))]


def _own(conversion: Conversion) -> Speaker:
    return Speaker(conversion.voice_id, conversion.endpoint)


def bytes_sent(found: Examination, source_bytes: int) -> int:
    """Of what travels of a recording whose endpoint takes all of it: its own file, or of a film its sound alone."""
    if not found.pictures:
        return source_bytes
    return round(found.duration_s * piece_rate_hz(found.sample_rate_hz) * _BYTES_A_SAMPLE) + _AROUND_IT


def takes_whole(endpoint: Endpoint, duration_s: float, sent_bytes: int) -> bool:
    """Whether its endpoint takes all of a recording at once, in the file in which it is sent."""
    fits = endpoint.max_bytes is None or sent_bytes <= endpoint.max_bytes
    return fits and (endpoint.max_seconds is None or duration_s <= endpoint.max_seconds)


@dataclass(frozen=True, slots=True)
class Portions:
    """What an endpoint takes at once: at most `longest_s` in a piece, `usual_s` where there are several. What is longer
    than `most_s` would be more pieces than are made."""

    longest_s: float
    usual_s: float
    most_s: float


def portions(endpoint: Endpoint) -> Portions | None:
    """None: it takes anything. Where the size of a file decides, pieces are as at the highest rate, and what may go at
    the lowest is never refused unread."""
    longest_s = _longest_s(endpoint, MAX_RATE_HZ)
    if longest_s == float("inf"):
        return None
    longest_of_all_s = _longest_s(endpoint, MIN_RATE_HZ)
    try:
        most_s = max(longest_of_all_s, usual_s(longest_of_all_s) * settings.MAX_PIECES)
    except ValueError:
        most_s = max(longest_of_all_s, 0)
    return Portions(longest_s, _usual_s(longest_s), most_s)


def _usual_s(longest_s: float) -> float:
    with suppress(ValueError):
        return usual_s(longest_s)
    return SHORTEST_S  # if any can be made at all


def too_long_words(endpoint: Endpoint, duration_s: float, size: int) -> str:
    """What is said of a recording that would be more pieces than are made, before it is read. Empty where it isn't."""
    found = portions(endpoint)
    if found is None or takes_whole(endpoint, duration_s, size) or duration_s <= found.most_s:
        return ""
    return f"{_too_long(endpoint, duration_s, found.longest_s)} {_('Choose a voice of another endpoint.')}"


def plan(
    found: Examination, conversion: Conversion, regions: Sequence[Region], sent_bytes: int
) -> list[Planned] | Failure:
    """`found` with its levels, `regions` with their voices and those with their endpoints.

    A Failure where it can't be cut into pieces that its endpoints take, or has no such regions.
    """
    wrong = _unfit(found, regions)
    if wrong:
        return Failure(Conversion.REGIONS_UNFIT, f"{wrong} {_advice()}")
    planned: list[Planned] = []
    in_time = keeps_time(conversion)
    for passage in passages(regions, _own(conversion), found.samples, found.sample_rate_hz, _pauses(found)):
        if passage.speaker is None:
            continue
        pieces = _pieces(found, passage, sent_bytes, in_time=in_time)
        if pieces is None or len(planned) + len(pieces) > settings.MAX_PIECES:
            return _refusal(found, passage.speaker.endpoint, len(regions) if pieces else 0)
        planned += pieces
    if not planned:
        return Failure(Conversion.REGIONS_UNFIT, f"{_('All of this recording would stay as it is.')} {_advice()}")
    return planned


def _advice() -> str:
    return _("Nothing was sent. Your recording is safe: take it again, and mark its regions anew.")


def _unfit(found: Examination, regions: Sequence[Region]) -> str:
    if channels_of(regions) != (None,) and found.channels != 2:
        return _("Its regions are of the left and the right channel, and this recording isn’t stereo.")
    for region in regions:
        if region.start_s >= found.duration_s:
            values = {
                "number": region.position + 1,
                "start": clock_duration(region.start_s),
                "length": clock_duration(found.duration_s),
            }
            return _("Region %(number)d begins at %(start)s, and the recording ends at %(length)s.") % values
    return ""


def _pieces(found: Examination, passage: Passage, sent_bytes: int, *, in_time: bool) -> list[Planned] | None:
    """None where its endpoint takes so little at once that nothing can be made of it.

    Without those parts in which there is only silence, if the result is `in_time` with the recording: they stay as they
    are, and nobody is paid for them.
    """
    assert passage.speaker is not None
    endpoint, rate_hz = passage.speaker.endpoint, found.sample_rate_hz
    is_whole = (passage.start, passage.end, passage.channel) == (0, found.samples, None)
    if is_whole and takes_whole(endpoint, found.duration_s, sent_bytes):
        stretches = [(0, found.samples)]
    else:
        try:
            parts = _heard(found, passage) if in_time else [passage]
            stretches = [each for part in parts for each in _cut(found, part, _longest_s(endpoint, rate_hz))]
        except ValueError:
            return None
    return [Planned(start, end, (end - start) / rate_hz, passage.speaker, passage.channel) for start, end in stretches]


def _pauses(found: Examination) -> Callable[[Passage], bool]:
    """Of a passage: whether nobody speaks in it, though the room may be heard."""
    import numpy as np

    from s2s.audio.levels import FRAMES_A_SECOND
    from s2s.audio.pauses import pauses

    @cache
    def of_channel(channel: int | None) -> NDArray[np.int64]:
        return pauses(_levels(found, Passage(0, found.samples, None, channel)))

    def is_pause(passage: Passage) -> bool:
        first, last = (moment * FRAMES_A_SECOND // found.sample_rate_hz for moment in (passage.start, passage.end))
        edges = np.concatenate([[first], of_channel(passage.channel).clip(first, last).ravel(), [last]])
        return bool((edges[1::2] - edges[::2]).max() < LEAST_S * FRAMES_A_SECOND)

    return is_pause


def _heard(found: Examination, passage: Passage) -> list[Passage]:
    """Those parts of it in which there is more than silence."""
    from s2s.audio.levels import FRAMES_A_SECOND
    from s2s.audio.silence import heard, silence_dbfs

    levels = _levels(found, passage)
    stretches = heard(levels, silence_dbfs(_levels(found)))
    samples = stretches * found.sample_rate_hz // FRAMES_A_SECOND + passage.start
    samples[stretches == len(levels)] = passage.end
    return [
        replace(passage, start=max(passage.start, int(start)), end=min(passage.end, int(end))) for start, end in samples
    ]


def _cut(found: Examination, passage: Passage, most_s: float) -> list[tuple[int, int]]:
    from s2s.audio.cuts import cut  # with numpy, which most processes never load

    cuts = cut(_levels(found, passage), passage.end - passage.start, found.sample_rate_hz, most_s)
    return [(passage.start + each.start, passage.start + each.end) for each in cuts]


def _levels(found: Examination, passage: Passage | None = None) -> NDArray[np.float32]:
    """In dBFS, of a passage or of all."""
    from s2s.audio.levels import FRAMES_A_SECOND, in_dbfs

    if passage is None:
        return in_dbfs(found.levels)
    first, last = (moment * FRAMES_A_SECOND // found.sample_rate_hz for moment in (passage.start, passage.end))
    levels = found.levels
    if passage.channel is not None and found.channel_levels:
        levels = found.channel_levels[passage.channel]
    return in_dbfs(levels)[first : last + 1]


def piece_rate_hz(recording_rate_hz: int) -> int:
    """At which a piece travels: the recording's own, if a voice needs neither more nor less."""
    return min(max(recording_rate_hz, MIN_RATE_HZ), MAX_RATE_HZ)


def _longest_s(endpoint: Endpoint, recording_rate_hz: int) -> float:
    by_size = float("inf")
    if endpoint.max_bytes is not None:
        by_size = (endpoint.max_bytes - _AROUND_IT) / (_BYTES_A_SAMPLE * piece_rate_hz(recording_rate_hz))
    return min(by_size, float("inf") if endpoint.max_seconds is None else endpoint.max_seconds)


def _refusal(found: Examination, endpoint: Endpoint, regions: int) -> Failure:
    """`regions`: how many there are, where its endpoint takes enough at once."""
    longest_s = _longest_s(endpoint, found.sample_rate_hz)
    if regions and found.duration_s / longest_s < settings.MAX_PIECES:  # its length alone isn't to blame
        words = _(
            "With its regions this recording would be more than %(pieces)d pieces. Nothing was billed. Mark fewer."
        )
        return Failure("too_long_for_endpoint", words % {"pieces": settings.MAX_PIECES})
    advice = _("Nothing was billed. Choose a voice of another endpoint or a shorter recording.")
    return Failure("too_long_for_endpoint", f"{_too_long(endpoint, found.duration_s, longest_s)} {advice}")


def _too_long(endpoint: Endpoint, duration_s: float, longest_s: float) -> str:
    words = _(
        "This recording is %(length)s long, and %(endpoint)s takes at most %(most)s at once: that would be more than "
        "%(pieces)d pieces."
    )
    return words % {
        "length": spoken_duration(duration_s),
        "endpoint": endpoint.name,
        "most": spoken_duration(max(longest_s, 0)),
        "pieces": settings.MAX_PIECES,
    }
