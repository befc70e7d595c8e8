"""What a test has committed is taken out again.

Django's own way (`flush`) truncates every table and makes all content types and permissions again. That cost more than
most tests do: PostgreSQL gives each table and each of its indexes a new file.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction

_MADE_BY_MIGRATE = (ContentType._meta.db_table, Permission._meta.db_table)


class Emptying:
    """In place of the end of a `TransactionTestCase`. Made when the migrations have run."""

    def __init__(self) -> None:
        names = connection.introspection.django_table_names(only_existing=True, include_views=False)
        self._tables = [connection.ops.quote_name(name) for name in sorted(set(names) - set(_MADE_BY_MIGRATE))]
        self._made = _made_by_migrate()

    def __call__(self) -> None:
        deletions = [f"DELETE FROM {table}" for table in self._tables]  # noqa: S608 - our names
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                # As TRUNCATE does, it waits for whoever still writes. One round trip, which is most of the cost.
                cursor.execute("; ".join([f"LOCK TABLE {', '.join(self._tables)}", *deletions]))
            else:
                for deletion in deletions:
                    cursor.execute(deletion)
        assert _made_by_migrate() == self._made, "no test changes what all of them share"


def _made_by_migrate() -> list[list[tuple[Any, ...]]]:
    found = []
    with connection.cursor() as cursor:
        for table in _MADE_BY_MIGRATE:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)} ORDER BY id")  # noqa: S608 - our names
            found.append(list(cursor.fetchall()))
    return found
