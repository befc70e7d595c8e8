"""What destroys something or costs money is asked before, on a page in words; what was confirmed is done, and no more.

The page names in its form each row that is meant, and how that row was when the question was put: what has changed
since is left alone, what has come since was never meant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import BadRequest, ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

# What one answer does is done while its person waits.
MOST = 1_000
_CONFIRMED = "confirmed"
_NAMED = 10

Rows = Sequence[Any]
Action = Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponse | None]
Asks = Callable[[Rows, Any], "Question | None"]  # of the rows, and of who is asked


@dataclass(frozen=True, slots=True)
class Question:
    """`said` are headings with their sentences, of which those without any are left out."""

    title: str
    said: Mapping[str, Sequence[str]]
    button: str = ""  # says what it does; empty where nothing can be done
    keep: str = ""  # says what the way back keeps
    destroys: bool = True
    action: str = ""  # another one than was asked for: the button does that instead


def asked_first(question: Asks) -> Callable[[Callable[..., None]], Action]:
    """Makes an action of one that is given a list of rows. It is done at once where `question` has nothing to ask."""

    def decorate(act: Callable[..., None]) -> Action:
        @wraps(act)
        def action(site: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
            rows = confirmed(site, request, queryset)
            if rows is None:
                rows, more = _first_of(queryset)
                asked = question(rows, request.user) if rows else None
                if asked is not None:
                    answer = {"action": act.__name__, "select_across": "1"}
                    return ask(site, request, asked, rows, more=more, answer=answer, back=request.get_full_path())
                if more:
                    site.message_user(request, _only_the_first(), messages.WARNING)
            act(site, request, rows)
            return None

        return action

    return decorate


def _first_of(queryset: QuerySet[Any]) -> tuple[list[Any], bool]:
    """As many as are done at once, and whether there are more."""
    rows = list(queryset[: MOST + 1])
    return rows[:MOST], len(rows) > MOST


def ask(
    site: Any,
    request: HttpRequest,
    question: Question,
    rows: Rows,
    *,
    answer: Mapping[str, str],
    back: str,
    more: bool = False,
) -> HttpResponse:
    """The page; `answer` is what its form sends beside the rows, `back` the address that the way back leads to."""
    values = {
        **answer,
        **({"action": question.action} if question.action else {}),
        # The list takes an answer for an action by this; which rows are meant is said by the next.
        ACTION_CHECKBOX_NAME: str(rows[0].pk) if rows else "",
        _CONFIRMED: " ".join(f"{row.pk}={site.mark(row)}" for row in rows),
    }
    context = {
        **site.admin_site.each_context(request),
        "opts": site.opts,
        "title": question.title,
        "question": question,
        "more": _only_the_first() if more else "",
        "answer": values,
        "back": back,
    }
    return TemplateResponse(request, "admin/question.html", context)


def confirmed(site: Any, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any] | None:
    """Those of `queryset` that were confirmed and are as they were then; the others are told. None: not asked yet.

    Raises BadRequest for what our page doesn't send.
    """
    if _CONFIRMED not in request.POST:
        return None
    marks = _read(site.opts.pk, str(request.POST[_CONFIRMED]))
    rows = [row for row in queryset.filter(pk__in=marks) if marks[row.pk] == site.mark(row)]
    left = len(marks) - len(rows)
    if left:
        words = ngettext(
            "%d has changed since you were asked, or is gone, and was left alone.",
            "%d have changed since you were asked, or are gone, and were left alone.",
            left,
        )
        site.message_user(request, words % left, messages.WARNING)
    return rows


def _read(key: Any, text: str) -> dict[Any, str]:
    parts = text.split()
    if len(parts) > MOST:
        raise BadRequest("More was confirmed than is ever asked.")
    marks = {}
    for part in parts:
        pk, _equals, mark = part.partition("=")
        try:
            marks[key.clean(pk, None)] = mark
        except ValidationError as error:
            raise BadRequest("What was confirmed can't be a row.") from error
    return marks


def _only_the_first() -> str:
    most = number_format(MOST, 0, force_grouping=True)
    return _("There are more than %(most)s. The first %(most)s of the list are meant; come back for the others.") % {
        "most": most
    }


def counted(words: Any, count: int) -> list[str]:
    """`words` (of ngettext_lazy) of so many; nothing of none."""
    return [words % count] if count else []


def names_of(rows: Sequence[Model]) -> list[str]:
    """Some by name, and how many more there are."""
    names = [str(row) for row in rows[:_NAMED]]
    more = len(rows) - len(names)
    return [*names, ngettext("and %d more", "and %d more", more) % more] if more else names


@admin.action(description=_("Delete"), permissions=["delete"])
def delete_selected(site: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
    """In the place of Django's own, which lists every row that goes along, by name."""

    @asked_first(site.before_deleting)
    def delete_selected(site: Any, request: HttpRequest, rows: Rows) -> None:
        site.delete_rows(request, rows)

    return delete_selected(site, request, queryset)
