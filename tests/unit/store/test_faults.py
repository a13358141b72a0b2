"""
What becomes of each real fault: to be tried again, or a fault that no repetition heals.

What comes from a job's value must never be tried again, since it would be tried for ever; what
comes from the database's state must never reject a job.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.servers import Databases
from worker.payouts.errors import StoreBusy, StoreError, StoreFault, StoreUnavailable
from worker.payouts.status import PayoutStatus
from worker.store.engine import create_engine
from worker.store.faults import translated
from worker.store.types import UtcDateTime, one_of

TABLE = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("name", sa.String, unique=True),
    sa.Column("at", UtcDateTime),
    sa.Column("status", one_of(PayoutStatus)),
)


@pytest.fixture
def engine(databases: Databases) -> Iterator[sa.Engine]:
    """
    A database of either kind with one table.
    """
    engine = create_engine(databases.fresh())
    with engine.begin() as conn:
        TABLE.create(conn)
    yield engine
    engine.dispose()


def raised(engine: sa.Engine, *statements: Any) -> StoreError:
    """
    What a transaction of these statements comes to.
    """

    def run() -> None:
        with translated(), engine.begin() as conn:
            for statement in statements:
                result = conn.execute(
                    sa.text(statement) if isinstance(statement, str) else statement
                )
                if result.returns_rows:
                    result.all()

    with pytest.raises(StoreError) as caught:
        run()
    return caught.value


FAR_WEST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-5)))
FAR_EAST = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=8)))


@pytest.mark.parametrize(
    "values",
    [
        {"at": FAR_WEST},
        {"at": FAR_EAST},
        {"at": datetime(2026, 1, 1)},  # noqa: DTZ001 (that is the fault)
        {"at": "tomorrow"},
        {"id": 2**63},
        {"id": 2**200},
        {"name": "\ud800"},
        {"name": object()},
        {"status": "paid twice"},
    ],
    ids=lambda values: "-".join(map(str, values)),
)
def test_a_value_that_cannot_be_stored_is_a_fault(
    engine: sa.Engine, values: dict[str, object]
) -> None:
    """
    Whoever refuses it, Python, the driver or the server, the job is to be rejected.
    """
    error = raised(engine, sa.insert(TABLE).values(**values))

    assert type(error) is StoreFault
    assert not any(str(value) in str(error) for value in values.values())


def test_a_nul_is_a_fault(postgres_url: str) -> None:
    """
    PostgreSQL's text holds every character but this.
    """
    engine = create_engine(postgres_url)

    error = raised(engine, TABLE_MADE, sa.insert(TABLE).values(name="a\0b"))
    engine.dispose()

    assert type(error) is StoreFault


TABLE_MADE = "CREATE TABLE things (id bigint, name text, at timestamptz, status text)"


@pytest.mark.parametrize("at", ["infinity", "294276-01-01", "0044-03-15 BC"])
def test_a_moment_that_cannot_be_read_is_a_fault(postgres_url: str, at: str) -> None:
    """
    What another program put there does not look like a database that is away.
    """
    engine = create_engine(postgres_url)
    put = f"INSERT INTO things (at) VALUES ('{at}')"

    error = raised(engine, TABLE_MADE, put, sa.select(TABLE.c.at))
    engine.dispose()

    assert type(error) is StoreFault


def test_a_status_of_a_newer_version_is_a_fault(engine: sa.Engine) -> None:
    """
    A type that cannot give a value raises as it likes; it leaves the store as a fault.
    """
    put = "INSERT INTO things (id, status) VALUES (1, 'teleported')"

    assert type(raised(engine, put, sa.select(TABLE.c.status))) is StoreFault


@pytest.mark.parametrize(
    "statements",
    [
        ("SELECT * FROM missing",),
        ("SELECT missing FROM things",),
        ("SELEC 1",),
        ("INSERT INTO things (id) VALUES (1)", "INSERT INTO things (id) VALUES (1)"),
        ("INSERT INTO things (id, name) VALUES (1, 'x')", "INSERT INTO things VALUES (2, 'x')"),
    ],
    ids=["table missing", "column missing", "syntax", "key twice", "name twice"],
)
def test_what_the_database_refuses_for_good_is_a_fault(
    engine: sa.Engine, statements: tuple[str, ...]
) -> None:
    """
    Trying again would be refused again.
    """
    assert type(raised(engine, *statements)) is StoreFault


#: Longer than an index of PostgreSQL's takes, and not to be compressed.
LONG_NAME = (
    "INSERT INTO things (id, name)"
    " SELECT 1, string_agg(md5(g::text), '') FROM generate_series(1, 999) g"
)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 / 0",
        "SELECT 9223372036854775807 + 1",
        "SELECT CAST('99999-99-99' AS timestamptz)",
        "SELECT CAST('30 February 2026' AS timestamptz)",
        "SELECT chr(0)",
        LONG_NAME,
    ],
    ids=["division", "overflow", "year", "day", "nul", "index row"],
)
def test_what_postgresql_cannot_compute_is_a_fault(postgres_url: str, statement: str) -> None:
    """
    A value out of range comes from the job, whatever class the driver files it under.
    """
    engine = create_engine(postgres_url)
    with engine.begin() as conn:
        TABLE.create(conn)

    error = raised(engine, statement)
    engine.dispose()

    assert type(error) is StoreFault


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        (("SET statement_timeout = '20ms'", "SELECT pg_sleep(9)"), "statement timeout"),
        (("SET lock_timeout = '20ms'", "LOCK TABLE things"), "lock timeout"),
        (("LOCK TABLE things NOWAIT",), "could not obtain lock"),
        (
            ("SET idle_in_transaction_session_timeout = '20ms'", "SELECT 1", "sleep", "SELECT 1"),
            "idle-in-transaction timeout",
        ),
        (("SET default_transaction_read_only = on", "next", "DELETE FROM things"), "read-only"),
    ],
    ids=["statement", "lock", "nowait", "idle", "read-only"],
)
def test_what_passes_on_postgresql_is_tried_again(
    postgres_url: str, statements: tuple[str, ...], told: str
) -> None:
    """
    A wait that had an end, and a server that takes no writes now, say nothing about the job.
    """
    engine = create_engine(postgres_url)
    with engine.begin() as conn:
        TABLE.create(conn)

    with engine.begin() as other:
        other.execute(sa.text("LOCK TABLE things IN ACCESS SHARE MODE"))

        def run() -> None:
            with translated(), engine.connect() as conn:
                for statement in statements:
                    if statement == "sleep":
                        _wait_until_ended(other, conn)
                    elif statement == "next":
                        conn.commit()
                    else:
                        conn.execute(sa.text(statement))

        with pytest.raises(StoreUnavailable, match=told) as raised_one:
            run()
    engine.dispose()

    # Only what somebody else holds says nothing about the database as a whole.
    assert (raised_one.type is StoreBusy) == ("lock" in told)


def _wait_until_ended(other: sa.Connection, conn: sa.Connection) -> None:
    ended = sa.text("SELECT NOT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid = :pid)")
    driver: Any = conn.connection.driver_connection
    while not other.execute(ended, {"pid": driver.info.backend_pid}).scalar_one():
        other.execute(sa.text("SELECT pg_stat_clear_snapshot()"))


def test_a_deadlock_is_tried_again(postgres_url: str) -> None:
    """
    One of two that wait for each other is turned away; it may come again.
    """
    engine = create_engine(postgres_url)
    fault = sa.text("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$")

    error = raised(engine, fault)
    engine.dispose()

    assert type(error) is StoreBusy


@pytest.fixture
def small(tmp_path: Path) -> Iterator[sa.Engine]:
    """
    A SQLite file with one table, whose limits and locks a test sets.
    """
    engine = create_engine(f"sqlite:///{tmp_path / 'small.sqlite'}")
    with engine.begin() as conn:
        TABLE.create(conn)
    yield engine
    engine.dispose()


def full(engine: sa.Engine) -> contextlib.AbstractContextManager[None]:
    """
    The disk is full.
    """
    with engine.begin() as conn:
        conn.exec_driver_sql("PRAGMA max_page_count = 1")
    return contextlib.nullcontext()


@contextlib.contextmanager
def locked(engine: sa.Engine) -> Iterator[None]:
    """
    Another program writes, for longer than a transaction waits.
    """
    engine.dispose()
    sa.event.listen(engine, "connect", _impatient)
    with contextlib.closing(sqlite3.connect(str(engine.url.database))) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def _impatient(connection: sqlite3.Connection, _entry: object) -> None:
    connection.execute("PRAGMA busy_timeout = 1")


def gone(engine: sa.Engine) -> contextlib.AbstractContextManager[None]:
    """
    The folder is no longer there.
    """
    engine.dispose()
    folder = Path(str(engine.url.database)).parent
    folder.rename(folder.with_name(f"{folder.name}-away"))
    return contextlib.nullcontext()


def unwritable(engine: sa.Engine) -> contextlib.AbstractContextManager[None]:
    """
    The file can only be read: so is a disk that was mounted again after a fault.
    """
    with engine.begin() as conn:
        conn.exec_driver_sql("PRAGMA query_only = ON")
    return contextlib.nullcontext()


@pytest.mark.parametrize(
    ("befall", "told"),
    [
        (full, "full"),
        (locked, "locked"),
        (gone, "unable to open"),
        (unwritable, "readonly"),
    ],
)
def test_what_passes_on_sqlite_is_tried_again(
    small: sa.Engine,
    befall: Callable[[sa.Engine], contextlib.AbstractContextManager[None]],
    told: str,
) -> None:
    """
    A disk, a lock or a folder may be put right; the job is good.
    """
    many = sa.insert(TABLE).values([{"id": number, "name": str(number)} for number in range(2000)])
    with befall(small):
        error = raised(small, many)

    assert type(error) is StoreUnavailable
    assert told in str(error)


def test_a_file_that_is_no_database_is_a_fault(tmp_path: Path) -> None:
    """
    Nothing but a person makes it one.
    """
    path = tmp_path / "letter.txt"
    path.write_text("dear all, " * 500)

    assert type(raised(create_engine(f"sqlite:///{path}"), "SELECT 1")) is StoreFault


def test_a_server_that_does_not_listen_is_tried_again(free_port: int) -> None:
    """
    It may be starting.
    """
    engine = create_engine(f"postgresql://payouts@127.0.0.1:{free_port}/payouts")

    error = raised(engine, "SELECT 1")

    assert type(error) is StoreUnavailable
    assert "onnection refused" in str(error)


def test_a_database_that_is_missing_is_tried_again(postgres_url: str) -> None:
    """
    It may be about to be restored: no job is rejected for that.
    """
    url = sa.make_url(postgres_url).set(database="missing").render_as_string(hide_password=False)

    error = raised(create_engine(url), "SELECT 1")

    assert type(error) is StoreUnavailable
    assert "does not exist" in str(error)


def test_a_pool_that_is_used_up_is_tried_again(engine: sa.Engine) -> None:
    """
    A process that does too much at once waits for itself.
    """
    error = sa.exc.TimeoutError("QueuePool limit")

    with pytest.raises(StoreUnavailable, match="no connection was free"), translated():
        raise error


@pytest.mark.parametrize("kind", [ZeroDivisionError, ValueError, KeyError])
def test_what_is_decided_in_a_transaction_has_its_own_errors(
    engine: sa.Engine, kind: type[Exception]
) -> None:
    """
    A mistake of the program's own is not put down to the database.
    """

    def decide() -> None:
        with translated(), engine.begin() as conn:
            conn.execute(sa.select(1)).all()
            raise kind

    with pytest.raises(kind):
        decide()


def test_a_fault_keeps_its_cause(engine: sa.Engine) -> None:
    """
    Whoever reads the log sees where it came from.
    """
    error = raised(engine, sa.insert(TABLE).values(id=1, at=FAR_WEST))

    assert str(error) == "OverflowError"
    assert error.__cause__ is not None
    assert datetime.now(UTC) < FAR_WEST
