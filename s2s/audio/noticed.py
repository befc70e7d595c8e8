"""What is unusual about a recording and changes what is heard of it: every deviation from a plain reading is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Track:
    """One of several sound tracks: its `index` among them, from 0; `language` as the file names it (ISO 639), or ""."""

    index: int
    language: str = ""
    title: str = ""
    channels: int = 0


@dataclass(frozen=True, slots=True)
class Noticed:
    """How a recording was read where that is not the usual way; all defaults for a plain one.

    `lead_s` seconds of silence in front and `gaps_s` in `gaps` holes are there because the times in the file say so.
    `stretches` are those that its edit list puts it together from, where there are several.
    `channels_used` (from 1) of `channels` are those that are heard where they weren't mixed as usual: others would
    `cancel` them or are `silent`, or each has sound `apart` from the others (`channels_why`). `scaled_db` is what
    everything was made quieter by so that nothing clips. `promised_s` is the length that a file names of which less is
    there. `tracks` are all of a file that has several, `track` the index of the one read. `is_own`: whoever decodes by
    libav's defaults hears something else, though nothing is odd about what we hear.
    """

    lead_s: float = 0.0
    gaps: int = 0
    gaps_s: float = 0.0
    stretches: int = 0
    channels: int = 0
    channels_used: tuple[int, ...] = ()
    channels_why: str = ""
    scaled_db: float = 0.0
    promised_s: float | None = None
    tracks: tuple[Track, ...] = ()
    track: int = 0
    is_own: bool = False

    def __bool__(self) -> bool:
        return bool(self.as_json())

    def as_json(self) -> dict[str, object]:
        """Only what isn't as usual."""
        usual = _USUAL
        return {name: value for name, value in asdict(self).items() if value != usual[name]}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Self:
        """What a newer version noticed besides is left out."""
        known: dict[str, Any] = {field.name: data[field.name] for field in fields(cls) if field.name in data}
        if "tracks" in known:
            known["tracks"] = tuple(Track(**track) for track in known["tracks"])
        if "channels_used" in known:
            known["channels_used"] = tuple(known["channels_used"])
        return cls(**known)


_USUAL = asdict(Noticed())
NOTHING = Noticed()
