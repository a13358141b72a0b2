"""
The tasks of the worker. They are wake-ups; the entry message alone carries a job.

Arguments that another version of a producer or worker may add are tolerated, so that a deployment
need not stop the queue.
"""

import logging
import time
from collections.abc import Callable

from billiard import current_process
from celery.exceptions import Reject

from worker import acceptance, monitoring, service
from worker.broker.app import app
from worker.broker.names import TaskName
from worker.intake.message import receive
from worker.usecases.taken import Taken

log = logging.getLogger("jdpay_payouts.tasks")

#: How long an entry message that cannot be taken waits before it goes back, in seconds.
_PAUSE = 5.0

#: A wake-up is worked off for no longer than so many seconds; then another one takes over.
_LASTING = 20.0


@app.task(name=TaskName.ENQUEUE.value, acks_late=True)
def enqueue(*_args: object, **message: object) -> None:
    """
    Accept one job. Acknowledged only once the payout, or the rejection, is committed.
    """
    try:
        receive(acceptance.acceptor(), message)
    except Exception as error:  # noqa: BLE001 (the border: the job would be gone)
        # A job's own faults are dealt with inside; what comes here is the database
        # being away, or a setting of ours with which no worker can start: the job must wait.
        log.error("no job can be taken: %s", error)  # noqa: TRY400 (the text says it all)
        time.sleep(_PAUSE)
        raise Reject(type(error).__name__, requeue=True) from None


@app.task(name=TaskName.SUBMIT.value)
def submit(*_args: object, **_later: object) -> None:
    """
    Send what is due, each payout at most once.
    """
    if _work_off(service.sender().take):
        acceptance.dispatcher().wake_sender()


@app.task(name=TaskName.QUERY.value)
def query(*_args: object, **_later: object) -> None:
    """
    Ask JD what is due to be asked.
    """
    if _work_off(service.querier().take):
        acceptance.dispatcher().wake_querier()


def _work_off(take: Callable[[int], Taken]) -> bool:
    """
    Begin what is due; in a child, which Celery may end after a task, wait until it has ended.
    """
    in_flight = service.in_flight()
    is_left = in_flight.work_off(take, _LASTING)
    if current_process().name != "MainProcess":
        in_flight.rest()
    return is_left


@app.task(name=TaskName.SWEEP.value)
def sweep(**_later: object) -> None:
    """
    Do the sweep's own checks, find due work that no message announced, and look on the whole.

    That last also where the sweep fails: it is what tells of it.
    """
    try:
        service.maintenance().run()
        service.sweeper().sweep()
    finally:
        monitoring.monitor().tell_now_and_then()
