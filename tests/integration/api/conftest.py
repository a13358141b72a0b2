"""
Both processes of the HTTP API over one real database, in this process.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import Client, TestResponse

from tests.contract.samples import KEYRING, MERCHANT, TERMS, VirtualClock, migrated
from tests.doubles.world import RecordingDispatcher
from tests.servers import Databases
from worker.intake.sealing import SealedJobs
from worker.payouts.policy.controls import ReviewList
from worker.payouts.producers import Scope
from worker.store.engine import create_engine
from worker.store.keyring import NoKeyring
from worker.store.ledger import SqlLedger
from worker.usecases.accept import Acceptor
from worker.usecases.own_payouts import OwnPayouts
from worker.usecases.producers import Registrar
from worker.web.api.accept import AcceptApi
from worker.web.api.app import build
from worker.web.api.read import ReadApi

REVIEWED = "6222000000000000000"

Ask = Callable[..., TestResponse]


@dataclass
class Producer:
    """
    An application with a token of each scope, and both processes to ask.
    """

    name: str
    accept: str
    read: str
    accepting: Flask
    reading: Flask

    def post(self, path: str, job: Any = None, token: str | None = None) -> TestResponse:
        """
        Ask the process that accepts.
        """
        headers = {"Authorization": f"Bearer {self.accept if token is None else token}"}
        return Client(self.accepting).post(path, json=job, headers=headers)

    def get(self, path: str, token: str | None = None) -> TestResponse:
        """
        Ask the process that reads.
        """
        headers = {"Authorization": f"Bearer {self.read if token is None else token}"}
        return Client(self.reading).get(path, headers=headers)


@pytest.fixture
def clock() -> VirtualClock:
    """
    Noon, until the test moves it.
    """
    return VirtualClock()


@pytest.fixture
def engine(databases: Databases) -> Iterator[sa.Engine]:
    """
    A migrated database of either kind.
    """
    engine = create_engine(databases.prepared(migrated))
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(engine: sa.Engine, clock: VirtualClock) -> SqlLedger:
    """
    The ledger of the process that accepts.
    """
    return SqlLedger(engine, KEYRING, clock.told)


@pytest.fixture
def dispatcher() -> RecordingDispatcher:
    """
    Nobody is woken; who would be is remembered.
    """
    return RecordingDispatcher()


@pytest.fixture
def accepting(ledger: SqlLedger, dispatcher: RecordingDispatcher) -> Flask:
    """
    The process that accepts.
    """
    acceptor = Acceptor(ledger, dispatcher, TERMS, ReviewList(frozenset({REVIEWED})), SealedJobs())
    own = OwnPayouts(ledger, MERCHANT)
    handlers = AcceptApi(acceptor, own).handlers
    return build(ledger, handlers, ledger.check_writable)


@pytest.fixture
def reading(engine: sa.Engine, clock: VirtualClock) -> Flask:
    """
    The process that reads: its ledger has no key.
    """
    ledger = SqlLedger(engine, NoKeyring(), clock.told)
    return build(ledger, ReadApi(OwnPayouts(ledger, MERCHANT)).handlers, ledger.now)


@pytest.fixture
def register(ledger: SqlLedger, accepting: Flask, reading: Flask) -> Callable[[str], Producer]:
    """
    Make a producer.
    """

    def make(name: str) -> Producer:
        registrar = Registrar(ledger, "cli:mei")
        registrar.add(name)
        _, accept = registrar.issue(name, Scope.ACCEPT, "")
        _, read = registrar.issue(name, Scope.READ, "")
        return Producer(name, accept, read, accepting, reading)

    return make


@pytest.fixture
def shop(register: Callable[[str], Producer]) -> Producer:
    """
    One application.
    """
    return register("shop")


@pytest.fixture
def payroll(register: Callable[[str], Producer]) -> Producer:
    """
    Another one of the same merchant.
    """
    return register("payroll")
