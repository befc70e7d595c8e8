"""The database backend: connections of the pool are looked at without asking the server.

CONN_HEALTH_CHECKS asks with a statement each time that one is taken, which is each time a thread has waited for
something else. That the server has gone shows on the socket too: it has closed it.
"""

from __future__ import annotations

import select
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection, OperationalError
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection[Any]:
        while True:
            connection: Connection[Any] = super().get_new_connection(conn_params)
            if self.pool is None or _is_alive(connection):
                return connection
            connection.close()
            self.pool.putconn(connection)  # which makes another one; while it can't, the next `getconn` says so


def _is_alive(connection: Connection[Any]) -> bool:
    """An idle connection has nothing to say: only of one that has, the server is asked."""
    look = select.poll()
    look.register(connection.fileno(), select.POLLIN)
    if not look.poll(0):
        return True
    try:
        ConnectionPool.check_connection(connection)
    except OperationalError:
        return False
    return True
