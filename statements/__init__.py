"""Statements that run for every request or recording: Django writes their SQL once, later calls bring other values.

Building SQL takes Django up to ten times as long as running it takes the database, and much of it in each of a hundred
threads under one lock. What is built here is any queryset; in place of values that differ stands `Given`.
"""

from __future__ import annotations

import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import cached_property
from operator import attrgetter, methodcaller
from typing import Any, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Expression, Model, QuerySet
from django.db.models.query import get_related_populators
from django.db.models.sql import InsertQuery, UpdateQuery

M = TypeVar("M", bound=Model)
T = TypeVar("T")

_PLACES = re.compile(r"(?<!%)%s")
_WORD = re.compile(r"[a-z_]*")
_AS_THEY_ARE = frozenset({str, int, float, bool, bytes, type(None)})


class Given(Expression):
    """A value that comes when the statement runs. The same name may stand in several places."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, *_args: Any, **_kwargs: Any) -> tuple[str, Any]:
        return "%s", [self]


class _Kept(threading.local):
    """A thread's cursor of the driver, as long as it has the same connection and nothing goes wrong."""

    _connection: Any = None
    _cursor: Any = None

    def of(self, database: Any) -> Any:
        if self._connection is not database.connection:
            self._cursor = database.connection.cursor() if _is_sqlite() else database.create_cursor()
            self._connection = database.connection
        return self._cursor

    def forget(self) -> None:
        self._connection = self._cursor = None


_kept = _Kept()


class _Statement(ABC):
    @abstractmethod
    def _written(self) -> tuple[str, Sequence[Any]]:
        """The SQL, and the parameters in their order, of which some are `Given`."""

    @cached_property
    def _sql(self) -> tuple[str, str, Sequence[Any]]:
        """As Django writes it but for its constants, as the driver takes it, and the parameters."""
        sql, parameters = _with_constants(*self._written())
        # Django's SQLite cursor makes it of every statement each time that it runs.
        return sql, _PLACES.sub("?", sql).replace("%%", "%") if _is_sqlite() else sql, parameters

    def _run(self, given: dict[str, Any], result: Callable[[Any], T]) -> T:
        """What `result` takes from the cursor.

        It is the driver's own and kept: to make one, with Django's around it, takes longer than most statements do.
        Where statements are counted or shown (DEBUG, tests) it is Django's.
        """
        sql, of_driver, parameters = self._sql
        database = connections[DEFAULT_DB_ALIAS]
        values = {
            name: value if type(value) in _AS_THEY_ARE else _adapted(value, database) for name, value in given.items()
        }
        ordered = [values[p.name] if isinstance(p, Given) else p for p in parameters]
        if database.queries_logged or database.execute_wrappers:
            with database.cursor() as cursor:
                cursor.execute(sql, ordered)
                return result(cursor)
        if database.connection is None:
            database.ensure_connection()
        database.validate_no_broken_transaction()
        try:
            with database.wrap_database_errors:
                return result(_kept.of(database).execute(of_driver, ordered))
        except BaseException:
            _kept.forget()
            raise


