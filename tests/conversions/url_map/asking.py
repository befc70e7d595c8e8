"""Asks the site as the server does, through the door, and listens to what it looks for in queries and forms."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.signals import got_request_exception
from django.http import QueryDict
from django.test import override_settings
from django.urls import ResolverMatch
from django.utils.functional import cached_property

from s2s_site.door import Handler
from s2s_site.door import Request as AtTheDoor
from tests.conversions.url_map.addresses import Address
from tests.conversions.url_map.forms import Forms
from tests.conversions.url_map.requests import Request
from tests.conversions.url_map.site import Site

_BEHIND_A_PROXY = {
    "USE_X_FORWARDED_HOST": True,
    "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
    "ALLAUTH_TRUSTED_PROXY_COUNT": 1,
}
# Words that are the same in every run: no ids and no numbers of rows.
_LASTING = re.compile(r"(?!\d+$)(?![0-9a-f-]{32,36}$)[\w.:-]{1,40}")


@dataclass
class Asked:
    """The names that an address looks for, words that its forms offer, and the methods that it takes."""

    in_queries: set[str] = field(default_factory=set)
    in_forms: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    methods: list[str] = field(default_factory=list)
    files: bool = False


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    def forms(self) -> Forms:
        is_page = self.headers.get("Content-Type", "").startswith("text/html")
        return Forms(self.content.decode() if is_page else "")


class _Overheard(QueryDict):
    """Tells which names were asked for."""

    hear: Callable[[str], object] = staticmethod(len)  # of copies: nobody hears

    @classmethod
    def of(cls, given: QueryDict, hear: Callable[[str], object]) -> _Overheard:
        overheard = cls(mutable=True)
        for name, several in given.lists():
            overheard.setlist(name, several)
        overheard.hear = hear
        overheard._mutable = False
        return overheard

    def __getitem__(self, name: Any) -> Any:
        self.hear(name)
        return super().__getitem__(name)

    def __contains__(self, name: Any) -> bool:
        self.hear(name)
        return super().__contains__(name)

    def getlist(self, name: Any, default: Any = None) -> Any:
        self.hear(name)
        return super().getlist(name, default)


class _Handler(Handler):
    """The product's own, which remembers the views that it came to."""

    def __init__(self) -> None:
        super().__init__()
        self.reached: set[Any] = set()
        self.asked: Asked | None = None
        self.request_class = self._listening()

    def _listening(self) -> type[AtTheDoor]:
        handler = self

        class Listening(AtTheDoor):
            @cached_property
            def GET(self) -> QueryDict:  # type: ignore[override]
                given = super().GET
                return _Overheard.of(given, handler.asked.in_queries.add) if handler.asked else given

            def _load_post_and_files(self) -> None:
                super()._load_post_and_files()
                if handler.asked:
                    self._post = _Overheard.of(self._post, handler.asked.in_forms.add)

        return Listening

    def resolve_request(self, request: Any) -> ResolverMatch:
        match = super().resolve_request(request)
        self.reached.add(match.func)
        return match


class Client:
    """Raises what no page of ours foresaw, instead of showing the page that people would see."""

    def __init__(self, site: Site) -> None:
        self._handler = _Handler()
        self._site = site
        self._wire = site.wire
        self._filled_in: dict[Request, list[tuple[str, str]]] = {}

    @property
    def reached(self) -> set[Any]:
        return self._handler.reached

    def listen(self, request: Request) -> Asked:
        """What is looked for in it, sent by GET and by POST."""
        self._filled_in.clear()
        asked = self._handler.asked = Asked()
        try:
            answers = {method: self.ask(replace(request, method=method)) for method in ("GET", "POST")}
        finally:
            self._handler.asked = None
        forms = answers["GET"].forms()
        asked.in_forms |= forms.names
        asked.files = forms.take_files
        asked.words |= {word for word in forms.words if _LASTING.fullmatch(word)}
        asked.methods += [method for method, answer in answers.items() if answer.status != 405]
        return asked

    def ask(self, request: Request) -> Answer:
        fills_in = request.fills_in and request.method == "POST"
        environ = self._wire.environ(request, self._own_form(request) if fills_in else [])
        if not request.behind_proxy:
            return self._answer(environ)
        with override_settings(**_BEHIND_A_PROXY):
            return self._answer(environ)

    def _own_form(self, request: Request) -> list[tuple[str, str]]:
        """What the page's forms hold. It is the same again where the page has written nothing: the site is renewed."""
        page = Request(request.address, request.who, places=request.places, query=request.query)
        if page in self._filled_in:
            return self._filled_in[page]
        own = self._answer(self._wire.environ(page, [])).forms().fields
        if not self._site.changed:
            self._filled_in[page] = own
        return own

    def get(self, path: str, who: str | None) -> Answer:
        environ = self._wire.environ(Request(Address("/"), who), [])
        environ["PATH_INFO"], _mark, environ["QUERY_STRING"] = path.partition("?")
        return self._answer(environ)

    def _answer(self, environ: dict[str, Any]) -> Answer:
        raised: list[BaseException] = []
        begun: list[tuple[str, list[tuple[str, str]]]] = []

        def hear(**_given: Any) -> None:
            error = sys.exc_info()[1]
            assert error is not None
            raised.append(error)

        got_request_exception.connect(hear)
        try:
            response: Any = self._handler(environ, lambda status, headers, *_rest: begun.append((status, headers)))
            with closing(response):
                content = b"".join(response)
        finally:
            got_request_exception.disconnect(hear)
        if raised:
            raise raised[0]
        ((status, headers),) = begun
        for pair in headers:
            "".join(pair).encode("latin-1")  # as the server sends them
        return Answer(int(status.split()[0]), dict(headers), content)
