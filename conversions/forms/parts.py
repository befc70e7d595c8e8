"""Who speaks where in a recording, as a form of rows: speakers with a voice each, and the parts in which they speak."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, Final

from django import forms
from django.forms.formsets import BaseFormSet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conversions import actions
from conversions.words.moments import moment_words
from voices.models import Voice

MOST_SPEAKERS: Final = 30
COLOURS: Final = 6  # of speakers, in parts.css
_EMPTY: Final = 3  # empty rows that come at a time
_SPEAKERS, _PARTS = "speaker", "part"
MORE: Final = {
    "parts": (_PARTS, _EMPTY, actions.MOST_REGIONS),
    "speakers": (_SPEAKERS, 1, MOST_SPEAKERS),
    "again": (_PARTS, 0, actions.MOST_REGIONS),  # as it was: what a browser has kept
}
# Four of each part, three of each speaker, and some that are about all of it.
MOST_FIELDS: Final = 4 * (actions.MOST_REGIONS + 1) + 3 * MOST_SPEAKERS + 20
_MOMENT = re.compile(r"(?:(?:(\d{1,3}):)?(\d{1,4}):)?(\d{1,6}(?:[.,]\d{1,6})?)")
_TOGETHER_S: Final = 0.05  # so little of an overlap is a matter of rounding

VoiceChoices = list[tuple[str, str | list[tuple[str, str]]]]


class MomentField(forms.CharField):
    """A place in a recording, in seconds (float): "62.5", "1:02.5" or "1:02:09"."""

    def clean(self, value: Any) -> float | None:
        text = super().clean(value)
        if not text:
            return None
        found = _MOMENT.fullmatch(text)
        if found is None:
            raise forms.ValidationError(_("Write a time such as 1:02.5."))
        hours, minutes, seconds = found.groups()
        return 3600.0 * int(hours or 0) + 60.0 * int(minutes or 0) + float(seconds.replace(",", "."))


def voice_choices(voices: Iterable[Voice], nobody: str) -> VoiceChoices:
    """Grouped by endpoint where there are several; `nobody` is what is said of none."""
    listed = sorted(voices, key=lambda voice: voice.endpoint_id)
    groups = {
        group[0].endpoint.name: [(str(voice.pk), voice.name) for voice in group]
        for _endpoint, members in groupby(listed, key=lambda voice: voice.endpoint_id)
        if (group := list(members))
    }
    if len(groups) == 1:
        return [("", nobody), *next(iter(groups.values()))]
    return [("", nobody), *groups.items()]


class VoiceChoice(forms.ChoiceField):
    default_error_messages = {"invalid_choice": gettext_lazy("This voice is no longer offered. Choose another one.")}


class WholeForm(forms.Form):
    """What holds for all of the recording."""

    by = forms.ChoiceField(
        choices=[("parts", gettext_lazy("Parts of it")), ("channels", gettext_lazy("Left and right channel"))],
        required=False,
        widget=forms.RadioSelect,
    )
    rest = VoiceChoice(label=gettext_lazy("Everything else"), required=False)
    left = VoiceChoice(label=gettext_lazy("Left channel"), required=False)
    right = VoiceChoice(label=gettext_lazy("Right channel"), required=False)
    once = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, choices: VoiceChoices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("rest", "left", "right"):
            _set_choices(self.fields[name], choices)


class SpeakerForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"), required=False, max_length=actions.SPEAKER_CHARACTERS, strip=True
    )
    voice = VoiceChoice(label=gettext_lazy("Voice"), required=False)
    same_as = forms.ChoiceField(label=gettext_lazy("Same person as"), required=False)

    def __init__(self, *args: Any, choices: VoiceChoices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _set_choices(self.fields["voice"], choices)


class PartForm(forms.Form):
    start = MomentField(label=gettext_lazy("From"), required=False, max_length=20)
    end = MomentField(label=gettext_lazy("To"), required=False, max_length=20)
    who = forms.ChoiceField(label=gettext_lazy("Who"), required=False)

    @property
    def is_empty(self) -> bool:
        """Of a valid one: it says nothing, or is to go."""
        data = self.cleaned_data
        return bool(data.get("DELETE")) or (data.get("start") is None and data.get("end") is None)


def _set_choices(field: forms.Field, choices: Sequence[Any]) -> None:
    assert isinstance(field, forms.ChoiceField)
    field.choices = list(choices)


_SpeakerSet = forms.formset_factory(
    SpeakerForm, extra=0, max_num=MOST_SPEAKERS, absolute_max=MOST_SPEAKERS, validate_max=True
)
_PartSet = forms.formset_factory(
    PartForm,
    extra=0,
    can_delete=True,
    max_num=actions.MOST_REGIONS,
    absolute_max=actions.MOST_REGIONS + 1,
    validate_max=True,
)


@dataclass(frozen=True, slots=True)
class Begin:
    """What a page begins with: speakers as (name, voice's id or ""), parts as (start, end or None, speaker from 0)."""

    speakers: Sequence[tuple[str, str]] = ()
    parts: Sequence[tuple[float, float | None, int]] = ()
    rest: str = ""
    left: str = ""
    right: str = ""
    by: str = "parts"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a valid form asks for. `voice` speaks wherever no region is."""

    voice: Voice
    regions: tuple[actions.RegionOrder, ...]


class Parts:
    """All forms of the page together. `length_s`: of the recording. `voices`: those that are offered."""

    def __init__(
        self,
        length_s: float,
        voices: Sequence[Voice],
        *,
        data: QueryDict | None = None,
        begin: Begin | None = None,
        once: object = None,
    ) -> None:
        self.length_s, self.problems = length_s, list[str]()
        self.missing: list[str] = []  # what has to be said yet, by who has made no mistake
        self._voices = {str(voice.pk): voice for voice in voices}
        kept = voice_choices(voices, _("Left as it is"))
        begin = begin or Begin()
        whole = {"by": begin.by, "rest": begin.rest, "left": begin.left, "right": begin.right, "once": once}
        self.whole = WholeForm(data, initial=whole, choices=kept)
        speakers = [{"name": name, "voice": voice} for name, voice in begin.speakers]
        speakers += [{"name": "", "voice": ""}] * max(0, 2 - len(speakers))
        self.speakers: BaseFormSet[SpeakerForm] = _SpeakerSet(
            data, prefix=_SPEAKERS, initial=speakers, form_kwargs={"choices": kept}
        )
        parts: list[dict[str, object]] = [
            {"start": moment_words(start), "end": "" if end is None else moment_words(end), "who": str(who + 1)}
            for start, end, who in begin.parts[: actions.MOST_REGIONS]
        ]
        parts += [{}] * min(_EMPTY, actions.MOST_REGIONS - len(parts))
        self.parts: BaseFormSet[PartForm] = _PartSet(data, prefix=_PARTS, initial=parts)
        self._name_speakers()

    @staticmethod
    def with_more(data: QueryDict, what: str) -> QueryDict:
        """The same with empty rows behind those that there are, for `what` of `MORE`."""
        prefix, count, most = MORE[what]
        more, name = data.copy(), f"{prefix}-TOTAL_FORMS"
        there = more.get(name, "")
        if there.isascii() and there.isdigit() and len(there) < 6:
            more[name] = str(min(int(there) + count, most))
        return more

    @property
    def has_voices(self) -> bool:
        """Whether any can be chosen."""
        return bool(self._voices)

    def _name_speakers(self) -> None:
        """Each has its name, or a number, in all the lists that one chooses from."""
        self.names: list[str] = []
        for number, form in enumerate(self.speakers.forms, 1):
            self.names.append(" ".join(str(form["name"].value() or "").split()) or _("Speaker %d") % number)
        everybody = [(str(number), name) for number, name in enumerate(self.names, 1)]
        for number, form in enumerate(self.speakers.forms, 1):
            others = [(value, name) for value, name in everybody if value != str(number)]
            _set_choices(form.fields["same_as"], [("", _("nobody else")), *others])
        for part in [*self.parts.forms, self.parts.empty_form]:
            _set_choices(part.fields["who"], [("", "–"), *everybody])

    @property
    def empty_part(self) -> PartForm:
        """What a script adds rows from."""
        form = self.parts.empty_form
        _set_choices(form.fields["who"], [("", "–"), *((str(n), name) for n, name in enumerate(self.names, 1))])
        return form

    def speaker_rows(self) -> Iterator[tuple[SpeakerForm, str, tuple[float, float] | None, int]]:
        """Each with its name, the longest part in which they are heard, where there is one, and a colour's number."""
        heard = self._heard()
        for number, (form, name) in enumerate(zip(self.speakers.forms, self.names, strict=True), 1):
            yield form, name, heard.get(str(number)), (number - 1) % COLOURS

    def _heard(self) -> dict[str, tuple[float, float]]:
        longest: dict[str, tuple[float, float]] = {}
        for form in self.parts.forms:
            values = [str(form[name].value() or "") for name in ("start", "end")]
            try:
                start, end = (MomentField(required=False).clean(value) for value in values)
            except forms.ValidationError:
                continue
            who = str(form["who"].value() or "")
            if start is not None and start < self.length_s:
                until = min(self.length_s, self.length_s if end is None else end)
                known = longest.get(who, (0.0, 0.0))
                if until - start > known[1] - known[0]:
                    longest[who] = start, until
        return longest

    def is_valid(self) -> bool:
        """Says what is wrong where it is wrong, in `problems` what is about all of it; `missing`: what is to come."""
        every = [self.whole.is_valid(), self.speakers.is_valid(), self.parts.is_valid()]
        for formset in (self.speakers, self.parts):
            self.problems += [str(words) for words in formset.non_form_errors()]
        if not all(every):
            return False
        if self.whole.cleaned_data["by"] != "channels":
            self._look_at_parts()
            every = [not any(form.errors for form in self._marked)]
        if all(every):
            self.missing = self._missing()
        return all(every) and not self.problems + self.missing

    @property
    def has_errors(self) -> bool:
        if not self.whole.is_bound:
            return False
        to_go = self.parts.deleted_forms if self.parts.is_valid() else []
        kept = [form for form in self.parts.forms if form not in to_go]
        return any(form.errors for form in [self.whole, *self.speakers.forms, *kept])

    @cached_property
    def _marked(self) -> list[PartForm]:
        filled = [form for form in self.parts.forms if not form.is_empty]
        return sorted(filled, key=lambda form: form.cleaned_data["start"] or 0.0)

    def _look_at_parts(self) -> None:
        reached = 0.0
        for form in self._marked:
            data = form.cleaned_data
            start = data["start"] = data["start"] or 0.0
            end = math.inf if data["end"] is None else data["end"]
            if not data["who"]:
                form.add_error("who", _("Say who speaks there."))
            if start > self.length_s - actions.SHORTEST_S:
                form.add_error("start", _("The recording has ended before that."))
            elif end > self.length_s + 1 and end != math.inf:
                form.add_error("end", _("The recording ends at %s.") % moment_words(self.length_s))
            elif end - start < actions.SHORTEST_S:
                form.add_error("end", _("This is before its beginning, or less than a fifth of a second after it."))
            elif start < reached - _TOGETHER_S:
                form.add_error("start", _("Another part goes on until %s.") % moment_words(min(reached, self.length_s)))
            reached = max(reached, end)

    def _missing(self) -> list[str]:
        data = self.whole.cleaned_data
        if data["by"] == "channels":
            return [] if data["left"] or data["right"] else [_("Choose a voice for one of the channels at least.")]
        if not self._marked:
            return [_("Mark a part first. To convert all of it in one voice, use Retake.")]
        if not data["rest"] and not any(self._voice_of(form) for form in self._marked):
            return [_("Nothing would change: choose a voice for a speaker who has a part, or for everything else.")]
        return []

    def _voice_of(self, part: PartForm) -> Voice | None:
        return self._voices.get(self._person(part).cleaned_data.get("voice", ""))

    def _person(self, part: PartForm) -> SpeakerForm:
        """Who is meant, where speakers have turned out to be the same person."""
        number, seen = part.cleaned_data["who"], list[str]()
        while number and number not in seen:
            seen.append(number)
            number = self.speakers.forms[int(number) - 1].cleaned_data.get("same_as")
        # Each of several may be said to be the other one.
        meant = min(seen[seen.index(number) :], key=int) if number else seen[-1]
        return self.speakers.forms[int(meant) - 1]

    @cached_property
    def wanted(self) -> Wanted:
        """Of a valid one. Regions are in order and cover all of the recording where the rest stays as it is."""
        data = self.whole.cleaned_data
        if data["by"] == "channels":
            both = [self._voices.get(data[name]) for name in ("left", "right")]
            regions = [actions.RegionOrder(0.0, None, channel, voice) for channel, voice in enumerate(both)]
            return Wanted(next(voice for voice in both if voice), tuple(regions))
        rest = self._voices.get(data["rest"])
        regions = list(self._covering(rest))
        voice = rest or next(region.voice for region in regions if region.voice)
        return Wanted(voice, tuple(regions))

    def _covering(self, rest: Voice | None) -> Iterator[actions.RegionOrder]:
        """What lies between two parts is a region too where it is left as it is. What is too short for one belongs to
        the part before it."""
        ends = [form.cleaned_data["start"] for form in self._marked[1:]] + [math.inf]
        reached = 0.0
        for form, next_start in zip(self._marked, ends, strict=True):
            data = form.cleaned_data
            start = max(data["start"], reached) if data["start"] - reached >= actions.SHORTEST_S else reached
            if rest is None and start > reached:
                yield actions.RegionOrder(reached, start)
            end = self.length_s if data["end"] is None else min(data["end"], self.length_s)
            limit = min(next_start, self.length_s)
            reached = limit if limit - end < actions.SHORTEST_S else end
            is_last = reached >= self.length_s
            person = self._person(form)
            name = self.names[self.speakers.forms.index(person)]
            yield actions.RegionOrder(start, None if is_last else reached, None, self._voice_of(form), name)
        if rest is None and reached < self.length_s:
            yield actions.RegionOrder(reached, None)