def _with_constants(sql: str, parameters: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """What is the same each time stands in the SQL itself, and needn't be handed over.

    A partial index is taken where its condition is seen. SQLite looks for it among the values too, but then prepares
    the statement anew each time that it is given any (`expmask` in its vdbeInt.h): to find the steps that wait took
    25 µs, of which 2 to 4 are left. A plan of PostgreSQL for any value can't take it at all.
    """
    left = list[Any]()

    def written(parameter: Any) -> str:
        value = parameter.value if isinstance(parameter, Enum) else parameter
        if type(value) is int:
            return str(value)
        if type(value) is str and _WORD.fullmatch(value):
            return f"'{value}'"
        left.append(parameter)
        return "%s"

    given = iter(parameters)
    return _PLACES.sub(lambda _place: written(next(given)), sql), left


def _is_sqlite() -> bool:
    return connection.vendor == "sqlite"


class Sql(_Statement):
    """The rows of SQL that `text` makes for the database, whose places for values stand for `given` in their order."""

    def __init__(self, text: Callable[[], str], *given: str) -> None:
        self._text, self._given = text, given

    def rows(self, **given: Any) -> list[tuple[Any, ...]]:
        """As the driver brings them."""
        found: list[tuple[Any, ...]] = self._run(given, methodcaller("fetchall"))
        return found

    def _written(self) -> tuple[str, Sequence[Any]]:
        return self._text(), [Given(name) for name in self._given]


class Select(_Statement):
    """The rows of a queryset that gives tuples, or the instances of one with `only` and `select_related`."""

    def __init__(self, build: Callable[[], QuerySet[Any, Any]]) -> None:
        self._build = build

    def rows(self, **given: Any) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self._run(given, methodcaller("fetchall"))
        if not self._converters:
            return rows
        database = connections[DEFAULT_DB_ALIAS]
        return [self._converted(list(row), database) for row in rows]

    def first(self, model: type[M], **given: Any) -> M | None:
        """The first row as an instance of `model`; what wasn't selected is fetched when it is asked for."""
        rows = self.rows(**given)
        if not rows:
            return None
        found = model.from_db(DEFAULT_DB_ALIAS, self._names, rows[0][self._own])
        for related in self._related:
            related.populate(rows[0], found)
        for name, index in self._annotations:
            setattr(found, name, rows[0][index])
        return found

    def _written(self) -> tuple[str, Sequence[Any]]:
        compiler = self._build().query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        columns = [column[0] for column in compiler.select]
        self._converters = compiler.get_converters(columns)
        if compiler.klass_info:  # as django.db.models.query.ModelIterable does
            own = compiler.klass_info["select_fields"]
            self._own = slice(own[0], own[-1] + 1)
            # Sets: `from_db` asks of each of a model's fields whether it is among them.
            self._names = frozenset(column.target.attname for column in columns[self._own])
            populators: Any = get_related_populators  # its stub is of the next Django
            self._related = populators(compiler.klass_info, compiler.select, connection.alias)
            for related in self._related:
                related.init_list = frozenset(related.init_list)
            self._annotations = list(compiler.annotation_col_map.items())
        return sql, parameters

    def _converted(self, row: list[Any], database: Any) -> tuple[Any, ...]:
        for index, (converters, expression) in self._converters.items():
            for convert in converters:
                row[index] = convert(row[index], expression, database)
        return tuple(row)


class Update(_Statement):
    """`queryset.update(**values)`."""

    def __init__(self, build: Callable[[], QuerySet[Any]], **values: Any) -> None:
        self._build, self._values = build, values

    def __call__(self, **given: Any) -> int:
        """How many rows it has changed."""
        count: int = self._run(given, attrgetter("rowcount"))
        return count

    def _written(self) -> tuple[str, Sequence[Any]]:
        query: Any = self._build().query.chain(UpdateQuery)
        query.add_update_values(self._values)
        written: tuple[str, Sequence[Any]] = query.get_compiler(connection=connection).as_sql()
        return written


class Insert:
    """Rows of `model` with these columns given; the others have their defaults, which must be the same each time."""

    def __init__(self, model: type[Model], *given: str) -> None:
        self._model, self._given = model, given
        self._statements: dict[int, _Rows] = {}  # by the number of rows

    def __call__(self, **given: Any) -> None:
        self.all([given])

    def all(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Several rows in one statement, in their order."""
        count = len(rows)
        if count == 0:
            return
        if count not in self._statements:
            self._statements[count] = _Rows(self._model, self._given, count)
        self._statements[count](rows)


class _Rows(_Statement):
    def __init__(self, model: type[Model], given: Sequence[str], count: int) -> None:
        self._model, self._given, self._count = model, given, count

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        given = {f"{name}{number}": value for number, row in enumerate(rows) for name, value in row.items()}
        self._run(given, attrgetter("rowcount"))

    def _written(self) -> tuple[str, Sequence[Any]]:
        meta = self._model._meta
        rows = [
            self._model(**{name: Given(f"{name}{number}") for name in self._given}) for number in range(self._count)
        ]
        query = InsertQuery(self._model)
        query.insert_values([field for field in meta.local_concrete_fields if field is not meta.auto_field], rows)
        ((sql, parameters),) = query.get_compiler(connection=connection).as_sql()
        return sql, parameters


def _adapted(value: Any, database: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case UUID():
            return value if database.features.has_native_uuid_field else value.hex
        case datetime():
            return database.ops.adapt_datetimefield_value(value)
        case dict() | list():
            return database.ops.adapt_json_value(value, None)
        case _:
            return value
