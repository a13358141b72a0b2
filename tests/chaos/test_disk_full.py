import json
import resource
from typing import Any

import redis
from celery import Celery

from tests.acceptance.conftest import PATIENCE, a_stack
from tests.chaos.disk import NEXT_TO_NOTHING, allow_files
from tests.waiting import until
from worker.broker.names import QueueName, TaskName
from worker.demo.story import cast, job
from worker.payouts.status import PayoutStatus


def test_a_worker_outlives_a_full_disk() -> None:
    """
    A job that cannot be recorded goes back to the queue; with space again, it is paid once.
    """
    first, wanted = (job(cast()[0], 4_200) for _ in range(2))
    with (
        a_stack() as (stack, ledger),
        Celery(broker=stack.broker.url, set_as_current=False) as producer,
        redis.Redis.from_url(stack.broker.url) as broker,
    ):
        merchant = stack.environment["PAYOUTS_CUSTOMER_NO"]
        worker = stack.children["worker"]

        def send(one: dict[str, object]) -> None:
            producer.send_task(
                TaskName.ENQUEUE.value, kwargs={"job": one}, queue=QueueName.ENTRY.value
            )

        def status(one: dict[str, object]) -> PayoutStatus | None:
            payout = ledger.find(merchant, str(one["out_trade_no"]))
            return None if payout is None else payout.status

        def came_back() -> bool:
            waiting: list[Any] = [json.loads(one) for one in broker.lrange(QueueName.ENTRY, 0, -1)]
            in_hand = [json.loads(one)[0] for one in broker.hvals("unacked")]
            return any(message["headers"].get("redelivered") for message in waiting + in_hand)

        send(first)
        until(lambda: status(first) is PayoutStatus.PAID, PATIENCE)
        allow_files(worker.pid, NEXT_TO_NOTHING)
        send(wanted)
        until(came_back, PATIENCE)
        assert status(wanted) is None
        allow_files(worker.pid, resource.RLIM_INFINITY)
        until(lambda: not worker.is_alive() or status(wanted) is PayoutStatus.PAID, PATIENCE)

        assert worker.is_alive(), worker.tail()
        assert stack.books()["debits"] == 2
