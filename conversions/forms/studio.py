"""What people send us: checked here, once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import Http404
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from conversions.access import sources
from conversions.words.formats import FORMAT_CHOICES
from s2s.contract import MAX_SEED, ConvertParameters
from s2s.formats import DEFAULT_OUTPUT_FORMAT
from s2s.voice_settings import VOICE_PARAMETERS, VoiceParameter
from teams.gatekeeper import current_team
from teams.models import User
from voices.abilities import NOISE_STRENGTH
from voices.catalogue import offered_models, offered_voices
from voices.ids import LARGEST_ID, is_id
from voices.models import Voice

Upload = UploadedFile[bytes]
Sent = Mapping[str, object]  # by the names of fields, as a form's POST or as our own code has it
Files = MultiValueDict[str, Upload]
# Fields whose name isn't the contract's.
_FIELD_OF = {"model_id": "model", "enable_logging": "zero_retention"}
_NO_LONGER_OFFERED = _("This voice is no longer offered. Choose another one.")


def all_words(form: forms.Form) -> str:
    """Every problem of a form that has no place for each."""
    return " ".join(str(words) for found in form.errors.values() for words in found)


class SliderField(forms.FloatField):
    """A number between two named ends."""

    def __init__(self, parameter: VoiceParameter) -> None:
        super().__init__(
            required=False,
            min_value=parameter.least,
            max_value=parameter.most,
            widget=forms.NumberInput(attrs={"type": "range", "step": parameter.told.step}),
        )
        self.unit = _(parameter.told.unit) if parameter.told.unit else ""
        self.low_end, self.high_end = _(parameter.told.low), _(parameter.told.high)


def _field_of(parameter: VoiceParameter) -> forms.Field:
    field = forms.BooleanField(required=False) if parameter.most is None else SliderField(parameter)
    told = parameter.told
    field.label, field.help_text, field.initial = _(told.label), _(told.hint), told.begins
    return field


class _VoiceSettingsForm(forms.Form):
    """A field for each voice parameter of the contract."""


# How strongly noise is removed is said where that is chosen.
OF_THE_VOICE = [name for name in VOICE_PARAMETERS if name != NOISE_STRENGTH]

_VoiceSettingsForm.base_fields.update({name: _field_of(row) for name, row in VOICE_PARAMETERS.items()})


class OptionsForm(_VoiceSettingsForm):
    """Every parameter of the contract, with what it does said where it stands."""

    output_format = forms.ChoiceField(
        label=_("Format"),
        choices=FORMAT_CHOICES,
        initial=DEFAULT_OUTPUT_FORMAT,
        required=False,
        help_text=_("WAV keeps every detail for editing. Phone line is for call centres."),
        error_messages={"invalid_choice": _("This format isn't known. Choose one of the list.")},
    )
    model = forms.ChoiceField(
        label=_("Model"),
        required=False,
        help_text=_("How the endpoint converts. Left as it is, the one that suits the voice is taken."),
        error_messages={"invalid_choice": _("This model isn't offered any more. Choose another one.")},
    )
    remove_background_noise = forms.BooleanField(
        label=_("Remove background noise"),
        required=False,
        help_text=_("For recordings with hum, hiss or street noise. Leave it off for clean ones."),
    )
    own_settings = forms.BooleanField(
        label=_("Change the voice's own settings"),
        required=False,
        help_text=_("Off: the voice is used as it was made. On: the values below hold for this recording."),
    )
    seed = forms.IntegerField(
        label=_("Seed"),
        required=False,
        min_value=0,
        max_value=MAX_SEED,
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_value"), _("Enter a whole number from 0 to 4294967295.")
        ),
        help_text=_("The same recording with the same settings and seed sounds the same again, as far as possible."),
    )
    zero_retention = forms.BooleanField(
        label=_("Zero retention"),
        required=False,
        help_text=_(
            "Only you see it, it isn't in the history, and nothing of it is kept: it is gone one hour after you "
            "downloaded it, and after 24 hours at most."
        ),
    )
    only_me = forms.BooleanField(
        label=_("Only I can see it"),
        required=False,
        help_text=_(
            "Your team doesn’t find it in the history. You can still delete it or keep it as long as you like."
        ),
    )
    file_format = forms.ChoiceField(
        label=_("The recording is"),
        required=False,
        choices=[("other", _("an audio or video file")), ("pcm_s16le_16", _("raw PCM: 16 kHz, 16 bit, mono"))],
        help_text=_("Raw PCM has no header that would say what it is. Programs write it; recorders don't."),
    )
    optimize_streaming_latency = forms.TypedChoiceField(
        label=_("Latency"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[
            ("", _("As the endpoint likes")),
            ("0", _("0: best quality")),
            ("1", _("1: quicker")),
            ("2", _("2: quicker still")),
            ("3", _("3: quickest")),
            ("4", _("4: quickest, numbers may be misread")),
        ],
        help_text=_("Trades quality for a quicker beginning. Of use for live streams, seldom for recordings."),
    )

    def __init__(
        self, data: Sent | None = None, files: Files | None = None, *, initial: dict[str, object] | None = None
    ) -> None:
        super().__init__(data, files, initial=initial)
        model = self.fields["model"]
        assert isinstance(model, forms.ChoiceField)
        # Asked for when somebody sees them or has chosen one.
        model.choices = cache(lambda: [("", _("The best for the voice")), *offered_models()])

    @property
    def has_wrong_options(self) -> bool:
        return any(name in self.errors for name in OptionsForm.base_fields)

    @property
    def voice_settings(self) -> list[forms.BoundField]:
        return [self[name] for name in OF_THE_VOICE]

    @property
    def noise_strength(self) -> forms.BoundField:
        return self[NOISE_STRENGTH]

    @property
    def options(self) -> dict[str, object]:
        """Of a valid form: what was chosen, by field, to be kept as JSON and to begin another form with."""
        values = {name: self.cleaned_data.get(name) for name in OptionsForm.base_fields}
        return {name: value for name, value in values.items() if value not in (None, "")}

    @property
    def parameters(self) -> ConvertParameters:
        """Of a valid form. What wasn't touched is left out, so that the endpoint's own defaults hold."""
        data = self.cleaned_data
        given: dict[str, object] = {
            "output_format": data["output_format"],
            "model_id": data["model"],
            "remove_background_noise": data["remove_background_noise"],
            "seed": data["seed"],
            "enable_logging": not data["zero_retention"],
            "file_format": data["file_format"],
            "optimize_streaming_latency": data["optimize_streaming_latency"],
        }
        names = OF_THE_VOICE if data["own_settings"] else []
        settings = {name: data[name] for name in names if data[name] is not None}
        strength = data[NOISE_STRENGTH]
        if data["remove_background_noise"] and strength not in (None, OptionsForm.base_fields[NOISE_STRENGTH].initial):
            settings[NOISE_STRENGTH] = strength
        if settings or data["own_settings"]:
            given["voice_settings"] = settings
        return ConvertParameters.model_validate(given)


class RecordingsInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class RecordingsField(forms.FileField):
    """Any number of files. A problem with one names it where there are several."""

    widget = RecordingsInput

    def clean(self, data: list[Upload] | Upload | None, initial: object = None) -> list[Upload]:
        files = data if isinstance(data, list) else [data] if data else []
        problems = []
        for file in files:
            try:
                super().clean(file, initial)
            except forms.ValidationError as error:
                named = error.messages if len(files) == 1 else [f"{file.name}: {words}" for words in error.messages]
                problems += named
        if problems:
            raise forms.ValidationError(problems)
        return files


class VoicesField(forms.ModelMultipleChoiceField[Voice]):
    """One voice or several, of those that its form offers to somebody (`offer`); else of none."""

    default_error_messages = {
        "required": _("Choose a voice."),
        **dict.fromkeys(("invalid_choice", "invalid_pk_value", "invalid_list"), _NO_LONGER_OFFERED),
    }

    def __init__(self) -> None:
        super().__init__(Voice.objects.none())

    @staticmethod
    def offer(form: forms.Form, user: User) -> None:
        """Its field `voice` takes those that the user can choose now."""
        field = form.fields["voice"]
        assert isinstance(field, VoicesField)
        field.queryset = offered_voices(current_team(user))

    def clean(self, value: object) -> QuerySet[Voice]:
        if isinstance(value, list | tuple) and not all(is_id(str(one)) for one in value):
            raise forms.ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        return super().clean(value)


class StartField(forms.FloatField):
    """Seconds into a recording."""

    default_error_messages = dict.fromkeys(("invalid", "min_value", "max_value"), _("Enter seconds, such as 12.5."))

    def __init__(self) -> None:
        super().__init__(required=False, min_value=0, max_value=7 * 24 * 3600)


class StudioForm(OptionsForm):
    """Recordings, voices, the options. `user` is whose recordings may be taken."""

    audio = RecordingsField(
        label=_("Recording"),
        required=False,
        max_length=None,
        error_messages={
            "empty": _("This file is empty. Choose one with sound in it."),
            "invalid": _("No file arrived. Choose the recording again."),
        },
    )
    take = forms.CharField(required=False, max_length=60)
    voice = VoicesField()
    batch = forms.UUIDField(required=False)
    place = forms.IntegerField(required=False, min_value=0, max_value=100_000)  # in the batch, as they were chosen
    once = forms.UUIDField(required=False)
    start = StartField()

    def __init__(
        self,
        data: Sent | None = None,
        files: Files | None = None,
        *,
        user: User,
        initial: dict[str, object] | None = None,
    ) -> None:
        super().__init__(data, files, initial=initial)
        self.user = user
        VoicesField.offer(self, user)
        self.left_out: dict[str, object] = {}

    @property
    def ticked(self) -> set[str]:
        """The voices that are chosen, as the page marks them."""
        return {str(value) for value in self["voice"].value() or []}

    def leave_out(self, names: Collection[str]) -> None:
        """Of what the form begins with: the options that the ticked voices don't have. `left_out` is what that was."""
        for name in OptionsForm.base_fields:
            value = self.initial.get(name)
            if name in names and value not in (None, "", False, OptionsForm.base_fields[name].initial):
                self.left_out[name] = self.initial.pop(name)

    def clean_take(self) -> sources.Stored | None:
        take = self.cleaned_data["take"]
        if not take:
            return None
        try:
            return sources.find(self.user, take)
        except Http404 as error:
            raise forms.ValidationError(_("This recording isn’t there any more. Choose another one.")) from error

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or self.cleaned_data
        if "audio" in data and "take" in data and not data["audio"] and data["take"] is None:
            self.add_error("audio", _("Choose a recording first."))
        if "take" in self.errors:
            self.add_error("audio", self.errors["take"].as_data())
        return data

    def refuse(self, problems: Iterable[tuple[str, str]]) -> str:
        """Puts each problem at the field that it is about. Returns the words of those that are about none."""
        rest = []
        for about, words in problems:
            field = _FIELD_OF.get(about, about)
            if field in self.fields:
                self.add_error(field, words)
            else:
                rest.append(words)
        return " ".join(rest)

    @property
    def recordings(self) -> list[Upload | sources.Stored]:
        """What was uploaded, else what was taken."""
        uploaded = self.cleaned_data.get("audio") or []
        taken = self.cleaned_data.get("take")
        return [*uploaded] or ([taken] if taken else [])


class HistoryForm(forms.Form):
    """Filters of the history. What isn't valid is ignored: a link with an old filter still opens the page."""

    q = forms.CharField(label=_("Search names"), required=False, max_length=200)
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[
            ("", _("All states")),
            ("ready", _("Ready")),
            ("unfinished", _("In progress")),
            ("unordered", _("Not converted yet")),
            ("failed", _("Failed")),
            ("cancelled", _("Cancelled")),
            ("deleted", _("Deleted")),
        ],
    )
    voice = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    before = forms.CharField(required=False, max_length=80)
    deleted = forms.UUIDField(required=False)  # was deleted just now: the page offers to undo it
    listed = forms.BooleanField(required=False)  # in this list, to which the undo leads back
