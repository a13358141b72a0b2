"""
Behind pgbouncer: each transaction may have another session, and none of them is ours.
"""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
import sqlalchemy as sa

from tests.contract.samples import KEYRING
from tests.system import servers
from tests.system.servers import Pooler
from tests.waiting import until
from worker.embedded.postgres import Postgres
from worker.payouts.errors import StoreUnavailable
from worker.store.database import Database
from worker.store.engine import create_engine, read_only
from worker.store.faults import translated
from worker.store.migrate import prepare
from worker.store.types import UtcDateTime

LIMITS = {
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "synchronous_commit": "on",
}

#: How people set pgbouncer up: as it comes, and as its manual says for clients that send options.
SETUPS = {
    "transaction": {"pool_mode": "transaction"},
    "tuned": {"pool_mode": "transaction", "ignore_startup_parameters": "options"},
    "session": {"pool_mode": "session"},
}


@pytest.fixture(scope="module", params=SETUPS)
def pooler(postgres: Postgres, request: pytest.FixtureRequest) -> Iterator[Pooler]:
    """
    Each set-up in turn.
    """
    with servers.pooler(postgres, **SETUPS[request.param]) as running:
        yield running


@pytest.fixture
def engine(pooler: Pooler, database: str) -> Iterator[sa.Engine]:
    """
    An engine as the store makes it, through the pooler.
    """
    engine = create_engine(pooler.url(database))
    yield engine
    engine.dispose()


def test_each_transaction_has_its_limits(engine: sa.Engine) -> None:
    """
    Whichever session it is given: ours hold in it, in those that only read as well.
    """
    for each in (engine, read_only(engine)):
        for _ in range(3):
            with each.begin() as one, each.begin() as other:
                for conn in (one, other):
                    shown = {n: conn.exec_driver_sql(f"SHOW {n}").scalar_one() for n in LIMITS}
                    assert shown == LIMITS


def test_limits_end_statements(engine: sa.Engine, database: str, pooler: Pooler) -> None:
    """
    A limit is not only shown: a statement that takes longer than the URL allows is ended.
    """
    url = pooler.url(database)
    options = "?options=-c%20statement_timeout=50ms" if _takes_options(url) else ""
    if options:
        engine = create_engine(f"{url}{options}")

        def wait() -> None:
            with translated(), engine.begin() as conn:
                conn.exec_driver_sql("SELECT pg_sleep(10)")

        with pytest.raises(StoreUnavailable, match="statement timeout"):
            wait()
        engine.dispose()
    else:
        with (
            pytest.raises(StoreUnavailable, match="startup parameter"),
            Database(f"{url}?options=-c%20statement_timeout=50ms") as refused,
        ):
            refused.now()


def _takes_options(url: str) -> bool:
    try:
        psycopg.connect(servers.conninfo(f"{url}?options=-c%20geqo=on")).close()
    except psycopg.OperationalError:
        return False
    return True


def test_our_limits_are_nobody_elses(engine: sa.Engine, pooler: Pooler, database: str) -> None:
    """
    Whoever shares the pooler's sessions with us finds them as the server makes them.
    """
    for _ in range(3):
        with engine.begin() as one, engine.begin() as other:
            for conn in (one, other):
                conn.execute(sa.select(1))
    engine.dispose()

    for _ in range(5):
        shown = servers.administer(pooler.url(database), "SHOW statement_timeout")
        assert shown == ("0",)


def test_nothing_is_prepared(engine: sa.Engine, postgres: Postgres, database: str) -> None:
    """
    A prepared statement lives in a session, and would run for another client under its name.
    """
    for number in range(20):
        with engine.begin() as conn:
            conn.execute(sa.select(sa.literal(number)))
            count = conn.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements")
            assert count.scalar_one() == 0


