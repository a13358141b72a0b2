"""
Connections that are no longer of use: found before they are used, or dropped at their first error.
"""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import event

from tests.waiting import until
from worker.payouts.errors import StoreFault, StoreUnavailable
from worker.store import freshness
from worker.store.engine import create_engine, read_only
from worker.store.faults import translated

ME = sa.text("SELECT pg_backend_pid()")


@pytest.fixture
def engine(postgres_url: str) -> Iterator[sa.Engine]:
    """
    An engine as the store makes it.
    """
    engine = create_engine(postgres_url)
    yield engine
    engine.dispose()


@pytest.fixture
def administrator(postgres_url: str) -> Iterator[psycopg.Connection]:
    """
    Someone else with a connection to the same database, who may end sessions.
    """
    url = sa.make_url(postgres_url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        yield connection


def work(engine: sa.Engine) -> int:
    """
    A transaction as the ledger makes it; the number of the server's process that did it.
    """
    with translated(), engine.begin() as conn:
        process: int = conn.execute(ME).scalar_one()
        return process


def write(engine: sa.Engine) -> None:
    """
    A transaction that has to write.
    """
    with translated(), engine.begin() as conn:
        conn.execute(sa.text("CREATE TABLE written (what text)"))


def end(administrator: psycopg.Connection, process: int) -> None:
    """
    End a session as an administrator or a failover does, and wait until it has gone.
    """
    administrator.execute("SELECT pg_terminate_backend(%s)", [process])
    there = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"
    until(lambda: administrator.execute(there, [process]).fetchone() is None, 10)


def statements_sent(engine: sa.Engine) -> list[str]:
    """
    A list that grows with each statement that is sent to test a connection.
    """
    made: list[str] = []

    class Listening(psycopg.Connection):
        def execute(self, query: Any, *rest: Any, **more: Any) -> psycopg.Cursor:
            made.append(query)
            return super().execute(query, *rest, **more)

    @event.listens_for(engine, "connect", insert=True)
    def _listen(connection: psycopg.Connection, _entry: object) -> None:
        connection.__class__ = Listening

    return made


def test_a_busy_connection_is_not_tested(engine: sa.Engine) -> None:
    """
    Work that follows work costs no round trip for the connection's sake.
    """
    sent = statements_sent(engine)
    work(engine)
    sent.clear()

    for _ in range(20):
        work(engine)

    assert sent == []


def test_a_rested_connection_is_tested(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    After a rest a connection is tried before work relies on it, and kept if it answers.
    """
    monkeypatch.setattr(freshness, "REST_S", 0.0)
    sent = statements_sent(engine)
    first = work(engine)
    sent.clear()

    assert work(engine) == first
    assert len(sent) == 1


@pytest.mark.parametrize("rest", [0.0, 3600.0], ids=["long rest", "short rest"])
def test_a_session_that_ended_in_a_rest_is_not_noticed_by_the_work(
    engine: sa.Engine,
    administrator: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    rest: float,
) -> None:
    """
    However short the rest was: the server says goodbye, and that is seen without asking.
    """
    monkeypatch.setattr(freshness, "REST_S", rest)
    with translated(), engine.begin() as one, engine.begin() as other:
        processes = {conn.execute(ME).scalar_one() for conn in (one, other)}
    for process in processes:
        end(administrator, process)

    assert work(engine) not in processes
    assert work(engine) not in processes


def test_a_session_that_ends_amid_work_is_told_and_forgotten(
    engine: sa.Engine, administrator: psycopg.Connection
) -> None:
    """
    Nothing is known to be written, so it is `StoreUnavailable`; the next try works.
    """
    lost = []

    def interrupted() -> None:
        with translated(), engine.begin() as conn:
            lost.append(conn.execute(ME).scalar_one())
            end(administrator, lost[0])
            conn.execute(ME)

    with pytest.raises(StoreUnavailable, match="terminating connection"):
        interrupted()
    assert work(engine) not in lost


def test_a_session_that_became_read_only_is_forgotten(
    engine: sa.Engine, administrator: psycopg.Connection
) -> None:
    """
    So is every idle one beside it: they lead to the same server, which is a standby now.
    """
    with translated(), engine.begin() as one, engine.begin() as other:
        old = {conn.execute(ME).scalar_one() for conn in (one, other)}
        for conn in (one, other):
            conn.execute(sa.text("SET default_transaction_read_only = on"))

    with pytest.raises(StoreUnavailable, match="read-only transaction"):
        write(engine)
    write(engine)
    with translated(), engine.begin() as one, engine.begin() as other:
        new = {conn.execute(ME).scalar_one() for conn in (one, other)}
    assert new & old == set()


def test_a_snapshot_leaves_no_trace(engine: sa.Engine) -> None:
    """
    Work after it, on the same connection, keeps to the server's word on whether it may write.
    """
    with engine.begin() as conn:
        conn.execute(sa.text("SET default_transaction_read_only = on"))
    work(read_only(engine))

    with pytest.raises(StoreUnavailable, match="read-only transaction"):
        write(engine)


def test_a_write_where_nothing_may_be_written_is_our_fault(engine: sa.Engine) -> None:
    """
    A snapshot that writes is a mistake in the program: no other server would take it.
    """
    before = work(engine)

    with pytest.raises(StoreFault):
        write(read_only(engine))
    assert work(engine) == before


def test_a_new_session_must_be_one_that_can_be_written_to(
    postgres_url: str, administrator: psycopg.Connection
) -> None:
    """
    A server that takes no writes is not connected to at all.
    """
    database = sa.make_url(postgres_url).database
    administrator.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")

    with pytest.raises(StoreUnavailable, match="read-only"):
        work(create_engine(postgres_url))
