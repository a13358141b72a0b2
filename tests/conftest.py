"""
What every test may ask for. Servers are real, start when first asked for, and end with the session.

A session is one process of pytest; `make test` has several, each with servers of its own.

TEST_REDIS_URL and TEST_DATABASE_URL name servers of your own to be used instead: a broker whose
database will be emptied, so that it bears one session at a time, and a PostgreSQL whose user may
create databases. TEST_POOLER_URL names a pooler in front of that PostgreSQL, for the tests to go
through.
"""

import contextlib
import os
from collections.abc import Iterator

import pytest
import redis
from hypothesis import settings

from tests import servers
from worker.embedded.broker import free_port as find_free_port

# Whether something holds does not depend on how busy the machine is.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    No PAYOUTS_ variable of the caller reaches a test.
    """
    for name in [name for name in os.environ if name.startswith("PAYOUTS_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def free_port() -> int:
    """
    A loopback port that nobody listens on.
    """
    return find_free_port()


@pytest.fixture(scope="session")
def broker_url() -> Iterator[str]:
    """
    A real broker, shared by the session: a test may find what an earlier one left there.
    """
    with servers.running_broker() as url:
        yield url


@pytest.fixture
def empty_broker_url(broker_url: str) -> str:
    """
    The session's broker, emptied for this test.
    """
    with contextlib.closing(redis.Redis.from_url(broker_url)) as client:
        client.flushdb()
    return broker_url


@pytest.fixture(scope="session")
def _postgres_server() -> Iterator[servers.PostgresDatabases]:
    with servers.running_postgres() as databases:
        yield databases


@pytest.fixture
def postgres_databases(
    _postgres_server: servers.PostgresDatabases,
) -> Iterator[servers.PostgresDatabases]:
    """
    Databases on a real PostgreSQL, dropped when the test ends.
    """
    yield _postgres_server
    _postgres_server.drop_lent()


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> servers.SqliteDatabases:
    """
    SQLite databases, each a file of its own.
    """
    return servers.SqliteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(params=["sqlite", "postgres"])
def databases(request: pytest.FixtureRequest) -> servers.Databases:
    """
    Both databases, one after the other: the test runs twice.

    `databases.prepared(prepare)` is the quick way to a migrated one.
    """
    found: servers.Databases = request.getfixturevalue(f"{request.param}_databases")
    return found


@pytest.fixture
def database_url(databases: servers.Databases) -> str:
    """
    An empty database of either kind: the test runs twice.
    """
    return databases.fresh()


@pytest.fixture
def sqlite_url(sqlite_databases: servers.SqliteDatabases) -> str:
    """
    An empty SQLite database.
    """
    return sqlite_databases.fresh()


@pytest.fixture
def postgres_url(postgres_databases: servers.PostgresDatabases) -> str:
    """
    An empty PostgreSQL database.
    """
    return postgres_databases.fresh()
