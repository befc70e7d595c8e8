"""For which of several endpoints' voices a chosen option counts, in words."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from conversions.forms.studio import OptionsForm
from s2s.contract import OPTIONAL_PARAMETERS, ConvertParameters
from s2s.voice_settings import VOICE_PARAMETERS
from voices import abilities
from voices.models import Endpoint

_FIELDS = OptionsForm.base_fields


def where_it_counts(parameters: ConvertParameters, endpoints: Iterable[Endpoint]) -> list[str]:
    """A sentence for each option that only some of `endpoints` heed, and one for those that none does.

    One query; none where nothing was chosen that an endpoint may lack.
    """
    chosen = _chosen(parameters)
    if not chosen:
        return []
    able = abilities.of(endpoints).values()
    heeding = [(one.endpoint.name, _chosen(one.heeded(parameters))) for one in able]
    sentences, left_out = [], []
    for name in chosen:
        label = str(_FIELDS["model" if name == "model_id" else name].label)
        having = [endpoint for endpoint, heeds in heeding if name in heeds]
        if not having:
            left_out.append(label)
        elif len(having) < len(heeding):
            words = _("%(option)s: only with the voices of %(endpoints)s.")
            sentences.append(words % {"option": label, "endpoints": get_text_list(having, _("and"))})
    return [*sentences, *([left_out_words(left_out, (name for name, _heeds in heeding))] if left_out else [])]


def left_out_words(labels: list[str], endpoints: Iterable[str]) -> str:
    """Of options that none of `endpoints`, by their names, has."""
    return _("Left out: %(options)s. Not available at %(endpoints)s.") % {
        "options": get_text_list(labels, _("and")),
        "endpoints": get_text_list(list(endpoints), _("and")),
    }


def _chosen(parameters: ConvertParameters) -> list[str]:
    """Of OPTIONAL_PARAMETERS; of the voice's settings those that aren't as every page has them at first."""
    given = parameters.model_dump()
    given |= given.pop("voice_settings") or {}

    def is_chosen(name: str) -> bool:
        value = given.get(name)
        if name in VOICE_PARAMETERS:
            return value is not None and value != _FIELDS[name].initial
        return value not in (None, "") and value is not False

    return [name for name in OPTIONAL_PARAMETERS if is_chosen(name)]
