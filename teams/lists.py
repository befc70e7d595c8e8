"""Lists of the admin site, and the pages of their rows, that every address and every form opens, and that delete
nothing unasked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList, ChangeListSearchForm
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db import DatabaseError
from django.db.models import Field, QuerySet
from django.forms import CharField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from teams.asking import Question, Rows, ask, confirmed, delete_selected, names_of

admin.site.add_action(delete_selected, "delete_selected")  # in the place of Django's


LONGEST_SEARCH = 200  # of 60,000 characters, or of 1,000 words, SQLite says that it is too complex


class _Search(ChangeListSearchForm):
    """A longer one is said to be, and the whole list is shown."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[SEARCH_VAR] = CharField(required=False, strip=False, max_length=LONGEST_SEARCH)


class _List(ChangeList):
    """A filter that no row can answer is said to be wrong, as Django does with those that it finds itself.

    Some show only when the database is asked: a number beyond its columns, half a regular expression.
    """

    search_form_class = _Search

    def get_results(self, request: HttpRequest) -> None:
        try:
            super().get_results(request)
            len(self.result_list)  # asks the database: here something can be done about what it says
        except (DatabaseError, OverflowError, TypeError, ValueError) as error:
            if not self.get_filters_params():
                raise
            raise IncorrectLookupParameters(error) from error


def _can_be(key: Field[Any, Any], text: str) -> bool:
    try:
        key.clean(text, None)
    except ValidationError:
        return False
    return True


class Found(AutocompleteSelect):
    """A choice that was searched for. What can't be one isn't looked up to be shown beside its error."""

    def optgroups(self, name: str, value: Sequence[str], attr: dict[str, Any] | None = None) -> Any:
        key: Any = self.field.target_field
        return super().optgroups(name, [chosen for chosen in value if _can_be(key, chosen)], attr)


class Lists(admin.ModelAdmin[Any]):
    """What every list of ours is, whatever it lists."""

    list_max_show_all = 150  # each row can be ticked, and a form has 200 fields at most

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return _List

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Nothing has a longer name; where a member is chosen, no list has looked at the words before."""
        if len(search_term) > LONGEST_SEARCH:
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        return super().get_object(request, object_id, from_field or None)  # `_to_field=` names none

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        """Django's own breaks on the far side of a relation, which no other object's form ever names."""
        try:
            return super().to_field_allowed(request, to_field)
        except AttributeError:
            return False

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *place: Any) -> HttpResponse | None:
        """Raises BadRequest for rows that can't be any."""
        if not all(_can_be(self.opts.pk, chosen) for chosen in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            raise BadRequest("Rows were chosen that can't be any.")
        return super().response_action(request, queryset, *place)

    # ---- deleting: see teams/asking.py ----

    def mark(self, row: Any) -> str:
        """How a row is, in one word: one that is otherwise when the answer comes is left alone."""
        return ""

    def before_deleting(self, rows: Rows, user: Any) -> Question:
        """What is asked before these are deleted."""
        raise NotImplementedError

    def delete_row(self, row: Any, user: Any) -> bool:
        """False: it can't go."""
        raise NotImplementedError

    def delete_rows(self, request: HttpRequest, rows: Rows) -> None:
        """And says so, here and in the admin site's own log."""
        gone = []
        for row in rows:
            pk = row.pk
            if self.delete_row(row, request.user):
                row.pk = pk  # which Django takes from what it has deleted
                gone.append(row)
        if gone:
            self.log_deletions(request, gone)  # type: ignore[arg-type]
            words = _("Deleted: %s.") % ", ".join(names_of(gone))
            self.message_user(request, words, messages.SUCCESS)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if not self.has_delete_permission(request, row):
            raise PermissionDenied
        if row is None:
            self.message_user(request, _("It doesn’t exist any more."), messages.WARNING)
            return self._to_the_list()
        rows = confirmed(self, request, self.get_queryset(request).filter(pk=row.pk))
        if rows is None:
            back = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])
            return ask(self, request, self.before_deleting([row], request.user), [row], answer={}, back=back)
        self.delete_rows(request, rows)
        return self._to_the_list()

    def _to_the_list(self) -> HttpResponse:
        return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))
