"""What the product stands on takes nothing for a while: the disk or the database is full, or Redis refuses to write.

Nobody's recording is to blame for that. Which errors say so, and how it is said: when it begins and when it is over.
"""

from __future__ import annotations

import errno
import logging
import sqlite3
import threading

from django.db import DatabaseError, InterfaceError, OperationalError

# What a file's operation says of the disk or its server, not of the program.
PLACES_ERRORS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG, errno.ESTALE, errno.ENOTCONN, errno.EHOSTUNREACH}
)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
# https://www.sqlite.org/rescode.html, the primary codes.
_SQLITE = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    }
)
# PostgreSQL, "Error Codes": connections, resources (53100: disk full), an operator, the system; read-only.
_SQLSTATES = ("08", "53", "57P", "58", "25006")


def is_full(error: BaseException | None) -> bool:
    """Whether a disk or a quota is used up."""
    return isinstance(error, OSError) and error.errno in _FULL


def is_of_database(error: BaseException) -> bool:
    """Whether the database is away or takes nothing, as distinct from what it has against a statement."""
    if not isinstance(error, DatabaseError | InterfaceError):
        return False
    cause = error.__cause__
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _SQLITE
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_SQLSTATES)
    return isinstance(error, OperationalError | InterfaceError)


class Spell:
    """Of trouble: said once when it is met first, and once when it is over. For many threads."""

    def __init__(self, logger: logging.Logger, begins: str, ends: str) -> None:
        self._logger, self._begins, self._ends = logger, begins, ends
        self._lock = threading.Lock()
        self._on = False

    def met(self, error: object) -> None:
        if self._turn(to=True):
            self._logger.warning("%s: %s", self._begins, " ".join(str(error).split()))

    def over(self) -> None:
        if self._on and self._turn(to=False):
            self._logger.warning("%s", self._ends)

    def _turn(self, *, to: bool) -> bool:
        with self._lock:
            turned, self._on = self._on != to, to
        return turned
