"""
A broker that goes away while a worker has as many messages in hand as it may have.
"""

import contextlib
from collections.abc import Iterator

import redis
from celery import Celery
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.acceptance.conftest import PATIENCE, a_stack
from tests.waiting import until
from worker.broker.names import QueueName, TaskName
from worker.demo.stack import Stack
from worker.demo.story import cast, job
from worker.store.engine import create_engine

#: What a worker of the demo may have in hand: one message for each of its processes.
IN_HAND = 2

#: How soon after the broker's return a worker must take messages again, in seconds.
SOON = 60.0


@contextlib.contextmanager
def locked(stack: Stack) -> Iterator[None]:
    """
    Hold the database's write lock: jobs wait, and are acknowledged when it is let go.
    """
    engine = create_engine(stack.environment["PAYOUTS_DATABASE_URL"])
    with engine.begin():
        yield
    engine.dispose()


def test_a_worker_whose_acknowledgements_were_lost_takes_messages_again() -> None:
    """
    All messages in hand end while the broker is away; once it is back, the next job is accepted.
    """
    first, late = (job(cast()[0], 4_200) for _ in range(2))
    with (
        a_stack() as (stack, ledger),
        Celery(broker=stack.broker.url, set_as_current=False) as producer,
        redis.Redis.from_url(stack.broker.url, retry=Retry(NoBackoff(), 0)) as broker,
    ):
        merchant = stack.environment["PAYOUTS_CUSTOMER_NO"]
        log = stack.children["worker"].log

        def send(one: dict[str, object]) -> None:
            producer.send_task(
                TaskName.ENQUEUE.value, kwargs={"job": one}, queue=QueueName.ENTRY.value
            )

        def is_accepted(one: dict[str, object]) -> bool:
            return ledger.find(merchant, str(one["out_trade_no"])) is not None

        def has_noticed() -> bool:
            told = log.read_text()
            return told.count("Couldn't ack") == IN_HAND or "Connection to broker lost" in told

        send(first)
        until(lambda: is_accepted(first), PATIENCE)
        # Without a beat nothing but the jobs occupies the worker.
        stack.kill("beat")
        until(lambda: broker.llen(QueueName.SWEEP.value) == 0, PATIENCE)
        with locked(stack):
            for _ in range(IN_HAND):
                send(first)  # again: accepted already, so that it wakes nobody
            until(lambda: broker.hlen("unacked") == IN_HAND, PATIENCE)
            stack.broker.kill()
        until(has_noticed, PATIENCE)
        stack.broker.start()
        send(late)

        until(lambda: is_accepted(late), SOON)
