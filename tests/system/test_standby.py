"""
A standby answers every question and takes no work: it is noticed, and left again.
"""

from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from tests.contract.samples import KEYRING, MERCHANT, migrated
from tests.system import servers
from tests.system.forwarder import Forwarder
from tests.waiting import until
from worker.embedded.postgres import Postgres
from worker.jdpay.signature import SignKey
from worker.payouts.errors import StoreUnavailable
from worker.payouts.limits import Limits
from worker.store.engine import create_engine
from worker.store.ledger import SqlLedger
from worker.usecases.evidence import EvidenceHandler
from worker.web.app import build


@pytest.fixture
def primary() -> Iterator[Postgres]:
    """
    A primary with our tables.
    """
    with servers.postgres() as server:
        migrated(server.url)
        yield server


@pytest.fixture
def standby(primary: Postgres) -> Iterator[Postgres]:
    """
    Its standby, which follows it.
    """
    with servers.standby(primary) as server:
        yield server


@pytest.fixture
def address(primary: Postgres, standby: Postgres) -> Iterator[Forwarder]:
    """
    An address that leads to the primary, until the test moves it.
    """
    with Forwarder(primary) as forwarder:
        yield forwarder


def receiver(url: str) -> tuple[FlaskClient, SqlLedger]:
    """
    A receiver over that database.
    """
    ledger = SqlLedger(create_engine(url), KEYRING)
    handler = EvidenceHandler(ledger, MERCHANT, Limits(), "receiver")
    return build(handler, SignKey("key")).test_client(), ledger


def test_a_standby_is_not_worked_on(standby: Postgres) -> None:
    """
    Whoever is configured to use it is told what it is.
    """
    client, ledger = receiver(standby.url)

    with pytest.raises(StoreUnavailable, match="read-only"):
        ledger.count_sweep()
    assert client.get("/health").status_code == 503
    ledger.close()


@pytest.mark.parametrize("query", ["", "?target_session_attrs=any"])
def test_an_address_that_moves_to_a_standby_and_back(
    address: Forwarder, primary: Postgres, standby: Postgres, query: str
) -> None:
    """
    The receiver is unhealthy while it leads to the standby, and healthy as soon as it does not.

    With the URL's consent a connection to the standby is made, and is dropped at its first write.
    """
    client, ledger = receiver(f"{address.url}{query}")
    assert client.get("/health").status_code == 200
    address.target = standby
    end_all(primary)

    for _ in range(3):
        assert client.get("/health").status_code == 503
        if query:
            assert ledger.now().tzinfo  # it can be read
    with pytest.raises(StoreUnavailable):
        ledger.count_sweep()
    address.target = primary

    until(lambda: client.get("/health").status_code == 200, 10)
    assert ledger.count_sweep().sweeps == 1
    ledger.close()


def test_a_failover(address: Forwarder, primary: Postgres, standby: Postgres) -> None:
    """
    The primary dies, the standby is promoted, the address follows: the same process works on.
    """
    client, ledger = receiver(address.url)
    ledger.count_sweep()
    until(lambda: replayed(primary, standby), 10)
    address.target = standby
    primary.stop(immediate=True)

    assert client.get("/health").status_code == 503
    assert servers.administer(standby.url, "SELECT pg_promote()") == (True,)
    until(lambda: client.get("/health").status_code == 200, 10)
    assert ledger.count_sweep().sweeps == 2
    ledger.close()


def test_of_two_hosts_the_one_that_takes_writes_is_used(
    primary: Postgres, standby: Postgres
) -> None:
    """
    A URL may name them all, in any order.
    """
    sockets = [sa.make_url(server.url).query["host"] for server in (standby, primary)]
    url = f"postgresql://postgres@/postgres?host={sockets[0]},{sockets[1]}&port=5432,5432"
    client, ledger = receiver(url)

    assert client.get("/health").status_code == 200
    assert ledger.count_sweep().sweeps == 1
    ledger.close()


def end_all(server: Postgres) -> None:
    """
    End every session of a server but our own, as its shutdown would.
    """
    others = "pid <> pg_backend_pid() AND backend_type = 'client backend'"
    ending = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {others}"
    servers.administer(server.url, ending)
    left = f"SELECT 1 FROM pg_stat_activity WHERE {others}"
    until(lambda: servers.administer(server.url, left) is None, 10)


def replayed(primary: Postgres, standby: Postgres) -> bool:
    """
    Whether the standby has all that the primary wrote.
    """
    (sent,) = servers.administer(primary.url, "SELECT pg_current_wal_lsn()")
    with psycopg.connect(servers.conninfo(standby.url), autocommit=True) as connection:
        told = connection.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [sent])
        return told.fetchone() == (True,)


@pytest.mark.parametrize("pool_mode", ["transaction", "session"])
def test_a_standby_behind_a_pooler_is_promoted(
    primary: Postgres, standby: Postgres, pool_mode: str
) -> None:
    """
    A pooler remembers what its first session was told: the promotion is noticed all the same.
    """
    with servers.pooler(standby, pool_mode) as pooler:
        client, ledger = receiver(pooler.url())
        with pytest.raises(StoreUnavailable, match="read-only"):
            ledger.count_sweep()
        assert client.get("/health").status_code == 503
        until(lambda: replayed(primary, standby), 10)
        primary.stop(immediate=True)
        servers.administer(standby.url, "SELECT pg_promote()")

        until(lambda: client.get("/health").status_code == 200, 10)
        assert ledger.count_sweep().sweeps == 1
        ledger.close()
