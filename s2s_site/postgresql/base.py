"""The database backend: connections of the pool are looked at without asking the server.

CONN_HEALTH_CHECKS asks with a statement each time that one is taken, which is each time a thread has waited for
something else. That the server has gone shows on the socket too: it has closed it, or nobody answers the kernel's
keepalives any more (settings.py asks for them).
"""

from __future__ import annotations

import select
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection, Error
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection[Any]:
        while True:
            connection: Connection[Any] = super().get_new_connection(conn_params)
            alive = False
            try:
                alive = self.pool is None or _is_alive(connection)
            finally:
                if not alive and self.pool is not None:
                    connection.close()
                    self.pool.putconn(connection)  # which makes another one; while it can't, the next one waits
            if alive:
                return connection


def _is_alive(connection: Connection[Any]) -> bool:
    """An idle connection has nothing to say: only of one that has, the server is asked."""
    look = select.poll()
    try:
        look.register(connection.fileno(), select.POLLIN)
        if look.poll(0):
            ConnectionPool.check_connection(connection)
    except Error:
        return False
    return True
