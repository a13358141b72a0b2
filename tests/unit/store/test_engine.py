"""
How connections are set up, and what becomes of them in a forked process.
"""

import contextlib
import sqlite3
import subprocess
import sys
import threading

import pytest
import sqlalchemy as sa

from worker.store.clock import read_clock
from worker.store.engine import create_engine, read_only

FORKS = """
import os, sys
import sqlalchemy as sa
from worker.store.engine import create_engine

engine = create_engine(sys.argv[1])
with engine.begin() as conn:
    conn.execute(sa.text("CREATE TABLE seen (who text)"))

def write(who):
    with engine.begin() as conn:
        conn.execute(sa.text("INSERT INTO seen VALUES (:who)"), {"who": who})
        return id(conn.connection.dbapi_connection)

before = write("parent")
child = os.fork()
if child == 0:
    os._exit(0 if engine.pool.checkedin() == 0 and write("child") != before else 1)
_, status = os.waitpid(child, 0)
same = write("parent again") == before
with engine.begin() as conn:
    seen = list(conn.scalars(sa.text("SELECT who FROM seen")))
engine.dispose()
print(status, same, seen)
"""


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 30_000)],
)
def test_sqlite_is_set_up_to_keep_money(sqlite_url: str, pragma: str, value: object) -> None:
    """
    Commits are on the disk when they return, keys are enforced, and a writer waits its turn.
    """
    engine = create_engine(sqlite_url)

    with engine.begin() as conn:
        assert conn.execute(sa.text(f"PRAGMA {pragma}")).scalar_one() == value
    engine.dispose()


def test_processes_may_open_a_new_file_at_once(sqlite_url: str) -> None:
    """
    SQLite turns away whoever switches a new file to WAL beside another; nobody fails for it.
    """
    path = str(sa.make_url(sqlite_url).database)
    first = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    first.execute("BEGIN IMMEDIATE")
    with sqlite3.connect(path) as second, pytest.raises(sqlite3.OperationalError, match="locked"):
        second.execute("PRAGMA journal_mode = WAL")
    second.close()
    engine = create_engine(sqlite_url)
    release = threading.Timer(0.2, first.close)
    release.start()

    with engine.begin() as conn:
        assert conn.execute(sa.text("PRAGMA journal_mode")).scalar_one() == "wal"
    release.join()
    engine.dispose()


def test_a_writing_transaction_takes_the_lock_at_once(sqlite_url: str) -> None:
    """
    On SQLite a second writer waits before it has read anything, while readers go on.
    """
    engine = create_engine(sqlite_url)
    hasty = sa.create_engine(sqlite_url, connect_args={"timeout": 0})

    with engine.begin(), hasty.connect() as other:
        with pytest.raises(sa.exc.OperationalError, match="locked"):
            other.exec_driver_sql("BEGIN IMMEDIATE")
        with read_only(engine).begin() as reader:
            assert reader.scalar(sa.select(1)) == 1
    engine.dispose()
    hasty.dispose()


def test_a_reading_transaction_is_one_snapshot(database_url: str) -> None:
    """
    What another writes meanwhile is not seen by a reader that has begun.
    """
    engine = create_engine(database_url)
    seen = sa.table("seen", sa.column("who"))
    with engine.begin() as conn:
        conn.execute(sa.text("CREATE TABLE seen (who text)"))

    with read_only(engine).begin() as reader:
        assert reader.execute(sa.select(seen)).all() == []
        with engine.begin() as writer:
            writer.execute(sa.insert(seen).values(who="another"))
        assert reader.execute(sa.select(seen)).all() == []
    engine.dispose()


def test_a_rollback_takes_tables_along(database_url: str) -> None:
    """
    Schema changes are part of the transaction, on SQLite too.
    """
    engine = create_engine(database_url)

    with engine.connect() as conn:
        conn.execute(sa.text("CREATE TABLE seen (who text)"))
        conn.rollback()
        assert not sa.inspect(conn).has_table("seen")
    engine.dispose()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("statement_timeout", "15s"),
        ("lock_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "30s"),
        ("application_name", "payouts test"),
        ("transaction_isolation", "read committed"),
    ],
)
def test_postgresql_never_waits_for_ever(postgres_url: str, setting: str, value: str) -> None:
    """
    Statements, locks and forgotten transactions have a limit, and sessions have a name.
    """
    engine = create_engine(postgres_url, "payouts test")

    with engine.begin() as conn:
        assert conn.execute(sa.text(f"SHOW {setting}")).scalar_one() == value
    engine.dispose()


def test_postgresql_refuses_a_write_in_a_reading_transaction(postgres_url: str) -> None:
    """
    A reader that writes by mistake is stopped by the server.
    """
    engine = create_engine(postgres_url)

    with pytest.raises(sa.exc.InternalError, match="read-only"), read_only(engine).begin() as conn:
        conn.execute(sa.text("CREATE TABLE seen (who text)"))
    engine.dispose()


def test_the_clock_is_the_databases_own(database_url: str) -> None:
    """
    Each database tells the time, aware, in UTC, and it goes on within a transaction.
    """
    engine = create_engine(database_url)

    with read_only(engine).begin() as conn:
        first = read_clock(conn)
        while read_clock(conn) == first:
            pass
        assert read_clock(conn) > first
    assert first.utcoffset() is not None
    engine.dispose()


def test_a_forked_process_has_connections_of_its_own(database_url: str) -> None:
    """
    A child neither uses nor closes its parent's connection, and both go on working.
    """
    run = subprocess.run(
        [sys.executable, "-c", FORKS, database_url], capture_output=True, text=True, check=False
    )

    assert (run.stdout.strip(), run.stderr) == ("0 True ['parent', 'child', 'parent again']", "")


def test_a_password_does_not_show() -> None:
    """
    Neither the engine's repr nor a failed connection tells the password.
    """
    engine = create_engine("postgresql://worker:hunter2@127.0.0.1:1/payouts")

    with pytest.raises(sa.exc.OperationalError) as caught:
        engine.connect()
    assert "hunter2" not in repr(engine) + str(caught.value)


def test_an_error_does_not_quote_parameters(database_url: str) -> None:
    """
    A statement that fails does not carry a payee's data into the log.
    """
    engine = create_engine(database_url)

    with pytest.raises(sa.exc.DBAPIError) as caught, engine.begin() as conn:
        conn.execute(sa.text("SELECT * FROM missing WHERE name = :name"), {"name": "张三丰"})
    assert "张三丰" not in str(caught.value)
    engine.dispose()


def test_another_kind_of_database_is_refused() -> None:
    """
    The store's promises hold on two databases, and it runs on no other.
    """
    with pytest.raises(ValueError, match="not on mysql"):
        create_engine("mysql://localhost/payouts")


def test_no_connection_is_made_for_one_transaction(database_url: str) -> None:
    """
    As many as are needed at once are made once: a busy process does not connect again and again.
    """
    engine = create_engine(database_url)
    made: list[object] = []
    sa.event.listen(engine, "connect", lambda connection, _entry: made.append(connection))

    for _ in range(5):
        with contextlib.ExitStack() as at_once:
            for _one in range(4):
                read_clock(at_once.enter_context(read_only(engine).begin()))

    assert len(made) == 4
    engine.dispose()
