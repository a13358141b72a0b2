"""
Engines for SQLite and PostgreSQL, set up so that a commit is durable and a wait has an end.

A transaction takes SQLite's write lock when it begins, unless its engine came from `reading`.
"""

import os
import sqlite3
import time
import weakref
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import ConnectionPoolEntry, Pool

from worker.store import address
from worker.store.freshness import keep_fresh
from worker.store.session import Sessions

_SQLITE_BUSY_S = 30

#: Many threads share few connections: each is held for milliseconds, and a thread waits its turn.
#: None beyond these, since it would be made for one transaction and closed after it; and no more,
#: since each prepares its statements by itself.
_POOL: dict[str, Any] = {"pool_size": 4, "max_overflow": 0}

#: How a connection is made, unless the URL says otherwise.
_CONNECTING = {
    "connect_timeout": "10",
    # A host that is gone without a word is noticed within a minute, also amid a statement.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}

#: Which of several hosts is taken. It is not asked of a single one: libpq would believe what a
#: pooler once heard from a standby that has long been promoted.
_TARGET = "target_session_attrs"

_IS_POOLED = "payouts_is_pooled"

#: How a dialect is told that a transaction only reads, and reads one snapshot.
_READ_ONLY: dict[str, dict[str, Any]] = {
    "sqlite": {"sqlite_begin": "BEGIN DEFERRED"},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}

#: Pools that a fork left to this process, held so that their connections are never closed here.
_inherited: list[Pool] = []


def create_engine(url: str | sa.URL, application_name: str = "payouts") -> sa.Engine:
    """
    Make an engine that connects on first use, and afresh in every forked process.

    Its errors never quote parameters, and neither they nor its repr show the URL's password. Raises
    `ValueError` for a URL that cannot be one.
    """
    target = address.parse(url)
    if target.get_backend_name() == "sqlite":
        engine = _sqlite(target)
    else:
        engine = _postgresql(target, application_name)
    _forget_connections_after_fork(engine)
    return engine


def read_only(engine: sa.Engine) -> sa.Engine:
    """
    The same engine for transactions that only read, each of them one snapshot.
    """
    return engine.execution_options(**_READ_ONLY[engine.dialect.name])


def is_pooled(conn: sa.Connection) -> bool:
    """
    Whether a pooler is in between, so that a session is not ours to keep.
    """
    return bool(conn.connection.info.get(_IS_POOLED))


def _sqlite(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(
        url, hide_parameters=True, connect_args={"timeout": _SQLITE_BUSY_S}, **_POOL
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    # The driver would begin transactions by itself, too late and never for reads: `_begin_sqlite`
    # does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    _switch_to_wal(cursor)
    # In WAL mode anything less than FULL may lose committed payouts when the power fails.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _switch_to_wal(cursor: sqlite3.Cursor) -> None:
    # Of several processes that open a new file together, SQLite turns all but one away at once,
    # whatever the busy timeout.
    patience = time.monotonic() + _SQLITE_BUSY_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= patience:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_sqlite(conn: sa.Connection) -> None:
    # A deferred transaction that reads and then writes fails at once when another wrote meanwhile.
    conn.exec_driver_sql(conn.get_execution_options().get("sqlite_begin", "BEGIN IMMEDIATE"))


def _postgresql(url: sa.URL, application_name: str) -> sa.Engine:
    given = address.parameters(url)
    if given.get("connect_timeout", "").strip() in {"0", "-1"}:  # for ever
        del given["connect_timeout"]
    hosts = ",".join(url.normalized_query.get("host", ()))
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg").difference_update_query(
            [*given, "connect_timeout"]
        ),
        hide_parameters=True,
        # Guarded updates count on it: a guard that lost a race must miss, not fail.
        isolation_level="READ COMMITTED",
        **_POOL,
        pool_recycle=1800,
        connect_args={
            "application_name": application_name,
            **_CONNECTING,
            **({_TARGET: "read-write"} if "," in hosts else {}),
            **given,
            # What text is sent as must not hang on the server's or the role's default.
            "client_encoding": "utf8",
            "prepare_threshold": None,  # until the session is known to be ours alone
        },
    )
    sessions = Sessions(given.get("options", ""), may_only_read=_TARGET in given)

    def prepare(connection: psycopg.Connection, entry: ConnectionPoolEntry) -> None:
        try:
            entry.info[_IS_POOLED] = sessions.prepare(connection)
        except BaseException:  # whatever stopped it goes on; the connection is nobody's yet
            connection.close()
            raise

    def begin(conn: sa.Connection) -> None:
        if is_pooled(conn):
            conn.exec_driver_sql(sessions.per_transaction)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    keep_fresh(engine)
    return engine


def _forget_connections_after_fork(engine: sa.Engine) -> None:
    found = weakref.ref(engine)

    def start_over() -> None:
        if inherited := found():
            # Closing an inherited connection would disturb the parent's: it is kept, untouched.
            _inherited.append(inherited.pool)
            inherited.dispose(close=False)

    os.register_at_fork(after_in_child=start_over)
