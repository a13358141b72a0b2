"""
A ledger in memory and over each database, with a clock that only the test moves.
"""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from tests.contract.samples import KEYRING, VirtualClock, migrated
from tests.doubles.ledger import MemoryLedger
from tests.servers import Databases
from worker.store.engine import create_engine
from worker.store.ledger import SqlLedger
from worker.usecases.ports import Ledger


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """
    Run each test over every ledger; one that asks for the engine, over those that have one.
    """
    if "backend" in metafunc.fixturenames:
        memory = [] if "engine" in metafunc.fixturenames else ["memory"]
        metafunc.parametrize("backend", [*memory, "sqlite", "postgres"])


@pytest.fixture
def engine(backend: str, request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    """
    A migrated database of either kind.
    """
    databases: Databases = request.getfixturevalue(f"{backend}_databases")
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
def ledger(backend: str, clock: VirtualClock, request: pytest.FixtureRequest) -> Ledger:
    """
    The ledger under test.
    """
    if backend == "memory":
        return MemoryLedger(lambda: clock.now)
    return SqlLedger(request.getfixturevalue("engine"), KEYRING, clock.told)
