"""What destroys something or costs money is asked before, on a page in words; what was confirmed is done, and no more.

The page names in its form each row that is meant, and how that row was when the question was put: what has changed
since is left alone, what has come since was never meant.
"""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db.models import Field, Model, QuerySet
from django.forms import MediaDefiningClass
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_stubs_ext import StrPromise

from teams.gatekeeper import signed_in
from teams.models import User

# What one answer does is done while its person waits.
MOST = 1_000
_CONFIRMED = "confirmed"
_NAMED = 10

ModelT = TypeVar("ModelT", bound=Model)
SiteT = TypeVar("SiteT", bound="AskingAdmin[Any]")
Act = Callable[[SiteT, HttpRequest, Sequence[ModelT]], None]
Action = Callable[[SiteT, HttpRequest, QuerySet[ModelT]], HttpResponse | None]


@dataclass(frozen=True, slots=True)
class Question:
    """`said` are headings with their sentences, of which those without any are left out."""

    title: str
    said: Mapping[str, Sequence[str]]
    button: str = ""  # says what it does; empty where nothing can be done
    keep: str = ""  # says what the way back keeps
    destroys: bool = True
    action: str = ""  # another one than was asked for: the button does that instead


class _Abstract(ABCMeta, MediaDefiningClass):
    """Of Django's pages of rows that can't be registered before they say what deleting means."""


class AskingAdmin(admin.ModelAdmin[ModelT], metaclass=_Abstract):
    """Deletes nothing unasked."""

    def mark(self, row: ModelT) -> str:
        """How a row is, in one word: one that is otherwise when the answer comes is left alone."""
        return ""

    @abstractmethod
    def before_deleting(self, rows: Sequence[ModelT], user: User) -> Question:
        """What is asked before these are deleted."""

    @abstractmethod
    def delete_row(self, row: ModelT, user: User) -> bool:
        """False: it can't go."""

    def delete_rows(self, request: HttpRequest, rows: Sequence[ModelT]) -> None:
        """And says so, here and in the admin site's own log."""
        user, gone = signed_in(request), []
        for row in rows:
            pk = row.pk
            if self.delete_row(row, user):
                row.pk = pk  # which Django takes from what it has deleted
                gone.append(row)
        if gone:
            self.log_deletions(request, gone)  # type: ignore[arg-type]
            words = _("Deleted: %s.") % ", ".join(names_of(gone))
            self.message_user(request, words, messages.SUCCESS)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Mapping[str, object] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if not self.has_delete_permission(request, row):
            raise PermissionDenied
        if row is None:
            self.message_user(request, _("It doesn’t exist any more."), messages.WARNING)
            return self._to_the_list()
        rows = confirmed(self, request, self.get_queryset(request).filter(pk=row.pk))
        if rows is None:
            back = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])
            return ask(self, request, self.before_deleting([row], signed_in(request)), [row], answer={}, back=back)
        self.delete_rows(request, rows)
        return self._to_the_list()

    def _to_the_list(self) -> HttpResponse:
        return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))


def asked_first(
    question: Callable[[Sequence[ModelT], User], Question | None],
) -> Callable[[Act[SiteT, ModelT]], Action[SiteT, ModelT]]:
    """Makes an action of one that is given a list of rows. It is done at once where `question` has nothing to ask."""

    def decorate(act: Act[SiteT, ModelT]) -> Action[SiteT, ModelT]:
        @wraps(act)
        def action(site: SiteT, request: HttpRequest, queryset: QuerySet[ModelT]) -> HttpResponse | None:
            rows = confirmed(site, request, queryset)
            if rows is None:
                rows, more = _first_of(queryset)
                asked = question(rows, signed_in(request)) if rows else None
                if asked is not None:
                    answer = {"action": act.__name__, "select_across": "1"}
                    return ask(site, request, asked, rows, more=more, answer=answer, back=request.get_full_path())
                if more:
                    site.message_user(request, _only_the_first(), messages.WARNING)
            act(site, request, rows)
            return None

        return action

    return decorate


def _first_of(queryset: QuerySet[ModelT]) -> tuple[list[ModelT], bool]:
    """As many as are done at once, and whether there are more."""
    rows = list(queryset[: MOST + 1])
    return rows[:MOST], len(rows) > MOST


def ask(
    site: AskingAdmin[ModelT],
    request: HttpRequest,
    question: Question,
    rows: Sequence[ModelT],
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


def confirmed(site: AskingAdmin[ModelT], request: HttpRequest, queryset: QuerySet[ModelT]) -> list[ModelT] | None:
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


def _read(key: Field[Any, Any], text: str) -> dict[object, str]:
    parts = text.split()
    if len(parts) > MOST:
        raise BadRequest("More was confirmed than is ever asked.")
    marks: dict[object, str] = {}
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


def counted(words: StrPromise, count: int) -> list[str]:
    """`words` (of ngettext_lazy) of so many; nothing of none."""
    return [words % count] if count else []


def title_of(rows: Sequence[Model], one: str, several: StrPromise) -> str:
    """`one` with its name where it is alone, else `several` (of ngettext_lazy) with how many there are."""
    return one % rows[0] if len(rows) == 1 else several % len(rows)


def names_of(rows: Sequence[Model]) -> list[str]:
    """Some by name, and how many more there are."""
    names = [str(row) for row in rows[:_NAMED]]
    more = len(rows) - len(names)
    return [*names, ngettext("and %d more", "and %d more", more) % more] if more else names


@admin.action(description=_("Delete"), permissions=["delete"])
def delete_selected(
    site: admin.ModelAdmin[ModelT], request: HttpRequest, queryset: QuerySet[ModelT]
) -> HttpResponse | None:
    """In the place of Django's own, which lists every row that goes along, by name."""
    assert isinstance(site, AskingAdmin)  # as all are that delete

    @asked_first(site.before_deleting)
    def delete_selected(site: AskingAdmin[ModelT], request: HttpRequest, rows: Sequence[ModelT]) -> None:
        site.delete_rows(request, rows)

    return delete_selected(site, request, queryset)
