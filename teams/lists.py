"""Lists of the admin site that every address and every form opens."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest, ValidationError
from django.db import DatabaseError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse


class _List(ChangeList):
    """A filter that no row can answer is said to be wrong, as Django does with those that it finds itself.

    Some show only when the database is asked: a number beyond its columns, half a regular expression.
    """

    def get_results(self, request: HttpRequest) -> None:
        try:
            super().get_results(request)
            len(self.result_list)  # asks the database: here something can be done about what it says
        except (DatabaseError, OverflowError, TypeError, ValueError) as error:
            if not self.get_filters_params():
                raise
            raise IncorrectLookupParameters(error) from error


class Lists(admin.ModelAdmin[Any]):
    """What every list of ours is, whatever it lists."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return _List

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *place: Any) -> HttpResponse | None:
        """Raises BadRequest for rows that can't be any."""
        for chosen in request.POST.getlist(ACTION_CHECKBOX_NAME):
            try:
                self.opts.pk.clean(chosen, None)
            except ValidationError as error:
                raise BadRequest("Rows were chosen that can't be any.") from error
        return super().response_action(request, queryset, *place)
