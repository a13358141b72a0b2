"""
What a server does to those who use it: each is told as something that passes.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from tests.system import servers
from tests.waiting import until
from worker.embedded.postgres import Postgres
from worker.payouts.errors import StoreUnavailable
from worker.store.engine import create_engine
from worker.store.faults import translated


@pytest.fixture
def server() -> Iterator[Postgres]:
    """
    A server of the test's own, with room for few.
    """
    with servers.postgres({"max_connections": "5", "superuser_reserved_connections": "0"}) as own:
        yield own


@pytest.fixture
def engine(server: Postgres) -> Iterator[sa.Engine]:
    """
    An engine as the store makes it.
    """
    engine = create_engine(server.url)
    yield engine
    engine.dispose()


def work(engine: sa.Engine) -> None:
    """
    A transaction as the ledger makes it.
    """
    with translated(), engine.begin() as conn:
        conn.execute(sa.select(1))


def succeeds(engine: sa.Engine) -> bool:
    """
    Whether a transaction works now.
    """
    with contextlib.suppress(StoreUnavailable):
        work(engine)
        return True
    return False


@pytest.mark.parametrize("immediate", [False, True], ids=["stopped", "crashed"])
def test_a_server_that_ends_amid_work_passes(
    server: Postgres, engine: sa.Engine, immediate: bool
) -> None:
    """
    In good order or not: the transaction is told to be tried again, and later it works.
    """

    def interrupted() -> None:
        with translated(), engine.begin() as conn:
            conn.execute(sa.select(1))
            server.stop(immediate=immediate)
            conn.execute(sa.select(1))

    with pytest.raises(StoreUnavailable):
        interrupted()
    with pytest.raises(StoreUnavailable, match="No such file"):
        work(engine)
    server.start()
    work(engine)


def test_a_server_that_was_restarted_is_not_noticed(server: Postgres, engine: sa.Engine) -> None:
    """
    A restart between two pieces of work costs neither of them anything.
    """
    work(engine)
    server.stop()
    server.start()

    work(engine)


def test_too_many_connections_pass(server: Postgres, engine: sa.Engine) -> None:
    """
    Someone else uses them all up, and then leaves.
    """
    others = [psycopg.connect(servers.conninfo(server.url)) for _ in range(5)]

    with pytest.raises(StoreUnavailable, match="too many clients"):
        work(engine)
    for other in others:
        other.close()
    until(lambda: succeeds(engine), 10)


def test_a_wrong_password_passes(server: Postgres) -> None:
    """
    It was changed, and will be changed here: no job is rejected for it, and it does not show.
    """
    rules = server.directory / "data" / "pg_hba.conf"
    rules.write_text("local all locked scram-sha-256\n" + rules.read_text())
    servers.administer(
        server.url, "CREATE ROLE locked LOGIN PASSWORD 'right'", "SELECT pg_reload_conf()"
    )
    url = sa.make_url(server.url).set(username="locked", password="hunter2")
    engine = create_engine(url.render_as_string(hide_password=False))

    def fails_anew() -> bool:
        engine.dispose()
        return not succeeds(engine)

    until(fails_anew, 10)
    with pytest.raises(StoreUnavailable, match="password authentication failed") as caught:
        work(engine)
    assert "hunter2" not in str(caught.value)


def test_a_database_that_is_dropped_passes(server: Postgres) -> None:
    """
    It is being restored under the same name.
    """
    engine = create_engine(server.create_database("payouts"))
    work(engine)
    servers.administer(server.url, "DROP DATABASE payouts WITH (FORCE)")

    with pytest.raises(StoreUnavailable, match="does not exist"):
        work(engine)
    server.create_database("payouts")
    work(engine)
    engine.dispose()


def test_a_full_disk_passes(server: Postgres, engine: sa.Engine) -> None:
    """
    A server that finds no room says so; nothing is wrong with what was to be written.
    """
    limited = "ALTER ROLE postgres SET temp_file_limit = '64kB'"
    servers.administer(server.url, limited)
    big = sa.text("SELECT repeat('x', 900) FROM generate_series(1, 99999) ORDER BY random()")

    def sort() -> None:
        with translated(), engine.begin() as conn:
            conn.exec_driver_sql("SET LOCAL work_mem = '64kB'")
            conn.execute(big).all()

    with pytest.raises(StoreUnavailable, match="temporary file size exceeds"):
        sort()


def test_a_vanished_host_is_noticed(server: Postgres, tmp_path: Path) -> None:
    """
    The kernel gives up on a peer that no longer answers, also amid a statement.
    """
    with servers.pooler(server, "transaction") as running:
        engine = create_engine(running.url())
        with engine.begin() as conn:
            driver = conn.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            parameters = driver.info.get_parameters()
        engine.dispose()

    assert parameters["tcp_user_timeout"] == "30000"
    idle, interval, count = (
        int(parameters[f"keepalives_{name}"]) for name in ("idle", "interval", "count")
    )
    assert idle + interval * count <= 60
