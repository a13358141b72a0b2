"""
The broker as a witness of the database's heartbeat.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from celery import Celery

from tests.integration.broker.test_dispatch import an_app
from worker.broker.high_water_mark import BrokerHighWaterMark
from worker.embedded.broker import Broker
from worker.payouts.health import SweepCount


@pytest.fixture
def app(empty_broker_url: str) -> Iterator[Celery]:
    """
    The app of a sweeping process, on an empty broker.
    """
    with an_app(empty_broker_url) as app:
        yield app


def test_it_remembers_for_other_processes(app: Celery) -> None:
    """
    What one process left is what the next one finds, for this database alone.
    """
    BrokerHighWaterMark(app).remember(SweepCount("a", 7))

    assert BrokerHighWaterMark(app).seen("a") == 7
    assert BrokerHighWaterMark(app).seen("b") == 0


@pytest.mark.parametrize("planted", [b"", b"many", b"\xff", b"-1"])
def test_what_somebody_else_wrote_there_does_no_harm(
    app: Celery, empty_broker_url: str, planted: bytes
) -> None:
    """
    Whatever stands under the key, it counts as nothing seen.
    """
    with redis.Redis.from_url(empty_broker_url) as client:
        client.set("payouts:beats:a", planted)

    assert BrokerHighWaterMark(app).seen("a") <= 0


def test_it_outlives_the_broker(tmp_path: Path) -> None:
    """
    Without a broker there is no witness, and no error; one that comes back is asked again.
    """
    broker = Broker(tmp_path)
    broker.start()
    try:
        with an_app(broker.url) as app:
            mark = BrokerHighWaterMark(app)
            mark.remember(SweepCount("a", 7))
            broker.stop()
            mark.remember(SweepCount("a", 8))
            assert mark.seen("a") == 0

            broker.start()
            assert mark.seen("a") == 7
    finally:
        broker.stop()
