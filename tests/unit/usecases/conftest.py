"""
The use cases over the real ledger on SQLite, with a clock that only the test moves.
"""

import sqlite3
from collections.abc import Iterator

import pytest
from sqlalchemy import event

from tests.doubles.clock import telling
from tests.doubles.usecases import UseCases
from tests.doubles.world import Clock, RecordingDispatcher, ScriptedGateway
from tests.factories import MERCHANT, TERMS
from tests.servers import SqliteDatabases
from worker.payouts.limits import Limits
from worker.store.engine import create_engine
from worker.store.installation import ensure_profile
from worker.store.keyring import Keyring
from worker.store.ledger import SqlLedger
from worker.store.migrate import upgrade
from worker.usecases.evidence import EvidenceHandler

KEYRING = Keyring([Keyring.generate_key()])


def migrated(url: str) -> None:
    """
    Prepare a database, leaving no connection behind.
    """
    engine = create_engine(url)
    upgrade(engine)
    ensure_profile(engine, "sandbox")
    engine.dispose()


def without_waiting_for_the_disk(connection: sqlite3.Connection, _entry: object) -> None:
    """
    No test here cuts the power.
    """
    connection.execute("PRAGMA synchronous = OFF")


@pytest.fixture
def clock() -> Clock:
    """
    Noon, until the test moves it.
    """
    return Clock()


@pytest.fixture
def ledger(sqlite_databases: SqliteDatabases, clock: Clock) -> Iterator[SqlLedger]:
    """
    A real ledger, empty.
    """
    engine = create_engine(sqlite_databases.prepared(migrated))
    event.listen(engine, "connect", without_waiting_for_the_disk)
    ledger = SqlLedger(engine, KEYRING, telling(clock))
    yield ledger
    ledger.close()


@pytest.fixture
def gateway() -> ScriptedGateway:
    """
    JD, without anything to say yet.
    """
    return ScriptedGateway()


@pytest.fixture
def dispatcher() -> RecordingDispatcher:
    """
    Nobody is woken; who would be is remembered.
    """
    return RecordingDispatcher()


@pytest.fixture
def handler(ledger: SqlLedger) -> EvidenceHandler:
    """
    What handles evidence.
    """
    return EvidenceHandler(ledger, MERCHANT, Limits(), "test")


@pytest.fixture
def service(
    handler: EvidenceHandler,
    gateway: ScriptedGateway,
    dispatcher: RecordingDispatcher,
    clock: Clock,
) -> UseCases:
    """
    The use cases under test.
    """
    return UseCases(handler, gateway, dispatcher, TERMS, steady=clock.steady)
