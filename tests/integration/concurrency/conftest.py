"""
A database of either kind, and many payouts in it at once.
"""

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from tests.contract.samples import KEYRING, NOON, TERMS, an_order, migrated
from tests.doubles.clock import telling
from tests.servers import Databases
from worker.payouts.acceptance import Entry
from worker.store.engine import create_engine
from worker.store.ledger import SqlLedger

#: Puts so many payouts, queued and due, into the database, and returns their ids.
Fill = Callable[[int], list[int]]


@pytest.fixture
def url(databases: Databases) -> str:
    """
    A migrated database of either kind.
    """
    return databases.prepared(migrated)


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    """
    The test's own way into that database.
    """
    engine = create_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(engine: sa.Engine) -> SqlLedger:
    """
    The ledger over it, by the database's clock.
    """
    return SqlLedger(engine, KEYRING)


@pytest.fixture
def fill(engine: sa.Engine) -> Fill:
    """
    Accepts all of them at once.
    """

    def write(count: int) -> list[int]:
        ledger = SqlLedger(engine, KEYRING, telling(lambda: NOON))
        entries = [Entry(an_order(f"P-{number}")) for number in range(count)]
        ids = [payout_id for payout_id in ledger.accept(entries, TERMS) if payout_id is not None]
        assert len(ids) == count
        return ids

    return write
