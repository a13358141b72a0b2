"""
The monitor over a real database and a real broker, with limits that a test can wait for.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from celery import Celery
from pydantic import SecretStr

from tests.contract.samples import KEYRING, MERCHANT, migrated
from tests.doubles.owner import take_fences_away
from tests.doubles.usecases import an_upkeep
from tests.doubles.world import RecordingDispatcher
from tests.servers import Databases
from tests.waiting import until
from worker.broker.app import configuration
from worker.broker.health import RedisProbe
from worker.embedded.broker import Broker
from worker.payouts.limits import Limits
from worker.payouts.policy.alerts import AlertKind
from worker.settings import BrokerSettings
from worker.store.engine import create_engine
from worker.store.ledger import SqlLedger
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.monitor import Monitor
from worker.usecases.sweep import Sweeper

#: How long a test waits for an alert to begin or end, in seconds.
PATIENCE = 30.0

SECOND = timedelta(seconds=1)

#: So long a fault must last until it is an alert; a test that needs one changes that one.
LIMITS = replace(Limits(), backoff_first=SECOND)


@dataclass
class Place:
    """
    A service without processes: a test does what they would do, or leaves it undone.
    """

    engine: sa.Engine
    ledger: SqlLedger
    broker: Broker
    client: redis.Redis
    app: Celery
    limits: Limits = LIMITS

    def limited(self, **limits: Any) -> None:
        """
        Have some limits be shorter.
        """
        self.limits = replace(self.limits, **limits)

    @property
    def probe(self) -> RedisProbe:
        """
        What looks at the broker.
        """
        return RedisProbe(self.app)

    @property
    def monitor(self) -> Monitor:
        """
        What looks on, as any process of the service has it.
        """
        return Monitor(self.ledger, self.probe, MERCHANT, self.limits)

    @property
    def handler(self) -> EvidenceHandler:
        """
        What judges evidence.
        """
        return EvidenceHandler(self.ledger, MERCHANT, self.limits, "worker")

    def told(self) -> set[AlertKind]:
        """
        The alerts that there are.
        """
        return {alert.kind for alert in self.monitor.look().alerts}

    def sweep(self) -> None:
        """
        One sweep, as the task does it.
        """
        an_upkeep(self.handler, self.ledger).run()
        Sweeper(self.handler, self.ledger, RecordingDispatcher()).sweep()

    def until_told(self, *kinds: AlertKind) -> None:
        """
        Wait until these alerts are there, and no others.
        """
        until(lambda: self.told() == {*kinds}, PATIENCE)

    def execute(self, statement: str) -> None:
        """
        Change the database as an administrator would.
        """
        with self.engine.begin() as conn:
            take_fences_away(conn)
            conn.execute(sa.text(statement))


@pytest.fixture(scope="module")
def alerts_broker() -> Iterator[Broker]:
    """
    A broker that a test may stop and start.
    """
    with (
        tempfile.TemporaryDirectory(prefix="payouts-alerts-") as folder,
        Broker(Path(folder)) as broker,
    ):
        yield broker


@pytest.fixture
def place(databases: Databases, alerts_broker: Broker) -> Iterator[Place]:
    """
    Each database, swept just now, with an empty broker; all is well there.
    """
    engine = create_engine(databases.prepared(migrated))
    app = Celery("payouts", set_as_current=False)
    settings = BrokerSettings(broker_url=SecretStr(alerts_broker.url))
    app.add_defaults(lambda: configuration(settings))
    with (
        contextlib.closing(SqlLedger(engine, KEYRING)) as ledger,
        contextlib.closing(redis.Redis.from_url(alerts_broker.url)) as client,
    ):
        client.flushdb()
        found = Place(engine, ledger, alerts_broker, client, app)
        found.sweep()
        assert found.told() == set()
        yield found
        app.close()
