"""
Wake-ups on a real broker: how many may wait, and what is done without one.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from kombu.exceptions import ChannelError

from worker.broker.app import configuration
from worker.broker.dispatch import CeleryDispatcher
from worker.broker.names import QueueName
from worker.embedded.broker import Broker
from worker.settings import BrokerSettings
from worker.usecases.ports.dispatcher import GATHER_S


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


def taken(app: Celery, queue: QueueName) -> list[Any]:
    """
    Take all messages off a queue, as workers would: task and payload of each.
    """
    found = []
    # A queue of Redis that is empty does not exist.
    with app.connection_for_read() as connection, contextlib.suppress(ChannelError):
        messages = connection.SimpleQueue(queue.value)
        for _ in range(len(messages)):
            message = messages.get_nowait()
            found.append((message.headers["task"], message.payload[:2]))
            message.ack()
    return found


def test_a_wake_up_says_nothing_but_what_to_do(app: Celery) -> None:
    """
    Not even a number travels: whoever takes it looks into the database.
    """
    dispatcher = CeleryDispatcher(app)
    dispatcher.wake_sender()
    dispatcher.wake_querier()

    assert taken(app, QueueName.SEND) == [("payouts.submit", [[], {}])]
    assert taken(app, QueueName.QUERY) == [("payouts.query", [[], {}])]


def test_one_wake_up_waits_at_a_time(app: Celery) -> None:
    """
    However long nobody takes it; once it is taken, the next one is sent again.
    """
    seconds = 0.0
    dispatcher = CeleryDispatcher(app, lambda: seconds)
    for _ in range(100):
        dispatcher.wake_sender()
        seconds += 1
    assert len(taken(app, QueueName.SEND)) == 1

    dispatcher.wake_sender()
    assert len(taken(app, QueueName.SEND)) == 1


def test_what_follows_at_once_needs_no_wake_up(app: Celery) -> None:
    """
    Whoever was woken a moment ago looks again after it; after that the next one is sent.
    """
    seconds = 0.0
    dispatcher = CeleryDispatcher(app, lambda: seconds)
    dispatcher.wake_sender()
    assert len(taken(app, QueueName.SEND)) == 1
    seconds = GATHER_S - 0.01
    dispatcher.wake_sender()
    dispatcher.wake_querier()
    assert [len(taken(app, queue)) for queue in (QueueName.SEND, QueueName.QUERY)] == [0, 1]

    seconds = GATHER_S
    dispatcher.wake_sender()
    assert len(taken(app, QueueName.SEND)) == 1


def test_each_queue_has_a_wake_up_of_its_own(app: Celery) -> None:
    """
    Sends that nobody takes are no reason to stop asking.
    """
    dispatcher = CeleryDispatcher(app)
    dispatcher.wake_sender()
    dispatcher.wake_querier()

    assert len(taken(app, QueueName.QUERY)) == 1


def test_a_broker_that_goes_away_is_tried_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A hundred wake-ups do not wait a hundred times for a connection; a while later it is tried anew.
    """
    seconds = 0.0
    with Broker(tmp_path) as broker, an_app(broker.url) as app:
        dispatcher = CeleryDispatcher(app, lambda: seconds)
        dispatcher.wake_sender()
        broker.kill()
        seconds = 1.0
        for _ in range(100):
            dispatcher.wake_sender()
        away = [record for record in caplog.records if record.message.startswith("broker away")]
        assert len(away) == 1

        broker.start()
        taken(app, QueueName.SEND)
        dispatcher.wake_sender()
        assert taken(app, QueueName.SEND) == []
        seconds = 6.0
        dispatcher.wake_sender()
        assert len(taken(app, QueueName.SEND)) == 1


def test_a_broker_that_was_never_there_is_no_error(tmp_path: Path) -> None:
    """
    A hint that was not given is no fault: the sweep gives it again.
    """
    with Broker(tmp_path) as broker, an_app(broker.url) as app:
        broker.kill()
        CeleryDispatcher(app).wake_querier()
        broker.start()

        assert taken(app, QueueName.QUERY) == []
