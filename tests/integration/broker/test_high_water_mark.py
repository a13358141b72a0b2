"""
The broker as the mark of how far a database had come.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from celery import Celery

from tests.integration.broker.test_dispatch import an_app
from worker.broker.high_water_mark import BrokerHighWaterMark
from worker.embedded.broker import Broker
from worker.payouts.errors import MarkUnavailable
from worker.payouts.progress import Progress


@pytest.fixture
def app(empty_broker_url: str) -> Iterator[Celery]:
    """
    The app of a sweeping process, on an empty broker.
    """
    with an_app(empty_broker_url) as app:
        yield app


def test_it_remembers_for_other_processes(app: Celery) -> None:
    """
    What one process left is what the next one finds, for this epoch of this database alone.
    """
    told = Progress("a", 7, 12, "beef")
    assert BrokerHighWaterMark(app).remember(told) == Progress("a")

    assert BrokerHighWaterMark(app).known("a") == told
    assert BrokerHighWaterMark(app).known("b") == Progress("b")


def test_it_never_goes_down(app: Celery) -> None:
    """
    Sweeps and claims each by themselves; of the same attempt the first token stays.
    """
    mark = BrokerHighWaterMark(app)
    mark.remember(Progress("a", 7, 12, "beef"))
    for told in (Progress("a", 6), Progress("a", 0, 12, "cafe"), Progress("a", 0, 11, "cafe")):
        assert mark.remember(told) == Progress("a", 7, 12, "beef")
    mark.remember(Progress("a", 8))
    mark.remember(Progress("a", 0, 100, "cafe"))

    assert mark.known("a") == Progress("a", 8, 100, "cafe")


@pytest.mark.parametrize(
    "planted", [b"", b"many", b"\xff", b"-1", b"1e9", b"inf", b"9" * 40, b" 9"]
)
def test_what_somebody_else_wrote_there_counts_as_nothing(
    app: Celery, empty_broker_url: str, planted: bytes
) -> None:
    """
    Whatever stands in the fields, it is overwritten by what we tell.
    """
    with redis.Redis.from_url(empty_broker_url) as client:
        client.hset("payouts:progress:a", mapping={"sweeps": planted, "attempt": planted})
    mark, told = BrokerHighWaterMark(app), Progress("a", 1, 1, "beef")
    known = mark.remember(told)

    assert (known.sweeps, known.attempt_id) == (0, 0)
    assert mark.known("a") == told


@pytest.mark.parametrize("command", ["SET", "LPUSH", "SADD"])
def test_another_kind_of_key_is_replaced(app: Celery, empty_broker_url: str, command: str) -> None:
    """
    It would stop the sending for ever.
    """
    with redis.Redis.from_url(empty_broker_url) as client:
        client.execute_command(command, "payouts:progress:a", "7")
    BrokerHighWaterMark(app).remember(Progress("a", 2))

    assert BrokerHighWaterMark(app).known("a").sweeps == 2


def test_a_token_that_is_no_text_is_known_as_another(app: Celery, empty_broker_url: str) -> None:
    """
    Then JD is asked about everything, and no more.
    """
    with redis.Redis.from_url(empty_broker_url) as client:
        client.hset("payouts:progress:a", mapping={"attempt": 5, "token": b"\xff\xfe"})

    assert BrokerHighWaterMark(app).known("a").token not in {"", "beef"}


def test_it_outlives_the_broker(tmp_path: Path) -> None:
    """
    Without a broker there is no mark; one that comes back knows what it knew.
    """
    broker = Broker(tmp_path)
    broker.start()
    try:
        with an_app(broker.url) as app:
            mark = BrokerHighWaterMark(app)
            mark.remember(Progress("a", 7))
            broker.stop()
            with pytest.raises(MarkUnavailable):
                mark.remember(Progress("a", 8))
            with pytest.raises(MarkUnavailable):
                mark.known("a")

            broker.start()
            assert mark.known("a") == Progress("a", 7)
            # A process keeps it to its end; a test's must not outlive its server.
            mark._client.connection_pool.disconnect()
    finally:
        broker.stop()
