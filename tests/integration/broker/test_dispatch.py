"""
Wake-ups on a real broker: how many may wait, and what is done without one.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery import Celery

from tests.contract.samples import TERMS, VirtualClock, an_order
from tests.doubles.ledger import MemoryLedger
from tests.doubles.usecases import UseCases
from tests.doubles.world import ScriptedGateway
from worker.broker.app import configuration
from worker.broker.dispatch import QUEUED, CeleryDispatcher
from worker.broker.names import QueueName
from worker.embedded.broker import Broker
from worker.payouts.limits import Limits
from worker.settings import BrokerSettings
from worker.usecases.evidence import EvidenceHandler
from worker.usecases.ports import Room

#: More than find room at once, and more than two sweeps may wake.
PAYOUTS = 3 * QUEUED


@contextlib.contextmanager
def an_app(broker_url: str) -> Iterator[Celery]:
    """
    Celery as a worker of ours has it.
    """
    with Celery(set_as_current=False) as app:
        app.conf.update(configuration(BrokerSettings.model_validate({"broker_url": broker_url})))
        yield app


@pytest.fixture
def app(empty_broker_url: str) -> Iterator[Celery]:
    """
    The app of a process that wakes others, on an empty broker.
    """
    with an_app(empty_broker_url) as app:
        yield app


@pytest.fixture
def clock() -> VirtualClock:
    """
    Noon, until the test moves it.
    """
    return VirtualClock()


def a_service(app: Celery, clock: VirtualClock) -> UseCases:
    """
    The use cases over a real dispatcher.
    """
    ledger = MemoryLedger(lambda: clock.now)
    handler = EvidenceHandler(ledger, TERMS.customer_no, Limits(), "test")
    return UseCases(handler, ScriptedGateway(), CeleryDispatcher(app), TERMS)


def waiting(app: Celery, queue: QueueName) -> Callable[[], int]:
    """
    How many messages wait in a queue.
    """

    def count() -> int:
        with app.connection_for_read() as connection:
            return len(connection.SimpleQueue(queue.value))

    return count


def taken(app: Celery, queue: QueueName) -> list[int]:
    """
    Take all messages off a queue, as workers would; whom they wake.
    """
    found = []
    with app.connection_for_read() as connection, connection.SimpleQueue(queue.value) as messages:
        for _ in range(len(messages)):
            message = messages.get_nowait()
            found.append(message.payload[0][0])
            message.ack()
    return found


def test_a_queue_stays_bounded_and_drains(app: Celery, clock: VirtualClock) -> None:
    """
    While no worker takes anything, wake-ups are not repeated; then all are woken, oldest first.
    """
    service = a_service(app, clock)
    ids = []
    for place in range(PAYOUTS):
        payout_id = service.ledger.accept(an_order(f"P-{place}"), TERMS)
        assert payout_id is not None
        ids.append(payout_id)

    for _ in range(100):
        service.sweep()
        clock.advance(seconds=5)

    assert waiting(app, QueueName.SEND)() == QUEUED

    woken = taken(app, QueueName.SEND)
    while len(woken) < PAYOUTS:
        service.sweep()
        clock.advance(seconds=5)
        woken += taken(app, QueueName.SEND)
    assert woken == ids


def test_each_queue_has_room_of_its_own(app: Celery) -> None:
    """
    Sends that nobody takes are no reason to stop asking.
    """
    dispatcher = CeleryDispatcher(app)
    for payout_id in range(QUEUED + 1):
        dispatcher.submit(payout_id)
    dispatcher.query(1)

    assert dispatcher.room() == Room(sends=0, queries=QUEUED - 1)


def test_without_a_broker_there_is_no_room(tmp_path: Path) -> None:
    """
    It is neither waited for nor an error, and there is room again once it is back.
    """
    with Broker(tmp_path) as broker, an_app(broker.url) as app:
        dispatcher = CeleryDispatcher(app)
        assert dispatcher.room() == Room(QUEUED, QUEUED)

        broker.kill()
        assert dispatcher.room() == Room(0, 0)

        broker.start()
        assert dispatcher.room() == Room(QUEUED, QUEUED)


def test_a_broker_that_goes_away_is_tried_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A hundred wake-ups do not wait a hundred times for a connection; a while later it is tried anew.
    """
    seconds = 0.0
    with Broker(tmp_path) as broker, an_app(broker.url) as app:
        dispatcher = CeleryDispatcher(app, lambda: seconds)
        broker.kill()
        for payout_id in range(100):
            dispatcher.submit(payout_id)
        away = [record for record in caplog.records if record.message.startswith("broker away")]
        assert [hasattr(record, "payout_id") for record in away] == [False]
        assert dispatcher.room() == Room(0, 0)

        broker.start()
        dispatcher.submit(1)
        seconds = 5.0
        assert dispatcher.room() == Room(QUEUED, QUEUED)
        dispatcher.submit(1)
        assert dispatcher.room() == Room(QUEUED - 1, QUEUED)
