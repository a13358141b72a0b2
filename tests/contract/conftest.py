"""
A ledger over each database, with a clock that only the test moves.
"""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from tests.contract.samples import KEYRING, VirtualClock, migrated
from tests.servers import Databases
from worker.store.engine import create_engine
from worker.store.ledger import SqlLedger


@pytest.fixture
def engine(databases: Databases) -> Iterator[sa.Engine]:
    """
    A migrated database of either kind.
    """
    engine = create_engine(databases.prepared(migrated))
    yield engine
    engine.dispose()


@pytest.fixture
def clock() -> VirtualClock:
    """
    Noon, until the test moves it.
    """
    return VirtualClock()


@pytest.fixture
def ledger(engine: sa.Engine, clock: VirtualClock) -> SqlLedger:
    """
    The ledger under test.
    """
    return SqlLedger(engine, KEYRING, clock)
