"""Requests drawn by Hypothesis: sensible ones, in which one thing or two are not."""

from __future__ import annotations

from functools import cache, cached_property
from itertools import combinations
from operator import add
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Field, Model
from hypothesis import strategies as st

from tests.conversions.url_map import values
from tests.conversions.url_map.addresses import Address
from tests.conversions.url_map.asking import Asked
from tests.conversions.url_map.requests import File, Request, Row, Value
from tests.support.sound import wav

# What may be odd about a request. Seldom two things at a time: what is refused for one hides the other.
PARTS = ["places", "query", "cookies", "headers", "form", "kind", "files"]
ODD_PARTS: list[tuple[str, ...]] = [
    *[()] * 6,
    *[(part,) for part in PARTS] * 3,
    *[("query",), ("form",)] * 3,
    *combinations(PARTS, 2),
]
OF_PAGES = ["alice", "alice", "alice", "alice", "bob", "victor", "nina", "root", "staff", None]
OF_ADMIN = ["root", "root", "root", "root", "root", "staff", "staff", "alice", None]
OF_STRANGERS = [None, None, "alice"]
ODD_METHODS = ["HEAD", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "QUERY", "get", "MAKE-IT"]
LOOKUPS = ["isnull", "pk", "0", "x", "exact__exact", "year__gt"]
AUDIO = wav(0.1)
_IS_SQLITE = connection.vendor == "sqlite"


class Drawing:
    """What can be drawn for one address; each strategy is made once."""

    def __init__(self, address: Address, asked: Asked) -> None:
        self._address = address
        self._asked = asked
        people = OF_ADMIN if address.template.startswith("/admin/") else OF_PAGES
        people = OF_STRANGERS if address.template.startswith("/accounts/") else people
        self._named = values.NAMED | ({"action": [*address.actions]} if address.is_list else {})
        if address.model is not None:
            self._named["_selected_action"] = usual_values("", str(address.model._meta.model_name))
        self._people = st.sampled_from(people)
        self._methods = st.sampled_from([*asked.methods * 15, *ODD_METHODS, "GET", "POST"])
        self._queries = {odd: self._query(odd) for odd in (False, True)}
        self._forms = {odd: self._form(odd) for odd in (False, True)}
        self._places = {odd: st.tuples(*(_place(*place, odd) for place in address.places)) for odd in (False, True)}

    @property
    def share(self) -> int:
        """How many requests, in tenths of Hypothesis's number. Of files the other database knows only the names."""
        if self._address.is_list:
            return 15 if _IS_SQLITE else 14
        if self._asked.files:
            return 15 if _IS_SQLITE else 5
        return 3 if _IS_SQLITE else 2

    @cached_property
    def requests(self) -> st.SearchStrategy[Request]:
        more = [("query",), ("query",), ("form",)] * 40 if self._address.is_list else []
        more += [("files",)] * (60 if _IS_SQLITE else 20) if self._asked.files else []
        odd_parts = [*ODD_PARTS, *more]
        return st.sampled_from(odd_parts).flatmap(cache(self._requests))  # to make a strategy costs as much as to draw

    def _requests(self, odd: tuple[str, ...]) -> st.SearchStrategy[Request]:
        kinds = ["multipart/form-data; boundary=b", *([] if "files" in odd else ["application/x-www-form-urlencoded"])]
        has_body = {"form", "kind", "files"} & set(odd)
        return st.builds(
            Request,
            st.just(self._address),
            who=self._people,
            method=_WITH_BODY if has_body else self._methods,
            places=self._places["places" in odd],
            query=self._queries["query" in odd],
            cookies=_COOKIES if "cookies" in odd else st.just(""),
            headers=_HEADERS if "headers" in odd else st.just(()),
            fills_in=st.booleans(),
            form=self._forms["form" in odd],
            files=_FILES["files" in odd],
            kind=st.sampled_from(values.KINDS if "kind" in odd else kinds),
            cut=st.none() | st.integers(1, 90) if "kind" in odd else st.none(),
            behind_proxy=st.booleans() if "headers" in odd else st.just(False),
        )

    def _query(self, is_odd: bool) -> st.SearchStrategy[Any]:
        names = sorted(self._asked.in_queries)
        some = self._pairs(st.sampled_from(names or ["q"]), is_odd)
        usual = self._usual(names)
        if not is_odd:
            return st.one_of(st.just(()), some, st.builds(add, usual, some))
        whole = [some, some, st.builds(add, usual, some), st.sampled_from(values.BROKEN_QUERIES)]
        if self._address.is_list:
            whole += [self._filters()] * 6
        return st.one_of(*whole)

    def _filters(self) -> st.SearchStrategy[Any]:
        """One at a time: one that is refused hides the others."""
        assert self._address.model is not None
        names = _names_by_lookup(self._address.model)

        @cache
        def filter_by(lookup: str) -> st.SearchStrategy[Any]:
            value = st.one_of(st.sampled_from(values.BY_LOOKUP.get(lookup, values.MISLEADING)), values.HOSTILE)
            return st.tuples(st.tuples(st.sampled_from(names[lookup]), value))

        return st.sampled_from(sorted(names)).flatmap(filter_by)

    def _usual(self, names: list[str]) -> st.SearchStrategy[Any]:
        """Of all that are known by their names, so that what needs several of them comes to more than a refusal."""
        return st.tuples(
            *(st.tuples(st.just(name), st.sampled_from(self._named[name])) for name in names if name in self._named)
        )

    def _form(self, is_odd: bool) -> st.SearchStrategy[Any]:
        names = sorted(self._asked.in_forms - {"csrfmiddlewaretoken"}) or ["name"]
        known = [name for name in names if name in self._named]
        some = self._pairs(st.sampled_from([*names * 9, *known * 9, *values.ODD[:13]] if is_odd else names), is_odd)
        return st.one_of(some, st.builds(add, self._usual(names), some))

    def _pairs(self, names: st.SearchStrategy[Any], is_odd: bool) -> st.SearchStrategy[Any]:
        words = [*values.WORDS, *sorted(self._asked.words), *values.EVERY_ID]
        if is_odd:
            anything = st.one_of(values.HOSTILE, values.HOSTILE, st.sampled_from(words))
            return st.lists(st.tuples(names, anything), min_size=1, max_size=3).map(tuple)

        @cache
        def usual(name: str) -> st.SearchStrategy[Any]:
            return st.tuples(st.just(name), st.sampled_from(self._named.get(name) or words))

        return st.lists(names.flatmap(usual), max_size=2).map(tuple)