def test_two_clients_do_not_meet(pooler: Pooler, database: str) -> None:
    """
    Two processes that take turns on the same sessions each get their own answers.
    """
    engines = [create_engine(pooler.url(database)) for _ in range(2)]
    for number in range(30):
        for which, engine in enumerate(engines):
            with engine.begin() as conn:
                told = conn.execute(sa.select(sa.literal(f"{which}-{number}")))
                assert told.scalar_one() == f"{which}-{number}"
                both = conn.execute(sa.select(sa.literal(number), sa.literal(which)))
                assert both.one() == (number, which)
    for engine in engines:
        engine.dispose()


def test_the_last_moment_comes_back(engine: sa.Engine) -> None:
    """
    It is stored and read in UTC, whichever session does either.
    """
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    moments = sa.Table("moments", sa.MetaData(), sa.Column("at", UtcDateTime))
    with engine.begin() as conn:
        moments.create(conn)
        conn.execute(sa.insert(moments).values(at=last))

    for each in (engine, read_only(engine)):
        with each.begin() as one, each.begin() as other:
            for conn in (one, other):
                assert conn.execute(sa.select(moments.c.at)).scalar_one() == last


def test_the_tables_are_made_and_the_ledger_works(pooler: Pooler, database: str) -> None:
    """
    A migration, the checks at start, and the health check, all through the pooler.
    """
    with Database(pooler.url(database)) as found:
        prepare(found, "sandbox")
        found.checked_ledger("sandbox", KEYRING).check_writable()
        assert found.is_pooled()


def test_a_pooler_that_is_restarted_is_found_again(postgres: Postgres, database: str) -> None:
    """
    What was connected is forgotten, and the next try works.
    """
    with servers.pooler(postgres, "transaction") as running:
        engine = create_engine(running.url(database))
        with engine.begin() as one, engine.begin() as other:
            for conn in (one, other):
                conn.execute(sa.select(1))
        running.stop()
        running.start()

        with engine.begin() as conn:
            assert conn.execute(sa.select(1)).scalar_one() == 1
        engine.dispose()


def test_a_session_for_each_statement_is_refused(postgres: Postgres, database: str) -> None:
    """
    Where there are no transactions there is no safety, and the message says so.
    """
    with (
        servers.pooler(postgres, "statement") as running,
        Database(running.url(database)) as found,
        pytest.raises(StoreUnavailable, match="transaction blocks not allowed"),
    ):
        found.now()


def test_limits_set_for_the_role_do_not_pass_for_ours(postgres: Postgres, database: str) -> None:
    """
    A pooler whose sessions look right is still one: nothing is prepared in them.
    """
    servers.administer(
        postgres.database_url(database),
        *(f"ALTER DATABASE {database} SET {name} = '{value}'" for name, value in LIMITS.items()),
    )
    with servers.pooler(postgres, "transaction") as running:
        engine = create_engine(running.url(database))
        for number in range(20):
            with engine.begin() as conn:
                conn.execute(sa.select(sa.literal(number)))
                count = conn.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements")
                assert count.scalar_one() == 0
        engine.dispose()


def test_a_session_that_is_ended_behind_the_pooler_passes(
    pooler: Pooler, postgres: Postgres, database: str
) -> None:
    """
    An administrator ends what the pooler holds, amid our transaction: told, and tried again.
    """
    engine = create_engine(pooler.url(database))
    me = "SELECT pg_backend_pid()"

    def work() -> None:
        with translated(), engine.begin() as conn:
            process = conn.exec_driver_sql(me).scalar_one()
            servers.administer(postgres.url, f"SELECT pg_terminate_backend({process})")
            there = f"SELECT 1 FROM pg_stat_activity WHERE pid = {process}"
            until(lambda: servers.administer(postgres.url, there) is None, 10)
            conn.exec_driver_sql(me)

    with pytest.raises(StoreUnavailable):
        work()
    with contextlib.closing(engine.connect()) as conn:
        assert conn.exec_driver_sql(me).scalar_one()
    engine.dispose()
