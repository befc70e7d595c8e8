"""Every address that the site's resolver knows, with places where anything may stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model
from django.urls import URLPattern, get_resolver
from django.urls.resolvers import RegexPattern, RoutePattern
from django.utils.regex_helper import normalize

Places = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Address:
    """`/presets/%(preset_id)s/`, and the kind of each place: `(("preset_id", "int"),)`."""

    template: str
    places: Places = ()
    view: Any = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return self.template

    @property
    def is_list(self) -> bool:
        """Of the admin site: it filters by whatever its address says."""
        return self.model is not None and not self.places and not self.template.endswith("/add/")

    @property
    def model(self) -> type[Model] | None:
        """What the admin site's views list and change."""
        found: type[Model] | None = getattr(getattr(self.view, "model_admin", None), "model", None)
        return found

    @property
    def actions(self) -> list[str]:
        """What such a list can do with the rows that are chosen."""
        return ["delete_selected", *self.view.model_admin.actions] if self.is_list else []


def all_addresses() -> list[Address]:
    """Those of files that middleware answers stand in no resolver. Of two for the same the resolver takes the first."""
    found: dict[str, Address] = {}
    for template, places, view in _walk(get_resolver().url_patterns):
        found.setdefault(template, Address("/" + template, places, view))
    files = [Address("/static/%(file)s", (("file", "path"),)), Address("/%(file)s", (("file", "path"),))]
    return [*found.values(), *files]


def _walk(patterns: list[Any]) -> Iterator[tuple[str, Places, Any]]:
    for pattern in patterns:
        for template, places in _readings(pattern.pattern):
            if isinstance(pattern, URLPattern):
                yield template, _of_rows(places, pattern.callback), pattern.callback
            else:
                for below, more, view in _walk(pattern.url_patterns):
                    yield template + below, places + more, view


def _of_rows(places: Places, view: Any) -> Places:
    """The admin site takes anything for an id; whose it is in truth is known from what the view changes."""
    model = Address("", view=view).model
    if model is None:
        return places
    named = str(model._meta.model_name)
    return tuple((name, named if name in ("object_id", "id") else kind) for name, kind in places)


def _readings(pattern: RoutePattern | RegexPattern) -> list[tuple[str, Places]]:
    if isinstance(pattern, RoutePattern):
        template, places = str(pattern).replace("%", "%%"), []
        for name, converter in pattern.converters.items():
            kind = type(converter).__name__.removesuffix("Converter").lower()
            for written in (f"<{kind}:{name}>", f"<str:{name}>", f"<{name}>"):
                template = template.replace(written, f"%({name})s")
            places.append((name, kind))
        return [(template, tuple(places))]
    return [(template, tuple((name, "path") for name in names)) for template, names in normalize(str(pattern))]
