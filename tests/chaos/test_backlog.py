"""
Workers that are away for a while, with sweeps that go on waking them.
"""

import os
import signal

import redis

from tests.acceptance.conftest import PATIENCE, a_stack
from tests.waiting import until
from worker.demo.story import Actor, enqueue
from worker.names import QueueName
from worker.payouts.status import PayoutStatus
from worker.sandbox.scenarios import SCENARIOS

ROWS = 40

#: A second worker, for sweeps alone.
SWEEPER = (
    *("celery", "-A", "worker.app", "worker", "--hostname=sweeper@%h", "--concurrency", "1"),
    *("--queues", QueueName.SWEEP.value, "--without-gossip", "--without-mingle"),
)


def test_questions_that_piled_up_are_not_all_asked() -> None:
    """
    Five wake-ups for each payout wait in the queue, and yet JD is asked about it once or twice.

    Else a backlog makes work that makes more backlog, and never ends.
    """
    scenario = next(one for one in SCENARIOS if one.name == "no_result")
    actors = [Actor(f"PILE{place:04}", scenario, scenario.ends.normal) for place in range(ROWS)]
    # One question each, due when nobody is there to ask it.
    schedule = {"PAYOUTS_FOLLOWUPS": "10s,1h", "PAYOUTS_FOLLOWUP_TAIL": "1h"}
    with (
        # On SQLite a worker that is frozen as it writes would stop the sweeps as well.
        a_stack(database="postgres", settings=schedule) as (stack, ledger),
        redis.Redis.from_url(stack.broker.url) as broker,
    ):
        member = stack.environment["PAYOUTS_CUSTOMER_NO"]
        worker = stack.children["worker"]

        def piled_up() -> int:
            return int(broker.llen(QueueName.QUERY.value))

        def asked() -> int:
            return sum(order["queries"] for order in stack.books()["orders"])

        def is_over() -> bool:
            found = [ledger.find(member, actor.out_trade_no) for actor in actors]
            return piled_up() == 0 and all(one and one.query_misses == 0 for one in found)

        stack.start("sweeper", *SWEEPER)
        enqueue(stack.broker.url, actors)
        until(lambda: len(ledger.payouts(PayoutStatus.PROCESSING, 100)) == ROWS, PATIENCE)
        before = asked()
        os.killpg(worker.pid, signal.SIGSTOP)
        try:
            until(lambda: piled_up() >= 5 * ROWS, PATIENCE)
        finally:
            os.killpg(worker.pid, signal.SIGCONT)
        until(is_over, PATIENCE)
        questions = asked() - before

    assert before == 0
    assert ROWS <= questions <= 3 * ROWS