def _place(name: str, kind: str, is_odd: bool) -> st.SearchStrategy[Value]:
    if is_odd:
        return st.one_of(values.HOSTILE, values.HOSTILE, st.sampled_from(values.EVERY_ID))
    return st.sampled_from(usual_values(name, kind))


def usual_values(name: str, kind: str) -> list[Value]:
    """Of a place in an address."""
    rows = values.IDS.get(name.removesuffix("_id")) or values.IDS.get(kind)
    return [Row(row) for row in rows] if rows else values.NAMED.get(name) or list(values.EVERY_ID)


def _names_by_lookup(model: type[Model]) -> dict[str, list[str]]:
    """What a list of the admin site may be filtered by, and what nobody thinks of: all lookups of all columns."""
    found: dict[str, list[str]] = {"": ["pk", "x"], "in": ["pk__in"], "gt": ["pk__gt"]}
    for column in model._meta.get_fields():
        name = column.name
        found[""] += [name, f"{name}__pk"]
        for lookup in [*column.get_lookups(), *LOOKUPS] if isinstance(column, Field) else []:
            found.setdefault(lookup, []).append(f"{name}__{lookup}")
        if column.related_model and not isinstance(column.related_model, str):
            found[""] += [f"{name}__{further.name}" for further in column.related_model._meta.fields]
    return found


def _some_headers() -> st.SearchStrategy[Any]:
    one = st.sampled_from([(name, value) for name, several in values.HEADERS.items() for value in several])
    return st.lists(one, min_size=1, max_size=3, unique_by=lambda pair: pair[0]).map(tuple)


def _some_cookies() -> st.SearchStrategy[str]:
    """The text of a Cookie header, in which `\\000` within quotes is a NUL."""
    names = [settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, "messages", settings.LANGUAGE_COOKIE_NAME, "x"]
    pairs = [f"{name}={value}" for name in names for value in values.COOKIES]
    return st.lists(st.sampled_from([*pairs, *values.BROKEN_COOKIES]), min_size=1, max_size=2).map("; ".join)


def _some_files(is_odd: bool) -> st.SearchStrategy[Any]:
    field = st.sampled_from(["audio", "audio", "file", "", "\0"] if is_odd else ["audio"])
    name = st.sampled_from(values.FILENAMES if is_odd else ['="a.wav"'])
    content = st.sampled_from([AUDIO, b"", b"RIFF", AUDIO[:60], b"\0" * 100] if is_odd else [AUDIO])
    return st.lists(st.builds(File, field, name, content), min_size=is_odd, max_size=2).map(tuple)


_WITH_BODY = st.sampled_from([*["POST"] * 9, "PUT"])
_HEADERS = _some_headers()
_COOKIES = _some_cookies()
_FILES = {is_odd: _some_files(is_odd) for is_odd in (False, True)}
