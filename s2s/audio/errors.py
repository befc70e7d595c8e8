"""What can be wrong with a recording, as a stable code and a sentence for the person who uploaded it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from s2s.audio.names import described

Fact = int | float | str
_CHOOSE: Final = "Choose an audio or video recording, for example MP3, WAV, M4A or MP4."
_SENTENCES: Final[Mapping[str, str]] = {
    "empty": (
        "The file is empty, so the upload may have been interrupted. Check the file on your computer and send it again."
    ),
    "not_audio": (f"We found no sound in this file that we can read. {_CHOOSE}"),
    "no_audio": "This is a picture or a video without sound. Choose a recording that has sound.",
    "unreadable": (
        "This file is {kind}, which we can't read. "
        "Open it in the program that made it, or in one that plays it, and export its sound as WAV, MP3 or M4A."
    ),
    "protected": (
        "This recording is encrypted: {kind}. Only the player that it was made for can open it. "
        "Choose one without copy protection."
    ),
    "picture": f"This is a picture, and there is no sound in it. {_CHOOSE}",
    "document": f"This is a document, not a recording. {_CHOOSE}",
    "text": f"This is text, not a recording. {_CHOOSE}",
    "archive": "This is an archive, such as a ZIP file. Unpack it and choose the recordings that are in it.",
    "notes": "This is a MIDI file: it says which notes are played, and has no sound. Export it as WAV or MP3.",
    "project": "This is an Audacity project, not a recording. Open it in Audacity and export it as WAV or MP3.",
    "silent": (
        "Nothing can be heard in this recording, in any of its channels. "
        "Look at the microphone, or at what was exported, and record or export it again."
    ),
    "cut_off": (
        "This file is cut off before its sound begins: the rest didn't arrive. "
        "Check it on your computer, or get it once more from where it came, and send it again."
    ),
    "index_missing": (
        "This file is cut off: its end, where the index is, didn't arrive, and without it nobody can find the sound. "
        "Send it again, or get it once more from where it came. If this is all there is, "
        "a program that repairs MP4 files may still get the sound out of it."
    ),
    "unfinished": (
        "This file was never finished: it has no index, and without one nobody can find the sound. "
        "Get it once more from the device, or save it again in the program that made it."
    ),
    "no_sound_length": "The recording has no length: not one sample is in it. Record it again, then upload it.",
    "too_long": "The recording is longer than {max_duration}. Cut it into shorter parts and upload them one by one.",
    "too_many_channels": (
        "The recording has {channels} channels and we take at most {max_channels}. Export it as mono or stereo."
    ),
    "bad_rate": (
        "The recording has {sample_rate_hz} samples a second; we take {min_sample_rate_hz} to {max_sample_rate_hz}. "
        "Export it at 44,100 or 48,000 Hz."
    ),
    "odd_samples": (
        "The samples of this recording take {width} bits, of which {bits} are said to be used, in a way that we can't "
        "read. Export it as a WAV with 16 or 24 bits."
    ),
    "too_many_links": (
        "This file is made of more than {most} recordings, one behind the other. "
        "Cut it into shorter parts and upload them one by one."
    ),
    "film_cut": (
        "This film was put together from several pieces in an editor that left its pictures as they were, so they "
        "can't be copied as they are played. Export it anew from that editor and upload that, "
        "or download the sound alone and put it under the film there."
    ),
    "film_uncopied": (
        "The film's pictures could not be copied: the file may be damaged, or written in an unusual way. "
        "Download the sound alone and put it under the film in a video editor."
    ),
    "decoder_failed": (
        "The file could not be decoded: it seems to be damaged. "
        "Open it in an audio editor, save it as WAV or MP3 and upload that."
    ),
    "decoder_lost": "Decoding was interrupted on our side; the recording is not at fault. Try again.",
    "decoder_timeout": (
        "Decoding the file took too long, so we stopped. "
        "Open it in an audio editor, save it as WAV or MP3 and upload that."
    ),
    "decoder_memory": (
        "Decoding the file needed too much memory, so we stopped. "
        "Open it in an audio editor, save it as WAV or MP3 and upload that."
    ),
}
CODES: Final = frozenset(_SENTENCES)


class AudioError(Exception):
    """A recording that cannot be used.

    `code` is stable and for programs, one of `CODES`; `str(error)` says what happened and what to do, in
    plain words, and holds nothing of the file's content; `facts` are the numbers behind the sentence, and the keys of
    `NAMES` of what the file is (container, codec).
    """

    def __init__(self, code: str, **facts: Fact) -> None:
        self.code = code
        self.facts = facts
        super().__init__(_SENTENCES[code].format_map(_in_words(facts)))

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (self.code, self.facts))


def _rebuild(code: str, facts: Mapping[str, Fact]) -> AudioError:
    return AudioError(code, **facts)


class _Words(dict[str, str]):
    """A fact that nobody gave reads as "an unusual number of" rather than breaking the report of an error."""

    def __missing__(self, key: str) -> str:
        return "an unusual number of"


def _in_words(facts: Mapping[str, Fact]) -> _Words:
    numbers = {name: value for name, value in facts.items() if not isinstance(value, str)}
    words = _Words((name, f"{value:,}") for name, value in numbers.items())
    words["kind"] = described(str(facts.get("container", "")), str(facts.get("codec", "")))
    if "max_duration_s" in numbers:
        words["max_duration"] = _duration_in_words(numbers["max_duration_s"])
    return words


def _duration_in_words(duration_s: float) -> str:
    for unit, unit_s in (("hour", 3600), ("minute", 60), ("second", 1)):
        if duration_s >= unit_s:
            count = round(duration_s / unit_s, 1)
            return f"{count:g} {unit}" if count == 1 else f"{count:g} {unit}s"
    return f"{duration_s:g} seconds"
