"""The database backend: a moment is written as SQLite's own clock writes it.

SQLite compares moments as text. Django writes those of Python as '12:30:05.250000', or '12:30:05' when nothing is left
over, and its Now() is '12:30:05.250': the same moment would be neither equal to itself nor in order.
"""

from __future__ import annotations

from datetime import datetime

from django.db.backends.sqlite3 import base, operations
from django.utils import timezone


class DatabaseOperations(operations.DatabaseOperations):
    def adapt_datetimefield_value(self, value: datetime | None) -> str | None:
        """To the millisecond, which is what strftime's %f gives (https://sqlite.org/lang_datefunc.html)."""
        if value is None:
            return None
        if timezone.is_aware(value):
            value = timezone.make_naive(value, self.connection.timezone)
        return value.isoformat(sep=" ", timespec="milliseconds")


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
