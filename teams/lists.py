"""Lists of the admin site, and the pages of their rows, that every address and every form opens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList, ChangeListSearchForm
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import BadRequest, ValidationError
from django.db import DatabaseError
from django.db.models import Field, QuerySet
from django.forms import CharField
from django.http import HttpRequest, HttpResponse

from teams.asking import AskingAdmin, ModelT, delete_selected

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

    def optgroups(
        self, name: str, value: Sequence[str], attr: dict[str, Any] | None = None
    ) -> list[tuple[str | None, list[dict[str, Any]], int | None]]:
        key = self.field.target_field
        return super().optgroups(name, [chosen for chosen in value if _can_be(key, chosen)], attr)


class Lists(AskingAdmin[ModelT]):
    """What every list of ours is, whatever it lists."""

    list_max_show_all = 150  # each row can be ticked, and a form has 200 fields at most

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return _List

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ModelT], search_term: str
    ) -> tuple[QuerySet[ModelT], bool]:
        """Nothing has a longer name; where a member is chosen, no list has looked at the words before."""
        if len(search_term) > LONGEST_SEARCH:
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> ModelT | None:
        return super().get_object(request, object_id, from_field or None)  # `_to_field=` names none

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        """Django's own breaks on the far side of a relation, which no other object's form ever names."""
        try:
            return super().to_field_allowed(request, to_field)
        except AttributeError:
            return False

    def response_action(self, request: HttpRequest, queryset: QuerySet[ModelT], *place: Any) -> HttpResponse | None:
        """Raises BadRequest for rows that can't be any."""
        if not all(_can_be(self.opts.pk, chosen) for chosen in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            raise BadRequest("Rows were chosen that can't be any.")
        return super().response_action(request, queryset, *place)
