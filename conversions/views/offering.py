"""A stylesheet that the contract writes: which options a page without scripts shows for the voices that are ticked."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from conversions.pages.voicecards import OPTION_NAMES

# What none of the ticked voices has isn't shown, once one is ticked; what is wrong with it always is. Where a script
# does it (`data-offers`, offering.js) this has no say.
_NOBODY_HAS = (
    ".studio:not([data-offers]):has([name=voice]:checked):not(:has([name=voice]:checked:not([data-lacks~={name}])))"
    " [data-option={name}]:not(:has(.error))"
)
# Whoever wants nothing kept means by nobody.
_SOMEBODY_LACKS = (
    ".studio:not([data-offers]):has([name=voice]:checked[data-lacks~={name}]) [data-option={name}]:not(:has(.error))"
)


@login_not_required  # it says nothing of anybody
@require_safe
@cache_control(private=True, max_age=3600)
@gzip_page
def offering(request: HttpRequest) -> HttpResponse:
    selectors = [
        (_SOMEBODY_LACKS if name == "zero_retention" else _NOBODY_HAS).format(name=name) for name in OPTION_NAMES
    ]
    return HttpResponse(",\n".join(selectors) + " {\n  display: none;\n}\n", content_type="text/css; charset=utf-8")
