from celery import Celery

from tests.acceptance.conftest import PATIENCE, a_stack
from tests.waiting import until
from worker.broker.names import QueueName, TaskName
from worker.demo.story import cast, job


def test_a_job_that_arrives_while_the_database_is_away_is_accepted_later() -> None:
    """
    It goes back to the queue, the worker lives on, and the job is accepted once it can be.
    """
    wanted = job(cast()[0], 4_200)
    with a_stack(database="postgres") as (stack, ledger):
        assert stack.postgres is not None
        merchant = stack.environment["PAYOUTS_CUSTOMER_NO"]
        worker = stack.children["worker"]

        def is_accepted() -> bool:
            return ledger.find(merchant, str(wanted["out_trade_no"])) is not None

        stack.postgres.stop(immediate=True)
        with Celery(broker=stack.broker.url, set_as_current=False) as producer:
            producer.send_task(
                TaskName.ENQUEUE.value, kwargs={"job": wanted}, queue=QueueName.ENTRY.value
            )
        until(lambda: "reject requeue=True" in worker.log.read_text(), PATIENCE)
        stack.postgres.start()
        until(lambda: not worker.is_alive() or is_accepted(), PATIENCE)

        assert worker.is_alive(), worker.tail()
