from celery import Celery

from tests.acceptance.conftest import PATIENCE, a_stack
from tests.waiting import until
from worker.broker.names import QueueName, TaskName
from worker.demo.story import cast, job


def test_a_job_that_arrives_while_the_database_is_away_is_accepted_later() -> None:
    """
    It goes back to the queue, the worker lives on, and the job is accepted once it can be.
    """
    first, wanted = (job(cast()[0], 4_200) for _ in range(2))
    with (
        a_stack(database="postgres") as (stack, ledger),
        Celery(broker=stack.broker.url, set_as_current=False) as producer,
    ):
        assert stack.postgres is not None
        merchant = stack.environment["PAYOUTS_CUSTOMER_NO"]
        worker = stack.children["worker"]

        def send(one: dict[str, object]) -> None:
            producer.send_task(
                TaskName.ENQUEUE.value, kwargs={"job": one}, queue=QueueName.ENTRY.value
            )

        def is_accepted(one: dict[str, object]) -> bool:
            return ledger.find(merchant, str(one["out_trade_no"])) is not None

        # A worker takes nothing before it has seen its database.
        send(first)
        until(lambda: is_accepted(first), PATIENCE)
        stack.postgres.stop(immediate=True)
        send(wanted)
        until(lambda: "reject requeue=True" in worker.log.read_text(), PATIENCE)
        stack.postgres.start()
        until(lambda: not worker.is_alive() or is_accepted(wanted), PATIENCE)

        assert worker.is_alive(), worker.tail()
