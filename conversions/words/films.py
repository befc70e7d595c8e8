"""Films in the words of people: what they are called and served as, and what is to be said of their new sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from s2s.audio import Film
from s2s.formats import OutputFormat

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise


@dataclass(frozen=True, slots=True)
class FilmKind:
    """A container of films. A browser's player is told `played_as`: of MOV and Matroska it takes what it can of them
    under the names of their kin."""

    words: str
    extension: str
    media_type: str
    played_as: str


_KINDS: Final = {
    "mp4": FilmKind("MP4", "mp4", "video/mp4", "video/mp4"),
    "mov": FilmKind("MOV", "mov", "video/quicktime", "video/mp4"),
    "matroska": FilmKind("MKV", "mkv", "video/x-matroska", "video/webm"),
    "webm": FilmKind("WebM", "webm", "video/webm", "video/webm"),
}
_CODECS: Final = {"aac": "AAC", "opus": "Opus", "flac": "FLAC", "mp3": "MP3", "pcm_s16le": "PCM"}
# The codecs of the contract's formats in libav's words, where they differ.
_ORDERED: Final = {"wav": "pcm_s16le", "pcm": "pcm_s16le"}
_STREAMS: Final[Mapping[str, StrPromise]] = {
    "subtitle": gettext_lazy("subtitles"),
    "audio": gettext_lazy("another sound track"),
    "video": gettext_lazy("another picture track"),
    "attachment": gettext_lazy("attached files"),
    "data": gettext_lazy("a camera’s own data"),
}


def film_kind(facts: Mapping[str, Any]) -> FilmKind:
    """Of a film that was made (`Export.facts`)."""
    return _KINDS[Film.from_json(facts).container]


def film_words(facts: Mapping[str, Any], ordered: OutputFormat) -> list[str]:
    """Where it isn't what was ordered, or not all that its recording was: a sentence each."""
    return list(_said(Film.from_json(facts), ordered))


def _said(film: Film, ordered: OutputFormat) -> Iterator[str]:
    container = _KINDS[film.container].words
    if film.codec != _ORDERED.get(ordered.codec, ordered.codec):
        values = {"codec": _CODECS[film.codec], "container": container}
        if film.codec == "flac":
            yield _("Its sound is FLAC, which loses nothing.")
        else:
            yield _("Its sound is %(codec)s, which players of %(container)s files surely play.") % values
    if left_out := [str(_STREAMS[kind]) for kind in film.left_out if kind in _STREAMS]:
        values = {"container": container, "streams": get_text_list(left_out, _("and"))}
        yield _("Not in it, because we can’t put it into an %(container)s file: %(streams)s.") % values
