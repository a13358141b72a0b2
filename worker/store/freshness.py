"""
Connections that are no longer of use: found before they are used, or dropped at their first error.
"""

import select
import time

import psycopg
import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from worker.store.faults import READ_ONLY

#: A connection that rested longer is tested before use. Under load none rests so long, and a test
#: costs a round trip; a database that was restarted, or moved, needs about as long to come back.
REST_S = 3.0

#: After these a new connection may reach a server that works: this one is a standby or read-only,
#: ended the session, or is starting or stopping.
_ELSEWHERE = {READ_ONLY, "25P03", "57P01", "57P02", "57P03", "57P05"}

_RESTING_SINCE = "payouts_resting_since"


def keep_fresh(engine: sa.Engine) -> None:
    """
    Test connections of a PostgreSQL engine after a rest, and forget all of them at a failover.
    """
    event.listen(engine, "checkin", _rest)
    event.listen(engine, "checkout", _test_after_rest)
    event.listen(engine, "handle_error", _forget_all_at_failover)


def _rest(connection: psycopg.Connection | None, entry: ConnectionPoolEntry) -> None:
    if connection is None:  # it was dropped
        return
    entry.info[_RESTING_SINCE] = time.monotonic()
    if connection.read_only is not None and not connection.closed:
        # After a snapshot SQLAlchemy leaves READ WRITE, which each transaction would then demand:
        # against an administrator's default, and in words of its own on a standby.
        connection.read_only = None


def _test_after_rest(
    connection: psycopg.Connection, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
) -> None:
    since = entry.info.pop(_RESTING_SINCE, None)
    if since is None or (time.monotonic() - since < REST_S and not _has_news(connection)):
        return
    try:
        connection.autocommit = True
        connection.execute("")
        connection.autocommit = False
    except psycopg.Error as error:
        # The pool then makes a new connection, and tests its other ones by connecting anew too.
        raise exc.InvalidatePoolError("the connection ended while it rested") from error


def _has_news(connection: psycopg.Connection) -> bool:
    """
    Whether the server said something unasked, as it does before it ends a session.
    """
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _forget_all_at_failover(context: sa.engine.ExceptionContext) -> None:
    error = context.original_exception
    if not isinstance(error, psycopg.Error) or error.sqlstate not in _ELSEWHERE:
        return
    connection = context.connection
    only_reads = connection and connection.get_execution_options().get("postgresql_readonly")
    if error.sqlstate == READ_ONLY and only_reads:
        return  # a write where nothing may be written: a fault of ours, and not the server's
    context.is_disconnect = True
